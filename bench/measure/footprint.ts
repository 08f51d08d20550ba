import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pageCacheOf } from 'uncached-io'
import { codeOf } from '../errors.ts'

/** What of a file, or of all files in a folder and its folders, is in the page cache. */
export interface FootprintNow {
  readonly residentBytes: number
  /** `null` where the kernel has no cachestat(2), for one of them at least. */
  readonly dirtyBytes: number | null
  readonly writebackBytes: number | null
}

const NOTHING: FootprintNow = { residentBytes: 0, dirtyBytes: 0, writebackBytes: 0 }

/**
 * Asks about a file, or a folder with everything below it. What is removed or renamed while it is looked at is left out.
 *
 * @throws ENOENT when there is nothing of this name; what `pageCacheOf` throws
 */
export async function footprintOf(path: string): Promise<FootprintNow> {
  try {
    return await pageCacheOf(path)
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'ERR_NOT_REGULAR_FILE' && code !== 'EISDIR') throw error
  }
  let sum = NOTHING
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (!entry.isFile() && !entry.isDirectory()) continue
    sum = add(sum, await footprintOf(join(path, entry.name)).catch(nothingWhenGone))
  }
  return sum
}

/** Of {@link footprintOf}, the bytes that are resident. */
export async function residentBytesOf(path: string): Promise<number> {
  return (await footprintOf(path)).residentBytes
}

function add(a: FootprintNow, b: FootprintNow): FootprintNow {
  return {
    residentBytes: a.residentBytes + b.residentBytes,
    dirtyBytes: addKnown(a.dirtyBytes, b.dirtyBytes),
    writebackBytes: addKnown(a.writebackBytes, b.writebackBytes),
  }
}

function addKnown(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b
}

function nothingWhenGone(error: unknown): FootprintNow {
  if (codeOf(error) === 'ENOENT') return NOTHING
  throw error
}
