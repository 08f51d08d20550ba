/**
 * What stands in the records of a WAL: series with their labels, and samples of series named by their references.
 * https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/wal.md, and tsdb/record/record.go where that says
 * more: the deltas of samples are signed.
 */
import { HIGH, LOW } from '../chunks/samples.ts'
import type { ByteBuffer } from '../encoding/byte-buffer.ts'
import { ByteCursor } from '../encoding/byte-cursor.ts'
import { TsdbError } from '../errors.ts'
import { checkOrder, type Label, type Labels } from '../labels.ts'

const SERIES = 1
const SAMPLES = 2
/** Prometheus's own number for "no type that is known", which it gives an empty record as well. */
const UNKNOWN = 255

/** A sample takes at least two deltas of one byte and its value. */
const SAMPLE_BYTES_MIN = 1 + 1 + 8
const TWO_32 = 2 ** 32
/** What a varint of a ByteBuffer holds: -2^52 to 2^52 - 1. */
const DELTA_LIMIT = 2 ** 52

/** A series, and the number by which records of samples name it. */
export interface RefSeries {
  /** A whole number from 0 to 2^53 - 1. */
  readonly ref: number
  readonly labels: Labels
}

/** Samples of several series, in columns. */
export interface RefSamples {
  /** Of the samples' series: whole numbers from 0 to 2^53 - 1. */
  readonly refs: ArrayLike<number>
  /** Milliseconds since 1970: whole numbers. */
  readonly timestampsMs: ArrayLike<number>
  /** Their bits are kept, also those of NaNs. */
  readonly values: Float64Array
  readonly count: number
}

/** A record as it was read. Its arrays are its own. */
export type WalRecord =
  | { readonly kind: 'series'; readonly series: readonly RefSeries[] }
  | {
      readonly kind: 'samples'
      readonly refs: Float64Array
      readonly timestampsMs: Float64Array
      readonly values: Float64Array
      readonly count: number
    }
  /** Of a type that is not handled here: tombstones are 3, exemplars 4, metadata 6, histograms 7 to 10. */
  | { readonly kind: 'other'; readonly type: number }

/** Puts a record of series behind what is in `target`. */
export function encodeSeries(target: ByteBuffer, series: readonly RefSeries[]): void {
  target.byte(SERIES)
  for (const { ref, labels } of series) {
    target.uint64(ref)
    target.uvarint(labels.length)
    for (const { name, value } of labels) {
      target.text(name)
      target.text(value)
    }
  }
}

/**
 * Puts a record of samples behind what is in `target`.
 *
 * @throws {TsdbError} ERR_TSDB_UNSUPPORTED for references or timestamps that are no whole numbers, too large, or 2^52 and
 *   more apart in one record. `target` then holds a part of the record.
 */
export function encodeSamples(target: ByteBuffer, samples: RefSamples): void {
  const { refs, timestampsMs, values, count } = samples
  target.byte(SAMPLES)
  if (count === 0) return
  const firstRef = refs[0]!
  const firstMs = timestampsMs[0]!
  if (!Number.isSafeInteger(firstRef) || firstRef < 0) throw unsupported('reference', firstRef)
  if (!Number.isSafeInteger(firstMs)) throw unsupported('timestamp', firstMs)
  target.uint64(firstRef)
  // Two's complement: the high word of a negative number is that of the number and 2^64.
  target.uint32((Math.floor(firstMs / TWO_32) + TWO_32) % TWO_32)
  target.uint32(firstMs - Math.floor(firstMs / TWO_32) * TWO_32)
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * count)
  for (let i = 0; i < count; i++) {
    const refDelta = refs[i]! - firstRef
    const deltaMs = timestampsMs[i]! - firstMs
    if (!isDelta(refDelta)) throw unsupported('reference', refs[i]!)
    if (!isDelta(deltaMs)) throw unsupported('timestamp', timestampsMs[i]!)
    target.varint(refDelta)
    target.varint(deltaMs)
    target.uint32(words[2 * i + HIGH]!)
    target.uint32(words[2 * i + LOW]!)
  }
}

