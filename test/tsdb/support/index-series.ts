/** Series as an index has them, and indices of them. */
import { fc } from '@fast-check/vitest'
import { expect } from 'vitest'
import type { ReadWay } from '../../../bench/tsdb/files/input-file.ts'
import { IndexReader } from '../../../bench/tsdb/index/index-reader.ts'
import { IndexWriter } from '../../../bench/tsdb/index/index-writer.ts'
import { SeriesEntry } from '../../../bench/tsdb/index/series-entry.ts'
import type { Strategy } from '../../../bench/tsdb/settings.ts'
import { strategyInEffect } from '../../support/mode.ts'
import type { ParsedChunk, ParsedSeries } from './index-file.ts'

export type IndexedSeries = Pick<ParsedSeries, 'labels' | 'chunks'>

/** The order of UTF-8. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** Labels in the order of their names, series in the order of their labels. */
export function inIndexOrder(series: readonly IndexedSeries[]): IndexedSeries[] {
  return series
    .map(({ labels, chunks }) => ({ labels: labels.toSorted(([a], [b]) => byBytes(a, b)), chunks }))
    .toSorted((a, b) => {
      const [x, y] = [a.labels.flat(), b.labels.flat()]
      for (let i = 0; i < Math.min(x.length, y.length); i++) {
        const order = byBytes(x[i]!, y[i]!)
        if (order !== 0) return order
      }
      return x.length - y.length
    })
}

export function symbolsOf(series: readonly IndexedSeries[]): string[] {
  return [...new Set(series.flatMap(({ labels }) => labels.flat()))].toSorted(byBytes)
}

export function fillEntry(
  entry: SeriesEntry,
  { labels, chunks }: IndexedSeries,
  symbols: ReadonlyMap<string, number>,
): void {
  entry.clear()
  for (const text of labels.flat()) entry.symbols.push(symbols.get(text)!)
  for (const { minTimeMs, maxTimeMs, reference } of chunks) entry.addChunk(minTimeMs, maxTimeMs, reference)
}

/** Writes the index of series that are in order. @returns the length that the writer tells */
export async function writeIndex(
  folder: string,
  strategy: Strategy,
  series: readonly IndexedSeries[],
): Promise<number> {
  const writer = await IndexWriter.open(folder, strategy)
  expect(writer.strategy).toBe(strategyInEffect(strategy))
  const symbols = symbolsOf(series)
  for (const symbol of symbols) await writer.addSymbol(symbol)
  await writer.endSymbols()
  const numbers = new Map(symbols.map((symbol, number) => [symbol, number]))
  const entry = new SeriesEntry()
  for (const one of series) {
    fillEntry(entry, one, numbers)
    await writer.addSeries(entry)
  }
  expect(writer.seriesCount).toBe(series.length)
  return await writer.end()
}

export function chunksOf({ chunkCount, minTimesMs, maxTimesMs, references }: SeriesEntry): ParsedChunk[] {
  return Array.from({ length: chunkCount }, (_, i) => ({
    minTimeMs: minTimesMs[i]!,
    maxTimeMs: maxTimesMs[i]!,
    reference: references[i]!,
  }))
}

/** All series of an index, read by the code under test. */
export async function readIndex(folder: string, way: ReadWay): Promise<{ symbols: string[]; series: IndexedSeries[] }> {
  const reader = await IndexReader.open(folder, way)
  try {
    expect(reader.why).toBeNull()
    const series: IndexedSeries[] = []
    const entry = new SeriesEntry()
    while (await reader.next(entry)) {
      const texts = entry.symbols.map((number) => reader.symbols[number]!)
      const labels = Array.from({ length: texts.length / 2 }, (_, i) => [texts[2 * i]!, texts[2 * i + 1]!] as const)
      series.push({ labels, chunks: chunksOf(entry) })
    }
    // And nothing behind the last one.
    expect(await reader.next(entry)).toBe(false)
    return { symbols: [...reader.symbols], series }
  } finally {
    await reader.close()
  }
}

/** Few, so that names and values are shared, also between each other; around the borders of UTF-8's lengths. */
const someText = fc.oneof(
  fc.constantFrom('a', 'b', 'job', '__name__', 'ä', '漢', '\uFFFF', '\u{10000}', '😀', 'a b', '\u0000'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 5 }),
)
const someLabels = fc.uniqueArray(fc.tuple(someText, someText), {
  selector: ([name]) => name,
  minLength: 1,
  maxLength: 5,
})

const LIMIT = 2 ** 52 - 1
const someGap = fc.oneof(fc.nat({ max: 100_000 }), fc.nat({ max: 2 ** 40 }))
/** Rising in time; references go anywhere. */
const someChunks = fc
  .tuple(
    fc.integer({ min: -LIMIT, max: LIMIT }),
    fc.array(fc.tuple(someGap, someGap, fc.oneof(fc.nat({ max: 2 ** 29 }), fc.nat({ max: 2 ** 52 - 1 }))), {
      maxLength: 20,
    }),
  )
  .map(([start, steps]) => {
    const chunks: ParsedChunk[] = []
    let time = start
    for (const [gap, length, reference] of steps) {
      if (time + gap + length > LIMIT) break
      chunks.push({ minTimeMs: time + gap, maxTimeMs: time + gap + length, reference })
      time += gap + length
    }
    return chunks
  })

/** In the order of an index, no labels twice. */
export const someIndexedSeries: fc.Arbitrary<IndexedSeries[]> = fc
  .uniqueArray(fc.record({ labels: someLabels, chunks: someChunks }), {
    selector: ({ labels }) => JSON.stringify(labels.toSorted(([a], [b]) => byBytes(a, b))),
    maxLength: 30,
  })
  .map(inIndexOrder)
