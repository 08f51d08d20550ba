import { rmSync } from 'node:fs'
import { access, constants, mkdtemp, open, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '../errors.ts'
import { formatBytes, MIB } from '../units.ts'
import type { WorkPlace } from '../workloads/workload.ts'
import type { RunPlan } from './result.ts'

const FOLDER_PREFIX = '.uncached-io-bench-'

/** What a file system needs beside the file's own bytes for keeping track of them. */
const METADATA_SHARE = 0.02
const METADATA_BYTES_MIN = MIB

/** @returns why `dir` cannot be written to, or `null`. */
export async function whyNotUsable(dir: string): Promise<string | null> {
  try {
    if (!(await stat(dir)).isDirectory()) return `${dir} is not a folder`
    await access(dir, constants.W_OK | constants.X_OK)
    return null
  } catch (error) {
    const code = codeOf(error)
    return code === 'ENOENT' ? `${dir} does not exist` : `${dir} cannot be written to (${code})`
  }
}

/** Where what a workload's `setUp` makes is, in the work folder. */
export function setUpFolderOf(folder: string, workload: string): string {
  return join(folder, `${workload}.set-up`)
}

/** Where a run's file or folder is, in the work folder. */
export function runPath(folder: string, workload: string): string {
  return join(folder, `${workload}.data`)
}

/** What a workload is told of a run. */
export function workPlace({ workload, bytes, bytesPerSecond, point }: RunPlan, path: string): WorkPlace {
  return { path, bytes, setUpFolder: setUpFolderOf(dirname(path), workload), bytesPerSecond, point }
}

/**
 * Only one file exists at a time, so the largest one has to fit.
 *
 * @returns a sentence about what is missing, or `null` when there is space enough.
 */
export async function whyTooLittleSpace(dir: string, largestFileBytes: number): Promise<string | null> {
  const { bavail, bsize } = await statfs(dir)
  const freeBytes = bavail * bsize
  const neededBytes = largestFileBytes + Math.max(METADATA_BYTES_MIN, largestFileBytes * METADATA_SHARE)
  if (freeBytes >= neededBytes) return null
  return `not enough space in ${dir}: ${formatBytes(neededBytes)} needed, ${formatBytes(freeBytes)} free`
}

/** A folder of our own, which is removed when this process ends, however it ends (but for SIGKILL). */
export interface WorkFolder {
  readonly path: string
  /** Removes it with all that is in it. May be called again. */
  remove(): void
}

export async function makeWorkFolder(dir: string): Promise<WorkFolder> {
  const path = await mkdtemp(join(dir, FOLDER_PREFIX))
  const removeNow = () => rmSync(path, { recursive: true, force: true })
  process.on('exit', removeNow)
  return {
    path,
    remove() {
      removeNow()
      process.off('exit', removeNow)
    },
  }
}

/**
 * After a file was removed: the folder's fsync commits that, so that freeing the blocks (on some mounts also discarding
 * them) is over before the next run and is not billed to it.
 */
export async function settle(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
