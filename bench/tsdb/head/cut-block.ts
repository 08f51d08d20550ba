import { BlockWriter } from '../block/block-writer.ts'
import type { BlockMeta } from '../block/meta.ts'
import { RECORD_BYTES_BESIDE_DATA } from '../chunks/segment.ts'
import { ENCODING_XOR } from '../chunks/xor.ts'
import { SeriesEntry } from '../index/series-entry.ts'
import { compareLabels, compareText } from '../labels.ts'
import type { Settings } from '../settings.ts'
import type { Head, HeadChunk, HeadSeries } from './head.ts'

interface CutSeries {
  readonly series: HeadSeries
  readonly chunks: readonly HeadChunk[]
}

/**
 * Writes the samples of one block range into a block. The head keeps them: `forget` them when the block is there.
 *
 * @param minTime the range's beginning, `maxTime` its end
 * @returns `null` when there are no samples
 * @throws the kernel's and the writer's errors; nothing is left of the block then
 */
export async function cutBlock(
  dataFolder: string,
  settings: Pick<Settings, 'strategies' | 'chunkSegmentBytes'>,
  head: Head,
  minTime: number,
  maxTime: number,
): Promise<BlockMeta | null> {
  const all = seriesBetween(head, minTime, maxTime)
  if (all.length === 0) return null
  const block = await BlockWriter.open(dataFolder, settings, expectedBytes(all))
  try {
    const symbols = await writeSymbols(block, all)
    const entry = new SeriesEntry()
    for (const { series, chunks } of all) {
      entry.clear()
      for (const { name, value } of series.labels) entry.symbols.push(symbols.get(name)!, symbols.get(value)!)
      for (const { minTimeMs, maxTimeMs, count, data } of chunks) {
        const { reference, wait } = block.chunks.add(ENCODING_XOR, data)
        if (wait !== null) await wait
        entry.addChunk(minTimeMs, maxTimeMs, reference)
        block.numSamples += count
        block.numChunks++
      }
      const wait = block.index.addSeries(entry)
      if (wait !== null) await wait
    }
    return await block.publish({ minTime, maxTime, level: 1, sources: [], parents: [] })
  } catch (error) {
    await block.abandon()
    throw error
  }
}

/** In the order of an index. */
function seriesBetween(head: Head, minTime: number, maxTime: number): CutSeries[] {
  return head.series
    .map((series) => ({
      series,
      chunks: head.chunksBefore(series, maxTime).filter(({ minTimeMs }) => minTimeMs >= minTime),
    }))
    .filter(({ chunks }) => chunks.length > 0)
    .toSorted((a, b) => compareLabels(a.series.labels, b.series.labels))
}

function expectedBytes(all: readonly CutSeries[]): number {
  let sum = 0
  for (const { chunks } of all) for (const { data } of chunks) sum += data.length + RECORD_BYTES_BESIDE_DATA
  return sum
}

/** @returns the number of each symbol */
async function writeSymbols(block: BlockWriter, all: readonly CutSeries[]): Promise<Map<string, number>> {
  const texts = new Set<string>()
  for (const { series } of all) {
    for (const { name, value } of series.labels) texts.add(name).add(value)
  }
  const numbers = new Map<string, number>()
  for (const text of [...texts].toSorted(compareText)) {
    numbers.set(text, numbers.size)
    const wait = block.index.addSymbol(text)
    if (wait !== null) await wait
  }
  await block.index.endSymbols()
  return numbers
}
