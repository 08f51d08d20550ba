import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BlockWriter } from '../block/block-writer.ts'
import { blockFolder, deleteBlock } from '../block/folders.ts'
import type { BlockMeta } from '../block/meta.ts'
import { CHUNKS_FOLDER } from '../chunks/segment.ts'
import { TsdbError } from '../errors.ts'
import { readWayOf } from '../files/input-file.ts'
import type { Settings, Strategy } from '../settings.ts'
import { InputBlock } from './input-block.ts'
import { mergeSeries } from './merge-series.ts'
import { mergeSymbols } from './merge-symbols.ts'

export interface CompactionOptions {
  /** Leaves the blocks that were compacted where they are. For measuring; a server would see all samples twice. */
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
 *   (ENOSPC, EIO, ...). The inputs are as they were then, and nothing is left of the new block.
 */
export async function compactBlocks(
  dataFolder: string,
  ulids: readonly string[],
  settings: Pick<Settings, 'strategies' | 'chunkSegmentBytes'>,
  options: CompactionOptions = {},
): Promise<Compaction> {
  if (ulids.length < 2) throw new TsdbError('ERR_TSDB_STATE', `${ulids.length} blocks: two or more can be compacted`)
  const block = await BlockWriter.open(dataFolder, settings, await chunkBytesOf(dataFolder, ulids))
  const inputs: InputBlock[] = []
  let result: Compaction
  try {
    const way = readWayOf(block.chunks.strategy)
    for (const ulid of ulids) inputs.push(await InputBlock.open(dataFolder, ulid, way))
    // Whoever names the blocks in another order gets the same one.
    inputs.sort((a, b) => a.meta.minTime - b.meta.minTime || a.meta.maxTime - b.meta.maxTime)
    result = await mergeInto(block, inputs)
  } catch (error) {
    await block.abandon()
    throw error
  } finally {
    for (const input of inputs) await input.close()
  }
  // Only now that the new one is there, and durable.
  if (options.keepInputs !== true) for (const ulid of ulids) await deleteBlock(dataFolder, ulid)
  return result
}

async function mergeInto(block: BlockWriter, inputs: readonly InputBlock[]): Promise<Compaction> {
  await mergeSymbols(inputs, block.index)
  await mergeSeries(inputs, block)
  const metas = inputs.map(({ meta }) => meta)
  const meta = await block.publish({
    minTime: Math.min(...metas.map(({ minTime }) => minTime)),
    maxTime: Math.max(...metas.map(({ maxTime }) => maxTime)),
    level: 1 + Math.max(...metas.map(({ compaction }) => compaction.level)),
    sources: [...new Set(metas.flatMap(({ compaction }) => compaction.sources))].toSorted(),
    parents: metas.map(({ ulid, minTime, maxTime }) => ({ ulid, minTime, maxTime })),
  })
  const readsWhy = inputs.find(({ why }) => why !== null)?.why ?? null
  return { meta, chunkBytes: block.chunks.byteLength, strategy: block.chunks.strategy, readsWhy }
}

/** Bytes of all chunks: what the new block takes at most, unless chunks overlap. */
async function chunkBytesOf(dataFolder: string, ulids: readonly string[]): Promise<number> {
  let sum = 0
  for (const ulid of ulids) {
    const folder = join(blockFolder(dataFolder, ulid), CHUNKS_FOLDER)
    for (const name of await readdir(folder)) sum += (await stat(join(folder, name))).size
  }
  return sum
}
