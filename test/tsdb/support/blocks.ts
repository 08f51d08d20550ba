/** Blocks made of given series, and what is in a block by our own readers. */
import { expect } from 'vitest'
import { BlockWriter } from '../../../bench/tsdb/block/block-writer.ts'
import { blockFolder } from '../../../bench/tsdb/block/folders.ts'
import { type BlockMeta, readMeta } from '../../../bench/tsdb/block/meta.ts'
import { ChunkReader } from '../../../bench/tsdb/chunks/chunk-reader.ts'
import { CHUNK_SAMPLES, HIGH, LOW, Samples } from '../../../bench/tsdb/chunks/samples.ts'
import { decodeXor, ENCODING_XOR, encodeXor, xorBytesMax } from '../../../bench/tsdb/chunks/xor.ts'
import { IndexReader } from '../../../bench/tsdb/index/index-reader.ts'
import { SeriesEntry } from '../../../bench/tsdb/index/series-entry.ts'
import { compareLabels, compareText, type Labels, labelsOf } from '../../../bench/tsdb/labels.ts'
import type { Settings, Strategy } from '../../../bench/tsdb/settings.ts'
import { type BitSample, inOrder, type Series } from './series.ts'

export type BlockSettings = Pick<Settings, 'strategies' | 'chunkSegmentBytes'>

/** Small enough that a few hundred chunks make several segments. */
export const SMALL_SEGMENT_BYTES = 16 * 1024

/** The same strategy for chunks and index, or one for each. */
export function settingsOf(chunks: Strategy, index: Strategy = chunks, chunkSegmentBytes = 2 ** 29): BlockSettings {
  return { strategies: { chunks, index, wal: 'buffered' }, chunkSegmentBytes }
}

/** A chunk as it is to stand in a block, whatever its data are. */
export interface ChunkToStore {
  readonly minTimeMs: number
  readonly maxTimeMs: number
  readonly count: number
  readonly encoding: number
  readonly data: Uint8Array
}

export interface SeriesToStore {
  readonly labels: Labels
  readonly chunks: readonly ChunkToStore[]
}

/** Samples as an XOR chunk. Their order is not looked at. */
export function chunkOf(samples: readonly BitSample[]): ChunkToStore {
  const columns = new Samples(samples.length)
  for (const [timestampMs, bits] of samples) {
    columns.timestampsMs[columns.count] = timestampMs
    columns.words[2 * columns.count + HIGH] = Number(bits >> 32n)
    columns.words[2 * columns.count + LOW] = Number(bits & 0xffff_ffffn)
    columns.count++
  }
  const data = new Uint8Array(xorBytesMax(samples.length))
  const times = samples.map(([timestampMs]) => timestampMs)
  return {
    minTimeMs: times[0]!,
    maxTimeMs: times.at(-1)!,
    count: samples.length,
    encoding: ENCODING_XOR,
    data: data.subarray(0, encodeXor(columns, data, 0)),
  }
}

/** A series in chunks of so many samples, the last one of fewer. */
export function inChunks({ labels, samples }: Series, chunkSamples = CHUNK_SAMPLES): SeriesToStore {
  const chunks: ChunkToStore[] = []
  for (let i = 0; i < samples.length; i += chunkSamples) chunks.push(chunkOf(samples.slice(i, i + chunkSamples)))
  return { labels, chunks }
}

/** What a block says of itself; what is left out follows from its chunks. */
export interface Description {
  readonly minTime?: number
  readonly maxTime?: number
  readonly level?: number
  readonly sources?: readonly string[]
}

/** Writes a block of series in any order, by the writers of the app. */
export async function storeBlock(
  dataFolder: string,
  settings: BlockSettings,
  all: readonly SeriesToStore[],
  description: Description = {},
): Promise<BlockMeta> {
  const block = await BlockWriter.open(dataFolder, settings, 0)
  const texts = new Set(all.flatMap(({ labels }) => labels.flatMap(({ name, value }) => [name, value])))
  const numbers = new Map([...texts].toSorted(compareText).map((text, number) => [text, number]))
  for (const text of numbers.keys()) await block.index.addSymbol(text)
  await block.index.endSymbols()
  const entry = new SeriesEntry()
  for (const { labels, chunks } of all) {
    entry.clear()
    for (const { name, value } of labels) entry.symbols.push(numbers.get(name)!, numbers.get(value)!)
    for (const { encoding, data, minTimeMs, maxTimeMs, count } of chunks) {
      const { reference, wait } = block.chunks.add(encoding, data)
      await wait
      entry.addChunk(minTimeMs, maxTimeMs, reference)
      block.numSamples += count
      block.numChunks++
    }
    await block.index.addSeries(entry)
  }
  const chunks = all.flatMap((one) => one.chunks)
  return await block.publish({
    minTime: Math.min(...chunks.map(({ minTimeMs }) => minTimeMs)),
    maxTime: Math.max(...chunks.map(({ maxTimeMs }) => maxTimeMs + 1)),
    level: 1,
    sources: [],
    parents: [],
    ...description,
  })
}

