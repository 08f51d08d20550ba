import { deleteBlock } from '../block/folders.ts'
import type { BlockMeta } from '../block/meta.ts'
import { TsdbError } from '../errors.ts'
import { makeFolder } from '../files/folder.ts'
import { readWayOf } from '../files/input-file.ts'
import { cutBlock } from '../head/cut-block.ts'
import { Head, type HeadSeries } from '../head/head.ts'
import type { Labels } from '../labels.ts'
import type { Settings } from '../settings.ts'
import { refuseWal } from '../wal/refuse-wal.ts'
import { readOpenMetrics } from './open-metrics.ts'

/**
 * Writes the samples of an OpenMetrics file into blocks, one for each block range. They are all read before anything is
 * written, and are in memory until then, as chunks.
 *
 * @returns the blocks, the oldest samples first
 * @throws {TsdbError} naming the line: ERR_TSDB_SYNTAX, ERR_TSDB_BAD_LABELS, ERR_TSDB_OUT_OF_ORDER,
 *   ERR_TSDB_DUPLICATE_SAMPLE; ERR_TSDB_STATE for a folder with samples in a WAL; the kernel's and the writer's errors.
 *   Nothing is left in the data folder then, unless the disk refuses to delete it.
 */
export async function importFile(file: string, dataFolder: string, settings: Settings): Promise<BlockMeta[]> {
  await refuseWal(dataFolder)
  const head = await readIntoHead(file, settings)
  await makeFolder(dataFolder)
  const blocks: BlockMeta[] = []
  try {
    for (const minTime of head.ranges()) {
      const maxTime = minTime + settings.blockRangeMs
      const block = await cutBlock(dataFolder, settings, head, minTime, maxTime)
      if (block !== null) blocks.push(block)
      head.forget(maxTime)
    }
  } catch (error) {
    // Half of a file would be taken for the whole. What can't be deleted either is told less than why it came to that.
    await Promise.allSettled(blocks.map(({ ulid }) => deleteBlock(dataFolder, ulid)))
    throw error
  }
  return blocks
}

async function readIntoHead(file: string, settings: Settings): Promise<Head> {
  const head = new Head(settings.blockRangeMs)
  // The reader gives the same labels for the same text, mostly: looking up an object is quicker than its content.
  const known = new WeakMap<Labels, HeadSeries>()
  for await (const samples of readOpenMetrics(file, readWayOf(settings.strategies.chunks))) {
    for (const { labels, timestampMs, value, line } of samples) {
      let series = known.get(labels)
      if (series === undefined) {
        series = head.seriesOf(labels)
        known.set(labels, series)
      }
      const refusal = head.refusalOf(series, timestampMs)
      if (refusal !== null) throw new TsdbError(refusal.code, refusal.message, { file, line })
      head.append(series, timestampMs, value)
    }
  }
  return head
}
