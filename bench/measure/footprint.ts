import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pageCacheOf } from 'uncached-io'
import { codeOf } from '../errors.ts'

/**
 * Bytes in the page cache of a file, or of all files in a folder and its folders. What is removed or renamed while it is
 * looked at is left out.
 *
 * @throws ENOENT when there is nothing of this name; what `pageCacheOf` throws
 */
export async function residentBytesOf(path: string): Promise<number> {
  try {
    return (await pageCacheOf(path)).residentBytes
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'ERR_NOT_REGULAR_FILE' && code !== 'EISDIR') throw error
  }
  let sum = 0
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (!entry.isFile() && !entry.isDirectory()) continue
    sum += await residentBytesOf(join(path, entry.name)).catch(zeroWhenGone)
  }
  return sum
}

function zeroWhenGone(error: unknown): number {
  if (codeOf(error) === 'ENOENT') return 0
  throw error
}
