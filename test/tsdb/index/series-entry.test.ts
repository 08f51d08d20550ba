import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { ByteBuffer } from '../../../bench/tsdb/encoding/byte-buffer.ts'
import { ByteCursor } from '../../../bench/tsdb/encoding/byte-cursor.ts'
import {
  decodeSeriesEntry,
  decodeSymbols,
  encodeSeriesEntry,
  SeriesEntry,
} from '../../../bench/tsdb/index/series-entry.ts'
import type { ParsedChunk } from '../support/index-file.ts'
import { chunksOf } from '../support/index-series.ts'

const LIMIT = 2 ** 52 - 1

function entryOf(symbols: readonly number[], chunks: readonly ParsedChunk[]): SeriesEntry {
  const entry = new SeriesEntry()
  entry.symbols.push(...symbols)
  for (const { minTimeMs, maxTimeMs, reference } of chunks) entry.addChunk(minTimeMs, maxTimeMs, reference)
  return entry
}

function encoded(entry: SeriesEntry): Buffer {
  const buffer = new ByteBuffer()
  encodeSeriesEntry(entry, buffer)
  return buffer.view()
}

const cursorOver = (bytes: Uint8Array): ByteCursor => new ByteCursor(Buffer.from(bytes), '/index', 1000)

const someSymbols = fc
  .array(fc.tuple(fc.nat({ max: 0xffffffff }), fc.nat({ max: 300 })), { maxLength: 20 })
  .map((labels) => labels.flat())
/** Times in pairs that rise; chunks may touch. */
const someChunks = fc
  .array(fc.tuple(fc.oneof(fc.integer({ min: -LIMIT, max: LIMIT }), fc.nat()), fc.nat({ max: LIMIT })), {
    maxLength: 100,
  })
  .map((steps) => {
    const times = steps.flatMap(([time]) => [time, time + 1].filter((one) => one <= LIMIT)).toSorted((a, b) => a - b)
    return Array.from({ length: Math.floor(times.length / 2) }, (_, i) => ({
      minTimeMs: times[2 * i]!,
      maxTimeMs: times[2 * i + 1]!,
      reference: steps[i]![1],
    }))
  })

describe('an entry of a series', () => {
  test.prop([someSymbols, someChunks], { numRuns: 300 })('comes back as it was', (symbols, chunks) => {
    const cursor = cursorOver(encoded(entryOf(symbols, chunks)))
    const decoded = entryOf([1, 2], [{ minTimeMs: 5, maxTimeMs: 6, reference: 7 }])
    decodeSeriesEntry(cursor, decoded)
    expect(decoded.symbols).toEqual(symbols)
    expect(chunksOf(decoded)).toEqual(chunks)
    expect(cursor.left).toBe(0)
  })

  it('is bytes as the format has them', () => {
    const chunks = [
      { minTimeMs: -1, maxTimeMs: 300, reference: 8 },
      { minTimeMs: 302, maxTimeMs: 302, reference: 6 },
    ]
    expect([...encoded(entryOf([3, 200], chunks))]).toEqual(
      // Labels: 1; chunks: 2, the first one from zigzag(-1), 301 longer, at 8; 2 behind it, 0 longer, zigzag(-2) behind.
      [1, 3, 0xc8, 0x01, 2, 0x01, 0xad, 0x02, 8, 2, 0, 0x03],
    )
  })

  test.prop([someSymbols, someChunks, fc.nat()])('that is cut is told, with its place', (symbols, chunks, anywhere) => {
    const bytes = encoded(entryOf(symbols, chunks))
    const cut = bytes.subarray(0, anywhere % bytes.length)
    expect(() => decodeSeriesEntry(cursorOver(cut), new SeriesEntry())).toThrow(
      expect.objectContaining({
        name: 'TsdbError',
        code: expect.stringMatching(/^ERR_TSDB_(TRUNCATED|MALFORMED)$/) as string,
        file: '/index',
      }),
    )
  })

  it.each([
    ['more labels than bytes', [200, 1, 1, 1], 'ERR_TSDB_MALFORMED'],
    ['more labels than any memory holds', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 1], 'ERR_TSDB_MALFORMED'],
    ['more chunks than bytes', [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1, 1], 'ERR_TSDB_TRUNCATED'],
  ])('that announces %s is refused', (_, bytes, code) => {
    expect(() => decodeSeriesEntry(cursorOver(Uint8Array.from(bytes)), new SeriesEntry())).toThrow(
      expect.objectContaining({ code, file: '/index' }),
    )
  })

  it('that has times which are not exact is refused', () => {
    const chunk = { minTimeMs: LIMIT - 1, maxTimeMs: LIMIT, reference: 8 }
    const decoded = new SeriesEntry()
    decodeSeriesEntry(cursorOver(encoded(entryOf([0, 1], [chunk]))), decoded)
    expect(chunksOf(decoded)).toEqual([chunk])
    for (const beyond of [LIMIT + 1, 2 ** 53]) {
      const bytes = encoded(entryOf([0, 1], [{ ...chunk, maxTimeMs: beyond }]))
      expect(() => decodeSeriesEntry(cursorOver(bytes), decoded)).toThrow(
        expect.objectContaining({ code: 'ERR_TSDB_UNSUPPORTED', file: '/index' }),
      )
    }
  })
})

describe('the symbols of an entry', () => {
  test.prop([someSymbols, someChunks])('can be read without what is behind them', (symbols, chunks) => {
    const found = [9, 9, 9]
    decodeSymbols(cursorOver(encoded(entryOf(symbols, chunks))), found)
    expect(found).toEqual(symbols)
  })
})
