/** What an index says of a series: labels as symbols, and its chunks. */
import { TIME_MS_MAX } from '../chunks/samples.ts'
import type { ByteBuffer } from '../encoding/byte-buffer.ts'
import type { ByteCursor } from '../encoding/byte-cursor.ts'

/** Memory for the chunks of a series that has many, at first. */
const FIRST_CAPACITY = 64

/** One series, in memory that is used for one after the other. */
export class SeriesEntry {
  /** Numbers of symbols: name, value, name, value... */
  readonly symbols: number[] = []
  chunkCount = 0
  minTimesMs = new Float64Array(FIRST_CAPACITY)
  maxTimesMs = new Float64Array(FIRST_CAPACITY)
  references = new Float64Array(FIRST_CAPACITY)

  clear(): void {
    this.symbols.length = 0
    this.chunkCount = 0
  }

  addChunk(minTimeMs: number, maxTimeMs: number, reference: number): void {
    if (this.chunkCount === this.references.length) this.grow()
    this.minTimesMs[this.chunkCount] = minTimeMs
    this.maxTimesMs[this.chunkCount] = maxTimeMs
    this.references[this.chunkCount] = reference
    this.chunkCount++
  }

  private grow(): void {
    this.minTimesMs = grown(this.minTimesMs)
    this.maxTimesMs = grown(this.maxTimesMs)
    this.references = grown(this.references)
  }
}

function grown(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * column.length)
  larger.set(column)
  return larger
}

/** Times and references are written as differences to the chunk before. */
export function encodeSeriesEntry(entry: SeriesEntry, target: ByteBuffer): void {
  const { symbols, chunkCount, minTimesMs, maxTimesMs, references } = entry
  target.uvarint(symbols.length / 2)
  for (const symbol of symbols) target.uvarint(symbol)
  target.uvarint(chunkCount)
  for (let i = 0; i < chunkCount; i++) {
    const minTimeMs = minTimesMs[i]!
    if (i === 0) target.varint(minTimeMs)
    else target.uvarint(minTimeMs - maxTimesMs[i - 1]!)
    target.uvarint(maxTimesMs[i]! - minTimeMs)
    if (i === 0) target.uvarint(references[i]!)
    else target.varint(references[i]! - references[i - 1]!)
  }
}

/**
 * @throws {TsdbError} ERR_TSDB_TRUNCATED, ERR_TSDB_MALFORMED, ERR_TSDB_UNSUPPORTED (numbers that a double does not hold)
 */
export function decodeSeriesEntry(cursor: ByteCursor, entry: SeriesEntry): void {
  entry.clear()
  decodeSymbols(cursor, entry.symbols)
  const chunkCount = cursor.uvarint()
  let maxTimeMs = 0
  let reference = 0
  for (let i = 0; i < chunkCount; i++) {
    const minTimeMs = i === 0 ? cursor.varint() : maxTimeMs + cursor.uvarint()
    maxTimeMs = minTimeMs + cursor.uvarint()
    reference = i === 0 ? cursor.uvarint() : reference + cursor.varint()
    entry.addChunk(minTimeMs, maxTimeMs, reference)
  }
  // Times never fall: the last one tells of all.
  if (maxTimeMs > TIME_MS_MAX) throw cursor.error('ERR_TSDB_UNSUPPORTED', 'a chunk with a time beyond 2^52')
}

/** The labels of an entry alone, with which it begins. */
export function decodeSymbols(cursor: ByteCursor, symbols: number[]): void {
  symbols.length = 0
  const labels = cursor.uvarint()
  if (2 * labels > cursor.left) throw cursor.error('ERR_TSDB_MALFORMED', `a series with ${labels} labels`)
  for (let i = 0; i < 2 * labels; i++) symbols.push(cursor.uvarint())
}
