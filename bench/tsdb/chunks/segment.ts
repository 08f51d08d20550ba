/**
 * Segment files of chunks, format version 1, specified in tsdb/docs/format/chunks.md of Prometheus: a header, then chunks,
 * each as length (uvarint), encoding (1 byte), data, and the CRC-32C of encoding and data.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CHECKSUM_BYTES } from '../encoding/checksum.ts'

export const SEGMENT_MAGIC = 0x85bd40dd
export const SEGMENT_VERSION = 1
/** Magic, version, and three bytes of zeros. */
export const SEGMENT_HEADER_BYTES = 8

/** The folder in a block that segments are in. */
export const CHUNKS_FOLDER = 'chunks'

/** Offsets in a segment are 32 bits of a reference. */
const TWO_32 = 2 ** 32
/** In a reference to a chunk its offset has 32 bits. */
export const SEGMENT_BYTES_MAX = TWO_32
/** The longest length before a chunk that is taken: Prometheus's own limit is 5 bytes. */
export const LENGTH_BYTES_MAX = 5
/** Bytes of a chunk in a segment beside its data, at most. */
export const RECORD_BYTES_BESIDE_DATA = LENGTH_BYTES_MAX + 1 + CHECKSUM_BYTES

/** Segments are counted from 1 in their names. */
export function segmentPath(blockFolder: string, index: number): string {
  return join(blockFolder, CHUNKS_FOLDER, String(index + 1).padStart(6, '0'))
}

/** What an index keeps of a chunk's place: the segment, counted from 0, and the offset of its length in it. */
export function chunkReference(segment: number, offset: number): number {
  return segment * TWO_32 + offset
}

/** Bytes of all segments of a block, headers and all. */
export async function chunkBytesOf(blockFolder: string): Promise<number> {
  const folder = join(blockFolder, CHUNKS_FOLDER)
  let sum = 0
  for (const name of await readdir(folder)) sum += (await stat(join(folder, name))).size
  return sum
}

export function segmentOf(reference: number): number {
  return Math.floor(reference / TWO_32)
}

export function offsetOf(reference: number): number {
  return reference % TWO_32
}
