/** The files of blocks, byte by byte. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { blockFolder } from '../../../bench/tsdb/block/folders.ts'
import { pageCacheOf } from '../../../src/index.ts'

/** The paths of all files below a folder, sorted, seen from there. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted()
}

/** A hash of each file below a folder, by its path. Folders are there, too, with a slash behind their names. */
export function hashesOf(folder: string): Record<string, string> {
  const hashes: Record<string, string> = {}
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) hashes[relative(folder, path)] = createHash('sha256').update(readFileSync(path)).digest('hex')
    else hashes[`${relative(folder, path)}/`] = 'folder'
  }
  return hashes
}

/** A hash of each file of a block, the block's own name aside, which is a different one each time. */
export function namelessHashesOf(dataFolder: string, ulid: string): Record<string, string> {
  const folder = blockFolder(dataFolder, ulid)
  const meta = readFileSync(join(folder, 'meta.json'), 'utf8').replaceAll(ulid, 'ULID')
  return { ...hashesOf(folder), 'meta.json': meta }
}

/** Bytes that each of a block's files has in the page cache, but for meta.json, which is read through it. */
export async function residentBytesOf(dataFolder: string, ulid: string): Promise<Record<string, number>> {
  const folder = blockFolder(dataFolder, ulid)
  const resident: Record<string, number> = {}
  for (const path of filesBelow(folder)) {
    if (path !== 'meta.json') resident[path] = (await pageCacheOf(join(folder, path))).residentBytes
  }
  return resident
}
