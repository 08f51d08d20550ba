/** The folders of blocks in a data folder: which ones there are, and how they come and go without a moment in between. */
import { type Dirent, existsSync } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TsdbError } from '../errors.ts'
import { renameDurably, syncFolder } from '../files/folder.ts'
import { type BlockMeta, compareBlocks, isUlid, metaPath, readMeta } from './meta.ts'

// Prometheus's own names: a server that finds such folders removes them, too.
const CREATION_SUFFIX = '.tmp-for-creation'
const DELETION_SUFFIX = '.tmp-for-deletion'

export function blockFolder(dataFolder: string, ulid: string): string {
  return join(dataFolder, ulid)
}

/** Where a block is put together. Nobody takes it for a block. */
export function creationFolder(dataFolder: string, ulid: string): string {
  return join(dataFolder, ulid + CREATION_SUFFIX)
}

/**
 * Makes a block that is complete and durable visible, at once and durably.
 *
 * @throws the kernel's error; the block is where it was then
 */
export async function publishBlock(dataFolder: string, ulid: string): Promise<void> {
  const folder = creationFolder(dataFolder, ulid)
  const visible = blockFolder(dataFolder, ulid)
  await syncFolder(folder)
  await rename(folder, visible)
  try {
    await syncFolder(dataFolder)
  } catch (error) {
    // Whoever is told that there is no block will make it once more: then its samples would be there twice.
    await rename(visible, folder)
    throw error
  }
}

/** Removes a block: it is gone at once, and its space a little later. */
export async function deleteBlock(dataFolder: string, ulid: string): Promise<void> {
  const leaving = join(dataFolder, ulid + DELETION_SUFFIX)
  await renameDurably(blockFolder(dataFolder, ulid), leaving)
  await rm(leaving, { recursive: true })
}

/**
 * All blocks, the oldest samples first.
 *
 * @throws {TsdbError} for a block without a readable meta.json
 */
export async function listBlocks(dataFolder: string): Promise<BlockMeta[]> {
  const metas: BlockMeta[] = []
  for (const entry of await readdir(dataFolder, { withFileTypes: true })) {
    if (!entry.isDirectory() || !isUlid(entry.name)) continue
    const folder = blockFolder(dataFolder, entry.name)
    if (!existsSync(metaPath(folder))) {
      throw new TsdbError('ERR_TSDB_MALFORMED', 'this block has no meta.json', { file: folder })
    }
    metas.push(await readMeta(folder))
  }
  return metas.toSorted(compareBlocks)
}

/**
 * Removes what a process that died has left: blocks half made or half deleted, and blocks that were compacted into one
 * that is there.
 *
 * @returns the names of what was removed
 */
export async function cleanUp(dataFolder: string): Promise<string[]> {
  const entries = await readdir(dataFolder, { withFileTypes: true })
  const removed: string[] = []
  for (const { name } of entries.filter(isLeftOver)) {
    await rm(join(dataFolder, name), { recursive: true })
    removed.push(name)
  }
  const metas = await listBlocks(dataFolder)
  const parents = new Set(metas.flatMap(({ compaction }) => (compaction.parents ?? []).map(({ ulid }) => ulid)))
  for (const { ulid } of metas) {
    if (!parents.has(ulid)) continue
    await deleteBlock(dataFolder, ulid)
    removed.push(ulid)
  }
  return removed
}

function isLeftOver(entry: Dirent): boolean {
  const suffix = [CREATION_SUFFIX, DELETION_SUFFIX].find((known) => entry.name.endsWith(known))
  return suffix !== undefined && entry.isDirectory() && isUlid(entry.name.slice(0, -suffix.length))
}

/** Deletion marks: magic, version and checksum are all that an empty file of them has. */
const TOMBSTONES_BYTES_EMPTY = 4 + 1 + 4

/**
 * Blocks may have samples that are marked as deleted and still there. They are refused: merged, the marks would be lost
 * and the samples come back.
 *
 * @throws {TsdbError} ERR_TSDB_UNSUPPORTED
 */
export async function refuseTombstones(folder: string): Promise<void> {
  const file = join(folder, 'tombstones')
  const size = existsSync(file) ? (await stat(file)).size : 0
  if (size > TOMBSTONES_BYTES_EMPTY) {
    throw new TsdbError('ERR_TSDB_UNSUPPORTED', 'a block with deleted samples (tombstones)', { file })
  }
}
