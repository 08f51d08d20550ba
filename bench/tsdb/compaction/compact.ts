import { type BlockPurpose, BlockWriter } from '../block/block-writer.ts'
import { blockFolder, deleteBlock } from '../block/folders.ts'
import { type BlockMeta, compareBlocks } from '../block/meta.ts'
import { chunkBytesOf } from '../chunks/segment.ts'
import { TsdbError } from '../errors.ts'
import { closeAll } from '../files/close-all.ts'
import { readWayOf } from '../files/input-file.ts'
import type { Settings, Strategy } from '../settings.ts'
import { InputBlock } from './input-block.ts'
import { mergeSeries } from './merge-series.ts'
import { mergeSymbols } from './merge-symbols.ts'

export interface CompactionOptions {
  /** Leaves the blocks that were compacted where they are, to compare. At the next `cleanUp` they are deleted. */
  readonly keepInputs?: boolean
}

export interface Compaction {
  /** The new block's. */
  readonly meta: BlockMeta
  readonly chunkBytes: number
  /** What was in effect for the chunks; under FORCEDIRECTIO not what was asked for. */
  readonly strategy: Strategy
  /** Why the inputs were read through the page cache although they should not; `null` when all is as it should be. */
  readonly readsWhy: string | null
}

/**
 * Makes one block of several, whose samples may overlap, and deletes them. Whoever writes past the page cache reads the
 * inputs past it, too. When it rejects, and when the process dies at any point, either all old blocks are there or the
 * new one; both only until the next `cleanUp`, which removes the old ones.
 *
 * @throws {TsdbError} for whatever is wrong with an input, naming file and offset; the kernel's and the writer's errors
 *   (ENOSPC, EIO, ...). The inputs are as they were then, and nothing is left of the new block, unless it is an input
 *   that could not be deleted: then the new block is there.
 */
export async function compactBlocks(
  dataFolder: string,
  ulids: readonly string[],
  settings: Pick<Settings, 'strategies' | 'chunkSegmentBytes'>,
  options: CompactionOptions = {},
): Promise<Compaction> {
  if (ulids.length < 2) throw new TsdbError('ERR_TSDB_STATE', `${ulids.length} blocks: two or more can be compacted`)
  // Its samples would all be the same as themselves: only at the deletion of the inputs it would be noticed.
  if (new Set(ulids).size < ulids.length) {
    throw new TsdbError('ERR_TSDB_STATE', 'a block that is to be compacted with itself')
  }
  const block = await BlockWriter.open(dataFolder, settings, await expectedBytesOf(dataFolder, ulids))
  let result: Compaction
  try {
    const { purpose, readsWhy } = await mergeInto(block, dataFolder, ulids)
    const meta = await block.publish(purpose)
    result = { meta, chunkBytes: block.chunks.byteLength, strategy: block.chunks.strategy, readsWhy }
  } catch (error) {
    await block.abandon()
    throw error
  }
  // Only now that the new one is there, and durable.
  if (options.keepInputs !== true) for (const ulid of ulids) await deleteBlock(dataFolder, ulid)
  return result
}

interface Merged {
  readonly purpose: BlockPurpose
  readonly readsWhy: string | null
}

/** Writes all series of the inputs, which are closed before there is a new block. */
async function mergeInto(block: BlockWriter, dataFolder: string, ulids: readonly string[]): Promise<Merged> {
  const inputs: InputBlock[] = []
  try {
    const way = readWayOf(block.chunks.strategy)
    for (const ulid of ulids) inputs.push(await InputBlock.open(dataFolder, ulid, way))
    // Whoever names the blocks in another order gets the same one.
    inputs.sort((a, b) => compareBlocks(a.meta, b.meta))
    await mergeSymbols(inputs, block.index)
    await mergeSeries(inputs, block)
    return {
      purpose: purposeOf(inputs.map(({ meta }) => meta)),
      readsWhy: inputs.find(({ why }) => why !== null)?.why ?? null,
    }
  } finally {
    await closeAll(inputs)
  }
}

function purposeOf(metas: readonly BlockMeta[]): BlockPurpose {
  return {
    minTime: Math.min(...metas.map(({ minTime }) => minTime)),
    maxTime: Math.max(...metas.map(({ maxTime }) => maxTime)),
    level: 1 + Math.max(...metas.map(({ compaction }) => compaction.level)),
    sources: [...new Set(metas.flatMap(({ compaction }) => compaction.sources))].toSorted(),
    parents: metas.map(({ ulid, minTime, maxTime }) => ({ ulid, minTime, maxTime })),
  }
}

/** Bytes of all chunks: what the new block takes at most, unless chunks overlap. */
async function expectedBytesOf(dataFolder: string, ulids: readonly string[]): Promise<number> {
  let sum = 0
  for (const ulid of ulids) sum += await chunkBytesOf(blockFolder(dataFolder, ulid))
  return sum
}
