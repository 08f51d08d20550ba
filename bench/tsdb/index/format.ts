/**
 * The index of a block, format version 2, specified in tsdb/docs/format/index.md of Prometheus: header, symbols, series,
 * postings, a table of empty label indices, the table of postings, and the table of contents, which is last.
 */
import { join } from 'node:path'
import { ByteBuffer } from '../encoding/byte-buffer.ts'
import type { ByteCursor } from '../encoding/byte-cursor.ts'

export const INDEX_MAGIC = 0xbaaad700
export const INDEX_VERSION = 2
/** Magic and version. */
export const INDEX_HEADER_BYTES = 5
/** Series begin at multiples of this, and their references count in it. */
export const SERIES_ALIGNMENT = 16
/** A list of postings begins at a multiple of this. */
export const POSTINGS_ALIGNMENT = 4

export function indexPath(blockFolder: string): string {
  return join(blockFolder, 'index')
}

/** Offsets of the sections; 0 where there is none. */
export interface Contents {
  readonly symbols: number
  readonly series: number
  readonly labelIndices: number
  readonly labelIndexTable: number
  readonly postings: number
  readonly postingsTable: number
}

/** Six offsets; the checksum of them is behind. */
export const CONTENTS_BYTES = 6 * 8

export function encodeContents(contents: Contents): Buffer {
  const bytes = new ByteBuffer()
  bytes.uint64(contents.symbols)
  bytes.uint64(contents.series)
  bytes.uint64(contents.labelIndices)
  bytes.uint64(contents.labelIndexTable)
  bytes.uint64(contents.postings)
  bytes.uint64(contents.postingsTable)
  return bytes.view()
}

export function decodeContents(cursor: ByteCursor): Contents {
  return {
    symbols: cursor.uint64(),
    series: cursor.uint64(),
    labelIndices: cursor.uint64(),
    labelIndexTable: cursor.uint64(),
    postings: cursor.uint64(),
    postingsTable: cursor.uint64(),
  }
}

/** Bytes from `position` to the next multiple of `alignment`. */
export function paddingBytes(position: number, alignment: number): number {
  return (alignment - (position % alignment)) % alignment
}