/** Writes a block of series, sorted. */
export async function makeBlock(
  dataFolder: string,
  settings: BlockSettings,
  all: readonly Series[],
  chunkSamples = CHUNK_SAMPLES,
): Promise<BlockMeta> {
  const stored = inOrder(all).map((one) => inChunks(one, chunkSamples))
  return await storeBlock(dataFolder, settings, stored)
}

export interface ReadSeries extends Series {
  /** How many samples each of its chunks has. */
  readonly chunkSamples: readonly number[]
}

/** A block's description and all that is in it, by our own readers. */
export interface ReadBlock {
  readonly meta: BlockMeta
  /** In the order of its index. */
  readonly series: readonly ReadSeries[]
}

/**
 * Reads all of a block, and asserts that it is in order: series and their labels, the times of chunks and of samples, and
 * that there are as many of everything as meta.json says.
 */
export async function readBlock(dataFolder: string, ulid: string): Promise<ReadBlock> {
  const folder = blockFolder(dataFolder, ulid)
  const meta = await readMeta(folder)
  expect(meta.ulid).toBe(ulid)
  const index = await IndexReader.open(folder, 'buffered')
  const chunks = await ChunkReader.open(folder, 'buffered')
  const series: ReadSeries[] = []
  try {
    const entry = new SeriesEntry()
    while (await index.next(entry)) series.push(await readSeries(entry, index.symbols, chunks))
  } finally {
    await index.close()
    await chunks.close()
  }
  for (let i = 1; i < series.length; i++) {
    expect(compareLabels(series[i - 1]!.labels, series[i]!.labels), 'series in order').toBeLessThan(0)
  }
  for (const { samples } of series) {
    expect(samples[0]![0]).toBeGreaterThanOrEqual(meta.minTime)
    expect(samples.at(-1)![0]).toBeLessThan(meta.maxTime)
  }
  expect(meta.stats).toEqual({
    numSeries: series.length,
    numSamples: series.reduce((sum, { samples }) => sum + samples.length, 0),
    numChunks: series.reduce((sum, { chunkSamples }) => sum + chunkSamples.length, 0),
  })
  return { meta, series }
}

async function readSeries(entry: SeriesEntry, symbols: readonly string[], chunks: ChunkReader): Promise<ReadSeries> {
  const pairs: [string, string][] = []
  for (let i = 0; i < entry.symbols.length; i += 2) {
    pairs.push([symbols[entry.symbols[i]!]!, symbols[entry.symbols[i + 1]!]!])
  }
  const labels = labelsOf(pairs)
  expect(labels.map(({ name, value }) => [name, value])).toEqual(pairs)
  const samples: BitSample[] = []
  const chunkSamples: number[] = []
  for (let i = 0; i < entry.chunkCount; i++) {
    const found = await readChunk(chunks, entry.references[i]!)
    expect([found[0]![0], found.at(-1)![0]]).toEqual([entry.minTimesMs[i], entry.maxTimesMs[i]])
    chunkSamples.push(found.length)
    for (const sample of found) {
      if (samples.length > 0 && samples.at(-1)![0] >= sample[0]) expect.fail(`${sample[0]} stands behind a later time`)
      samples.push(sample)
    }
  }
  return { labels, samples, chunkSamples }
}

async function readChunk(chunks: ChunkReader, reference: number): Promise<BitSample[]> {
  const { encoding, data } = chunks.at(reference) ?? (await chunks.load(reference))
  expect(encoding).toBe(ENCODING_XOR)
  const columns = new Samples(data.readUInt16BE(0))
  expect(decodeXor(data, columns)).toBe(null)
  const { count, timestampsMs, words } = columns
  return Array.from({ length: count }, (_, i) => {
    const bits = (BigInt(words[2 * i + HIGH]!) << 32n) | BigInt(words[2 * i + LOW]!)
    return [timestampsMs[i]!, bits]
  })
}
