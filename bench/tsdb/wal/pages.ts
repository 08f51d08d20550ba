/**
 * How records lie in a segment: in pages of 32 KiB, cut into fragments none of which crosses a page.
 * https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/wal.md; what that leaves open is as in
 * tsdb/wlog/wlog.go, so that segments have the same bytes.
 *
 * A fragment is a type (1 byte), the length of its data (2 bytes), their CRC-32C (4 bytes), and the data. All functions
 * here only compute; offsets are bytes from the segment's beginning.
 */
import type { ByteBuffer } from '../encoding/byte-buffer.ts'
import { checksum } from '../encoding/checksum.ts'

export const PAGE_BYTES = 32 * 1024
export const FRAGMENT_HEADER_BYTES = 7

/** In the low 3 bits of a fragment's first byte. Zero is none: the rest of the page is empty. */
export const FULL = 1
export const FIRST = 2
export const MIDDLE = 3
export const LAST = 4

const TYPE_BITS = 0x07
/** The data are compressed, by snappy or by zstd. */
const COMPRESSED_BITS = 0x18

/** Zeros, to write and to compare with. */
export const ZERO_PAGE: Buffer = Buffer.alloc(PAGE_BYTES)

/** Bytes from `offset` to the end of its page, 1 to 32 KiB. */
export function leftOfPage(offset: number): number {
  return PAGE_BYTES - (offset % PAGE_BYTES)
}

/** Bytes of zeros with which a segment ends at `offset`: what is left of a page that something is in. */
export function paddingAt(offset: number): number {
  return leftOfPage(offset) % PAGE_BYTES
}

/** Bytes of the largest record that a segment has room for, from `offset` on; -1 when it has room for none. */
export function roomFrom(offset: number, segmentBytes: number): number {
  if (offset >= segmentBytes) return -1
  const inPage = leftOfPage(offset)
  const pagesBehind = (segmentBytes - offset - inPage) / PAGE_BYTES
  return inPage - FRAGMENT_HEADER_BYTES + pagesBehind * (PAGE_BYTES - FRAGMENT_HEADER_BYTES)
}

/**
 * Puts a record behind what is in `target`, cut as it has to be when it is written at `offset`. Where it leaves too
 * little of a page for another header, zeros follow: a record always begins with room for a header. That may leave none
 * for data: then a fragment of no data comes first, as Prometheus does it.
 */
export function putFragments(target: ByteBuffer, record: Uint8Array, offset: number): void {
  let at = offset
  let from = 0
  for (let isFirst = true; isFirst || from < record.length; isFirst = false) {
    const count = Math.min(record.length - from, leftOfPage(at) - FRAGMENT_HEADER_BYTES)
    const isLast = from + count === record.length
    const data = record.subarray(from, from + count)
    target.byte(typeOf(isFirst, isLast))
    target.uint16(count)
    target.uint32(checksum(data))
    target.put(data)
    from += count
    at += FRAGMENT_HEADER_BYTES + count
    const left = leftOfPage(at)
    if (left < FRAGMENT_HEADER_BYTES) {
      target.put(ZERO_PAGE.subarray(0, left))
      at += left
    }
  }
}

function typeOf(isFirst: boolean, isLast: boolean): number {
  if (isFirst) return isLast ? FULL : FIRST
  return isLast ? LAST : MIDDLE
}

/** A fragment as its header announces it. */
export interface FragmentHeader {
  readonly type: number
  readonly isCompressed: boolean
  readonly dataBytes: number
  readonly checksum: number
}

/**
 * The header at `at`, where `bytes` hold a whole one.
 *
 * @param left bytes from there to the end of the page
 * @returns a text that says what is wrong when it can't be one
 */
export function readHeader(bytes: Buffer, at: number, left: number): FragmentHeader | string {
  const first = bytes[at]!
  const type = first & TYPE_BITS
  if (type < FULL || type > LAST || (first & ~(TYPE_BITS | COMPRESSED_BITS)) !== 0) {
    return `a fragment of type ${first}, which there is not`
  }
  const dataBytes = bytes.readUInt16BE(at + 1)
  if (FRAGMENT_HEADER_BYTES + dataBytes > left) {
    return `a fragment of ${dataBytes} bytes, which crosses the end of its page`
  }
  return {
    type,
    isCompressed: (first & COMPRESSED_BITS) !== 0,
    dataBytes,
    checksum: bytes.readUInt32BE(at + 3),
  }
}

/** The data of the fragment at `at`: a view. */
export function dataOf(bytes: Buffer, at: number, { dataBytes }: FragmentHeader): Buffer {
  const start = at + FRAGMENT_HEADER_BYTES
  return bytes.subarray(start, start + dataBytes)
}

/** @param bytes 32 KiB at most */
export function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZERO_PAGE.subarray(0, bytes.length))
}
