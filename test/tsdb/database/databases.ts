/** Databases for tests, and what is in their folders. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { listBlocks } from '../../../bench/tsdb/block/folders.ts'
import type { BlockMeta } from '../../../bench/tsdb/block/meta.ts'
import { Database } from '../../../bench/tsdb/database/database.ts'
import { defaultSettings, type Settings, type Strategies, type Strategy } from '../../../bench/tsdb/settings.ts'
import { walStrategies } from '../../../bench/tsdb/wal/open-wal.ts'
import { PAGE_BYTES } from '../../../bench/tsdb/wal/pages.ts'
import { WAL_FOLDER } from '../../../bench/tsdb/wal/wal-folder.ts'
import type { Writer } from '../../../src/writer.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { expectMode } from '../../support/mode.ts'
import { readBlock } from '../support/blocks.ts'
import { contentOf, type Series, union, valueOf } from '../support/series.ts'

/** Ten seconds a block: a few samples make several blocks. */
export const RANGE_MS = 10_000

/** Two pages a segment: a few batches make several of them. */
export const SEGMENT_BYTES = 2 * PAGE_BYTES

export const small: Partial<Settings> = {
  blockRangeMs: RANGE_MS,
  walSegmentBytes: SEGMENT_BYTES,
  strategies: { chunks: 'direct', index: 'direct', wal: 'buffered' },
}

/** One strategy for all paths. */
export function alike(strategy: Strategy): Strategies & { readonly wal: Strategy } {
  return { chunks: strategy, index: strategy, wal: strategy }
}

/** A database of small blocks and segments unless it is told otherwise, its WAL in the mode asked for, or the best one. */
export async function openDatabase(folder: string, changes: Partial<Settings> = {}): Promise<Database> {
  const settings = { ...defaultSettings, ...small, ...changes }
  const database = await Database.open(folder, settings)
  // Of a writer it looks at its mode and engine alone.
  expectMode(database.wal as unknown as Writer, walStrategies(settings.strategies.wal, settings.walSync)[0]!)
  return database
}

/** Takes all samples, one series after the other. */
export function appendAll(database: Database, all: Iterable<Series>): void {
  for (const { labels, samples } of all) {
    const series = database.seriesOf(labels)
    for (const [timestampMs, bits] of samples) database.append(series, timestampMs, valueOf(bits))
  }
}

/** A batch of samples. */
export async function commitAll(database: Database, all: Iterable<Series>): Promise<void> {
  appendAll(database, all)
  await database.commit()
}

/** The names of what is in the folder of a database's WAL. */
export function walNames(folder: string): string[] {
  return readdirSync(join(folder, WAL_FOLDER)).toSorted()
}

/** The samples in blocks, as {@link contentOf} gives them, each in one block only; and the blocks. */
export async function inBlocks(folder: string): Promise<{ content: Map<string, string[]>; blocks: BlockMeta[] }> {
  const blocks = await listBlocks(folder)
  const read: Series[][] = []
  for (const { ulid } of blocks) read.push([...(await readBlock(folder, ulid)).series])
  const all = union(...read)
  const sum = blocks.reduce((count, { stats }) => count + stats.numSamples, 0)
  const once = all.reduce((count, { samples }) => count + samples.length, 0)
  expect(sum, 'samples of all blocks, as against different ones').toBe(once)
  return { content: contentOf(all), blocks }
}

/** A copy of a data folder as it is now: what a process leaves that is killed at this moment. */
export function imageOf(folder: string): string {
  const image = mkdtempSync(`${folder}-image-`)
  cpSync(folder, image, { recursive: true })
  return image
}

/**
 * All that is in a data folder, in blocks or in the WAL, each sample once: a copy of it is opened and all of it cut into
 * blocks. The folder is not changed; it may be open.
 */
export async function contentIn(folder: string, changes: Partial<Settings> = {}): Promise<Map<string, string[]>> {
  const image = imageOf(folder)
  try {
    const database = await openDatabase(image, changes)
    await database.cut('all')
    await database.close()
    return (await inBlocks(image)).content
  } finally {
    rmSync(image, { recursive: true })
  }
}

/** Asserts that exactly these samples are in a data folder, bit by bit. */
export async function expectIn(folder: string, all: readonly Series[]): Promise<void> {
  expect(await contentIn(folder)).toEqual(contentOf(all))
}

/** A path for a data folder, in a folder of the test's own. */
export function freshFolder(): string {
  return join(temporaryFolder(), 'data')
}
