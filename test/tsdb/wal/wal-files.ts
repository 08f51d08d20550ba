/** Writers and records for tests of the WAL. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { ByteBuffer } from '../../../bench/tsdb/encoding/byte-buffer.ts'
import type { Strategy } from '../../../bench/tsdb/settings.ts'
import { PAGE_BYTES } from '../../../bench/tsdb/wal/pages.ts'
import { encodeSamples, encodeSeries, type RefSeries } from '../../../bench/tsdb/wal/records.ts'
import { listSegments, segmentPath, type WalPosition } from '../../../bench/tsdb/wal/wal-folder.ts'
import {
  type LoggedRecord,
  type ReplayOptions,
  type ReplayOutcome,
  replay,
} from '../../../bench/tsdb/wal/wal-reader.ts'
import { type WalOptions, WalWriter } from '../../../bench/tsdb/wal/wal-writer.ts'
import type { Writer } from '../../../src/writer.ts'
import { randomNumbers, someBytes } from '../../support/bytes.ts'
import { expectMode } from '../../support/mode.ts'
import type { Series } from '../support/series.ts'

export const everyStrategy: readonly Strategy[] = ['direct', 'dontcache', 'evict', 'buffered']

/** Of so many pages a few records go through several segments. */
export const TWO_PAGES = 2 * PAGE_BYTES

/** A writer in the mode asked for, which is asserted. Two pages a segment, unless it is told otherwise. */
export async function openWal(folder: string, options: Partial<WalOptions> = {}): Promise<WalWriter> {
  const { strategy = 'direct' } = options
  const wal = await WalWriter.open(folder, { segmentBytes: TWO_PAGES, ...options, strategy })
  // Of a writer it looks at its mode and engine alone.
  expectMode(wal as unknown as Writer, strategy)
  return wal
}

/** Appends records and ends the batch. */
export async function appendAll(wal: WalWriter, records: Iterable<Uint8Array>): Promise<void> {
  for (const record of records) await wal.append(record)
  await wal.commit()
}

/** A promise of what was taken, at once or not. */
export function taken(append: Promise<void> | null): Promise<void> {
  return append ?? Promise.resolve()
}

/** Writes records, each a batch of its own, and ends the log. */
export async function writeLog(
  folder: string,
  records: Iterable<Uint8Array>,
  options: Partial<WalOptions> = {},
): Promise<void> {
  const wal = await openWal(folder, options)
  for (const record of records) await appendAll(wal, [record])
  await wal.end()
}

/** A record of a type that is nobody's, of so many bytes in all. None of them is zero. */
export function someRecord(byteLength: number, seed = 1): Buffer {
  const record = someBytes(byteLength, seed)
  if (byteLength > 0) record[0] = 200
  return record
}

export function someRecords(count: number, mostBytes: number, seed = 1): Buffer[] {
  const next = randomNumbers(seed)
  return Array.from({ length: count }, (_, i) => someRecord(1 + next(mostBytes), seed + i))
}

export function seriesRecord(series: readonly RefSeries[]): Buffer {
  const target = new ByteBuffer()
  encodeSeries(target, series)
  return Buffer.from(target.view())
}

/** A sample of a series, its value as bits. */
export type RefBits = readonly [ref: number, timestampMs: number, bits: bigint]

export function samplesRecord(samples: readonly RefBits[]): Buffer {
  const values = new Float64Array(samples.length)
  const words = new BigUint64Array(values.buffer)
  for (const [i, [, , bits]] of samples.entries()) words[i] = bits
  const target = new ByteBuffer()
  const refs = samples.map(([ref]) => ref)
  const timestampsMs = samples.map(([, timestampMs]) => timestampMs)
  encodeSamples(target, { refs, timestampsMs, values, count: samples.length })
  return Buffer.from(target.view())
}

/** Series as a head logs them: all labels, then the samples of one time after the other. References from 1 on. */
export function recordsOf(all: readonly Series[]): Buffer[] {
  const byTime = new Map<number, RefBits[]>()
  for (const [index, { samples }] of all.entries()) {
    for (const [timestampMs, bits] of samples) {
      const scrape = byTime.get(timestampMs) ?? []
      byTime.set(timestampMs, scrape)
      scrape.push([index + 1, timestampMs, bits])
    }
  }
  const scrapes = [...byTime].toSorted(([a], [b]) => a - b)
  return [
    seriesRecord(all.map(({ labels }, index) => ({ ref: index + 1, labels }))),
    ...scrapes.map(([, samples]) => samplesRecord(samples)),
  ]
}

/** The series that records hold, in the order of their references. */
export function seriesIn(records: Iterable<LoggedRecord['record']>): Series[] {
  const found = new Map<number, { labels: Series['labels']; samples: [number, bigint][] }>()
  for (const record of records) {
    if (record.kind === 'series') {
      for (const { ref, labels } of record.series) found.set(ref, { labels, samples: [] })
    } else if (record.kind === 'samples') {
      const words = new BigUint64Array(record.values.slice().buffer)
      for (let i = 0; i < record.count; i++) {
        found.get(record.refs[i]!)!.samples.push([record.timestampsMs[i]!, words[i]!])
      }
    }
  }
  return [...found.values()]
}

export interface Log {
  readonly records: Buffer[]
  readonly decoded: LoggedRecord['record'][]
  readonly places: (WalPosition & { readonly checkpoint: number | null })[]
  readonly outcome: ReplayOutcome
}

/** All of a log, copied. */
export async function readLog(folder: string, options: ReplayOptions = {}): Promise<Log> {
  const log = replay(folder, options)
  const records: Buffer[] = []
  const decoded: LoggedRecord['record'][] = []
  const places: (WalPosition & { checkpoint: number | null })[] = []
  for await (const { bytes, record, segment, offset, checkpoint } of log) {
    records.push(Buffer.from(bytes))
    decoded.push(record)
    places.push({ segment, offset, checkpoint })
  }
  return { records, decoded, places, outcome: log.outcome }
}

/** What differs is told by number and length: the bytes themselves would fill the screen. */
export function expectRecords(found: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  expect(found.map((record) => record.length)).toEqual(expected.map((record) => record.length))
  const wrong = expected.findIndex((record, i) => !Buffer.from(record).equals(found[i]!))
  expect(wrong, 'the first record that differs').toBe(-1)
}

/** The content of all segments, by number. */
export async function segmentsIn(folder: string): Promise<Map<number, Buffer>> {
  const numbers = await listSegments(folder)
  return new Map(numbers.map((number) => [number, readFileSync(segmentPath(folder, number))]))
}

export function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted() : []
}

export function logOf(dataFolder: string): string {
  return join(dataFolder, 'wal')
}

/** Replaces bytes of a segment. */
export function overwrite(path: string, segment: number, offset: number, bytes: Uint8Array): void {
  const file = segmentPath(path, segment)
  const content = readFileSync(file)
  content.set(bytes, offset)
  writeFileSync(file, content)
}

/** Changes every bit of a byte. */
export function damageAt(path: string, segment: number, offset: number): void {
  const [byte] = readFileSync(segmentPath(path, segment)).subarray(offset)
  overwrite(path, segment, offset, Buffer.from([byte! ^ 0xff]))
}

/** A log whose records take a segment each but for the last two, which share one. */
export const threeSegments = [someRecord(50_000, 1), someRecord(50_000, 2), someRecord(20_000, 3), someRecord(100, 4)]

export async function writeThreeSegments(path: string): Promise<string> {
  await writeLog(path, threeSegments)
  expect([...(await segmentsIn(path)).keys()]).toEqual([0, 1, 2])
  return path
}
