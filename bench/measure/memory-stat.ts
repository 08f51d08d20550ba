/** What the files of a memory cgroup say. */
import { join } from 'node:path'
import type { CgroupKernel } from './cgroup-kernel.ts'

/**
 * What is charged to a cgroup and those below it.
 *
 * A page is charged to the cgroup of the process that brings it into memory, and stays charged there until it is freed,
 * whoever reads it later and wherever the process moves. So a page that is in the cache already costs a run nothing, and
 * what a process charged before it was added is not here.
 *
 * The kernel adds up what its processors counted when enough has come together (64 pages each), and every two seconds
 * (mm/memcontrol.c): the numbers may be late by some hundred KiB a processor. The usage comes from another file than the
 * others, a moment apart.
 */
export interface MemorySample {
  /**
   * Page cache: pages of files, clean and dirty, with those of tmpfs and shared memory, and with the file system's
   * metadata that the run was the first to touch. v1 `total_cache`, v2 `file`; what cAdvisor shows as
   * `container_memory_cache`. Not the anonymous memory of processes, so not the buffers of direct writes.
   */
  readonly cacheBytes: number
  /**
   * All that counts against a memory limit: page cache, anonymous memory, and what the kernel keeps for the processes. v1
   * `memory.usage_in_bytes`, v2 `memory.current`; `container_memory_usage_bytes`. Charged ahead by up to 64 pages a
   * processor.
   */
  readonly usageBytes: number
  /**
   * The part of the page cache that is freed first. What cAdvisor shows as `container_memory_working_set_bytes` leaves it
   * out: pages written once are inactive.
   */
  readonly inactiveFileBytes: number
  /** The part that was used again, and is kept longer. */
  readonly activeFileBytes: number
  /** `usageBytes - inactiveFileBytes`, as cAdvisor computes it; not below 0, since the two come from two files. */
  readonly workingSetBytes: number
  /**
   * How many pages of files, since the cgroup was made, were brought in again that had been pushed out not long before: each
   * is a read that the page cache would have saved. `null` where the kernel does not tell (v1 before 5.9).
   */
  readonly refaultedPages: number | null
  /** The part of the page cache that is not written back yet. `null` where the kernel does not tell (v1 before 4.2). */
  readonly dirtyBytes: number | null
  /** The part of the page cache that is on its way to the disk. `null` where the kernel does not tell. */
  readonly writebackBytes: number | null
}

/** The file that holds the usage, and the names of the other numbers in `memory.stat`. */
interface MemoryFiles {
  readonly usage: string
  readonly cache: string
  readonly inactiveFile: string
  readonly activeFile: string
  /** By its newest name first. */
  readonly refaults: readonly string[]
  readonly dirty: string
  readonly writeback: string
}

const filesOfVersion: Readonly<Record<1 | 2, MemoryFiles>> = {
  // Documentation/admin-guide/cgroup-v1/memory.rst of the kernel. The names that begin with `total_` hold the cgroup and
  // those below it, as v2 does always.
  1: {
    usage: 'memory.usage_in_bytes',
    cache: 'total_cache',
    inactiveFile: 'total_inactive_file',
    activeFile: 'total_active_file',
    refaults: ['total_workingset_refault_file'],
    dirty: 'total_dirty',
    writeback: 'total_writeback',
  },
  // Documentation/admin-guide/cgroup-v2.rst of the kernel.
  2: {
    usage: 'memory.current',
    cache: 'file',
    inactiveFile: 'inactive_file',
    activeFile: 'active_file',
    // Before Linux 5.9 anonymous pages, which had no such counter, were not in it either.
    refaults: ['workingset_refault_file', 'workingset_refault'],
    dirty: 'file_dirty',
    writeback: 'file_writeback',
  },
}

/** @throws what the kernel says, and an error when the files do not hold what they should. */
export async function readMemory(
  version: 1 | 2,
  folder: string,
  { read }: Pick<CgroupKernel, 'read'>,
): Promise<MemorySample> {
  const { usage, cache, inactiveFile, activeFile, refaults, dirty, writeback } = filesOfVersion[version]
  const statPath = join(folder, 'memory.stat')
  const usagePath = join(folder, usage)
  const [statText, usageText] = await Promise.all([read(statPath), read(usagePath)])
  const usageBytes = wholeNumber(usagePath, usageText.trim())
  const inactiveFileBytes = known(statPath, inactiveFile, statText)
  return {
    cacheBytes: known(statPath, cache, statText),
    usageBytes,
    inactiveFileBytes,
    activeFileBytes: known(statPath, activeFile, statText),
    workingSetBytes: Math.max(0, usageBytes - inactiveFileBytes),
    refaultedPages: refaults.map((name) => valueOf(statPath, name, statText)).find((value) => value !== null) ?? null,
    dirtyBytes: valueOf(statPath, dirty, statText),
    writebackBytes: valueOf(statPath, writeback, statText),
  }
}

/** The number behind a name, or `null` when the name is not there. */
function valueOf(path: string, name: string, text: string): number | null {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `))
  return line === undefined ? null : wholeNumber(`${path}: ${name}`, line.slice(name.length + 1))
}

function known(path: string, name: string, text: string): number {
  const value = valueOf(path, name, text)
  if (value === null) throw new Error(`${path} has no line ${name}`)
  return value
}

function wholeNumber(place: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${place} is not a number: ${JSON.stringify(text)}`)
  return Number(text)
}