/**
 * @param bytes a whole record; `file` and `offset` say where it begins, for errors
 * @throws {TsdbError} ERR_TSDB_TRUNCATED or ERR_TSDB_MALFORMED for one that ends too early, ERR_TSDB_BAD_LABELS,
 *   ERR_TSDB_UNSUPPORTED for numbers beyond 2^53 - 1
 */
export function decodeRecord(bytes: Buffer, file: string, offset: number): WalRecord {
  const type = bytes[0] ?? UNKNOWN
  if (type !== SERIES && type !== SAMPLES) return { kind: 'other', type }
  const cursor = new ByteCursor(bytes, file, offset)
  cursor.position = 1
  return type === SERIES ? decodeSeries(cursor) : decodeSamples(cursor)
}

function decodeSeries(cursor: ByteCursor): WalRecord {
  const series: RefSeries[] = []
  while (cursor.left > 0) series.push({ ref: cursor.uint64(), labels: decodeLabels(cursor) })
  return { kind: 'series', series }
}

function decodeLabels(cursor: ByteCursor): Labels {
  const at = cursor.position
  const count = cursor.uvarint()
  if (count === 0) throw cursor.error('ERR_TSDB_BAD_LABELS', 'a series has no labels', at)
  const labels: Label[] = []
  // Read one by one, so that a count that is wrong meets the record's end instead of filling memory.
  for (let i = 0; i < count; i++) labels.push({ name: cursor.text(), value: cursor.text() })
  try {
    checkOrder(labels)
  } catch (error) {
    throw cursor.error('ERR_TSDB_BAD_LABELS', (error as TsdbError).message, at)
  }
  return labels
}

function decodeSamples(cursor: ByteCursor): WalRecord {
  if (cursor.left === 0) return samplesRecord(0, 0)
  const firstRef = cursor.uint64()
  const firstMs = int64(cursor)
  const most = Math.floor(cursor.left / SAMPLE_BYTES_MIN)
  const { refs, timestampsMs, values } = samplesRecord(most, most)
  const words = new Uint32Array(values.buffer)
  let count = 0
  for (; cursor.left > 0; count++) {
    const at = cursor.position
    const ref = firstRef + cursor.varint()
    const timestampMs = firstMs + cursor.varint()
    if (ref < 0 || ref > Number.MAX_SAFE_INTEGER) throw tooLarge(cursor, 'reference', at)
    if (!Number.isSafeInteger(timestampMs)) throw tooLarge(cursor, 'timestamp', at)
    const high = cursor.uint32()
    const low = cursor.uint32()
    refs[count] = ref
    timestampsMs[count] = timestampMs
    words[2 * count + HIGH] = high
    words[2 * count + LOW] = low
  }
  return {
    kind: 'samples',
    refs: refs.subarray(0, count),
    timestampsMs: timestampsMs.subarray(0, count),
    values: values.subarray(0, count),
    count,
  }
}

function samplesRecord(capacity: number, count: number): WalRecord & { kind: 'samples' } {
  return {
    kind: 'samples',
    refs: new Float64Array(capacity),
    timestampsMs: new Float64Array(capacity),
    values: new Float64Array(capacity),
    count,
  }
}

function int64(cursor: ByteCursor): number {
  const at = cursor.position
  const high = cursor.uint32() | 0
  const value = high * TWO_32 + cursor.uint32()
  if (!Number.isSafeInteger(value)) throw tooLarge(cursor, 'timestamp', at)
  return value
}

function isDelta(value: number): boolean {
  return Number.isInteger(value) && value >= -DELTA_LIMIT && value < DELTA_LIMIT
}

function tooLarge(cursor: ByteCursor, what: string, at: number): TsdbError {
  return cursor.error('ERR_TSDB_UNSUPPORTED', `a ${what} is not within 2^53 - 1`, at)
}

function unsupported(what: string, value: number): TsdbError {
  return new TsdbError('ERR_TSDB_UNSUPPORTED', `a ${what} of ${value} in this record of samples`)
}
