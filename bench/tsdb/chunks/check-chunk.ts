import { TsdbError } from '../errors.ts'
import type { ChunkReader, StoredChunk } from './chunk-reader.ts'
import { type Span, scanXor } from './scan-xor.ts'
import { ENCODING_XOR } from './xor.ts'

/** What an index says of a chunk. */
export interface IndexedChunk {
  readonly minTimeMs: number
  readonly maxTimeMs: number
  readonly reference: number
}

/** One for the process: nothing waits in between. */
const span: Span = { count: 0, minTimeMs: 0, maxTimeMs: 0 }

/**
 * Checks the samples of an XOR chunk: their order, and that they span what the index says. Of other encodings nothing is
 * known here but the checksum, which the reader has checked.
 *
 * @throws {TsdbError} ERR_TSDB_OUT_OF_ORDER, ERR_TSDB_DUPLICATE_SAMPLE, ERR_TSDB_MALFORMED
 */
export function checkChunk({ encoding, data, record }: StoredChunk, indexed: IndexedChunk, reader: ChunkReader): void {
  if (encoding !== ENCODING_XOR) return
  const start = data.byteOffset - record.byteOffset
  const wrong = scanXor(record, start, start + data.length, span)
  if (wrong !== null) throw new TsdbError(wrong.code, wrong.what, reader.placeOf(indexed.reference))
  checkSpan(span, indexed, reader)
}

/** @throws {TsdbError} ERR_TSDB_MALFORMED when a chunk's samples begin or end at other times than its index says */
export function checkSpan(found: Omit<Span, 'count'>, indexed: IndexedChunk, reader: ChunkReader): void {
  const { minTimeMs, maxTimeMs, reference } = indexed
  if (found.minTimeMs === minTimeMs && found.maxTimeMs === maxTimeMs) return
  const what = `a chunk from ${found.minTimeMs} to ${found.maxTimeMs}, by the index from ${minTimeMs} to ${maxTimeMs}`
  throw new TsdbError('ERR_TSDB_MALFORMED', what, reader.placeOf(reference))
}
