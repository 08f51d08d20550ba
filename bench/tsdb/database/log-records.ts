/** What a database logs, in records for which there is room in a segment of any size. */
import { ByteBuffer } from '../encoding/byte-buffer.ts'
import type { HeadSeries } from '../head/head.ts'
import { encodeSamples, encodeSeries, type RefSamples } from '../wal/records.ts'

/** Each takes two varints of 8 bytes and the value at most: 24 KB, and the smallest segment has 32 KiB. */
const SAMPLES_AT_ONCE = 1000
/** Of series in one record: the smallest segment has room for 8 KiB more. */
const SERIES_BYTES_AT_ONCE = 24 * 1024
/** Type, reference and number of labels; and the two lengths of a label, as long as they may be. */
const SERIES_BYTES = 1 + 8 + 2
const LABEL_BYTES = 5 + 5
/** Of times in one record: see `encodeSamples`. */
const DELTA_LIMIT = 2 ** 52

/** Series in as many records as they need. Only one with longer labels than that gets a larger one: see `seriesRecordBytes`. Views, until the next. */
export function* seriesRecords(series: Iterable<HeadSeries>): Generator<Uint8Array> {
  const buffer = new ByteBuffer()
  let some: HeadSeries[] = []
  let byteLength = 0
  for (const one of series) {
    const more = seriesRecordBytes(one)
    if (some.length > 0 && byteLength + more > SERIES_BYTES_AT_ONCE) {
      yield seriesRecord(some, buffer)
      some = []
      byteLength = 0
    }
    some.push(one)
    byteLength += more
  }
  if (some.length > 0) yield seriesRecord(some, buffer)
}

/** Bytes that a record of one series takes at most. */
export function seriesRecordBytes({ labels }: Pick<HeadSeries, 'labels'>): number {
  let byteLength = SERIES_BYTES
  for (const { name, value } of labels) byteLength += LABEL_BYTES + Buffer.byteLength(name) + Buffer.byteLength(value)
  return byteLength
}

function seriesRecord(series: readonly HeadSeries[], buffer: ByteBuffer): Uint8Array {
  buffer.clear()
  encodeSeries(
    buffer,
    series.map(({ reference: ref, labels }) => ({ ref, labels })),
  )
  return buffer.view()
}

/** What {@link samplesRecords} logs: columns, which may be longer than `count`. */
export interface SamplesToLog extends RefSamples {
  readonly refs: Float64Array
  readonly timestampsMs: Float64Array
}

/**
 * Samples in as many records as they need, the first ones in the first. Views, until the next.
 *
 * A record has the differences to its first time, and less room for these than there are times.
 */
export function* samplesRecords({ refs, timestampsMs, values, count }: SamplesToLog): Generator<Uint8Array> {
  const buffer = new ByteBuffer()
  for (let start = 0, end = 0; start < count; start = end) {
    const most = Math.min(count, start + SAMPLES_AT_ONCE)
    do end++
    while (end < most && Math.abs(timestampsMs[end]! - timestampsMs[start]!) < DELTA_LIMIT)
    buffer.clear()
    encodeSamples(buffer, {
      refs: refs.subarray(start),
      timestampsMs: timestampsMs.subarray(start),
      values: values.subarray(start),
      count: end - start,
    })
    yield buffer.view()
  }
}
