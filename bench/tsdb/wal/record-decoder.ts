import { ByteBuffer } from '../encoding/byte-buffer.ts'
import { checksum, wrongChecksum } from '../encoding/checksum.ts'
import type { TsdbErrorCode } from '../errors.ts'
import {
  dataOf,
  FIRST,
  FRAGMENT_HEADER_BYTES,
  type FragmentHeader,
  FULL,
  isZero,
  LAST,
  leftOfPage,
  PAGE_BYTES,
  readHeader,
} from './pages.ts'

/** What is next in a segment. */
export type Step =
  /** A whole record that begins at `offset`. Its bytes hold until the next call. */
  | { readonly kind: 'record'; readonly offset: number; readonly bytes: Buffer }
  /** The bytes end: there is nothing more to say before there are more of them. */
  | { readonly kind: 'more' }
  | Damage

/** A place from which on the segment can't be read. */
export interface Damage {
  readonly kind: 'damage'
  readonly code: TsdbErrorCode
  /** Where it was seen. The record that it is in may begin before. */
  readonly offset: number
  readonly why: string
}

const MORE: Step = { kind: 'more' }
/** No offset. */
const NONE = -1

/**
 * Puts the records of a segment together again, from its bytes as they come. Stricter than Prometheus, which takes pages
 * of zeros anywhere: zeros that a record follows are a hole in the log, and damage here.
 */
export class RecordDecoder {
  private bytes: Buffer = Buffer.alloc(0)
  private at = 0
  /** Behind the last whole record. */
  wholeEnd: number
  /** Where the record begins of which only the first fragments were seen. */
  private recordStart = NONE
  private readonly parts = new ByteBuffer()
  /** Where the zeros begin that were passed over and only the end of the segment may follow. */
  private zerosFrom = NONE

  /** @param offset of the first byte that it will see: where a record begins */
  constructor(public offset = 0) {
    this.wholeEnd = offset
  }

  /** Bytes that it was given and has not understood yet. They have to be there again in the next {@link feed}. */
  get left(): number {
    return this.bytes.length - this.at
  }

  /** Goes on with the segment's bytes from `offset` on. With less than a page of them it may ask for more. */
  feed(bytes: Buffer): void {
    this.bytes = bytes
    this.at = 0
  }

  /** Behind damage, it says the same again. */
  next(): Step {
    for (;;) {
      const step = this.left === 0 ? MORE : this.nextInPage(leftOfPage(this.offset))
      if (step !== null) return step
    }
  }

  /** To be asked when `next` wants more and the segment has ended: what is wrong with how it ends, or `null`. */
  end(): Damage | null {
    const { left, recordStart, zerosFrom } = this
    if (left > 0 && !isZero(this.bytes.subarray(this.at))) {
      return this.damage('ERR_TSDB_TRUNCATED', 'the segment ends inside a fragment')
    }
    if (recordStart !== NONE) {
      return this.damage('ERR_TSDB_TRUNCATED', `the segment ends inside the record that begins at byte ${recordStart}`)
    }
    const from = zerosFrom === NONE ? this.offset : zerosFrom
    // Zeros from inside a page to its end are how a segment is ended.
    const isPadding = left === 0 && this.offset - from < PAGE_BYTES
    if (this.offset + left === from || isPadding) return null
    return this.damage('ERR_TSDB_TRUNCATED', 'zeros where a record should be', from)
  }

  /** `null`: something was passed over. */
  private nextInPage(left: number): Step | null {
    const { bytes, at } = this
    if (left < FRAGMENT_HEADER_BYTES || bytes[at] === 0) return this.skipPadding(left)
    if (this.zerosFrom !== NONE) {
      return this.damage('ERR_TSDB_MALFORMED', `zeros up to byte ${this.offset}, and more behind them`, this.zerosFrom)
    }
    if (this.left < FRAGMENT_HEADER_BYTES) return MORE
    const header = readHeader(bytes, at, left)
    if (typeof header === 'string') return this.damage('ERR_TSDB_MALFORMED', header)
    if (this.left < FRAGMENT_HEADER_BYTES + header.dataBytes) return MORE
    const data = dataOf(bytes, at, header)
    const wrong = this.wrongWith(header, data)
    if (wrong !== null) return wrong
    const start = this.offset
    this.advance(FRAGMENT_HEADER_BYTES + header.dataBytes)
    return this.take(header.type, data, start)
  }

  private skipPadding(left: number): Step | null {
    const padding = this.bytes.subarray(this.at, this.at + left)
    if (!isZero(padding)) return this.damage('ERR_TSDB_MALFORMED', 'the rest of a page is not zeros')
    if (padding.length < left) return MORE
    if (left >= FRAGMENT_HEADER_BYTES && this.zerosFrom === NONE) this.zerosFrom = this.offset
    this.advance(left)
    return null
  }

  private wrongWith(header: FragmentHeader, data: Buffer): Damage | null {
    const found = checksum(data)
    if (found !== header.checksum) {
      return this.damage('ERR_TSDB_BAD_CHECKSUM', wrongChecksum('a fragment', found, header.checksum))
    }
    const goesOn = header.type !== FULL && header.type !== FIRST
    if (goesOn !== (this.recordStart !== NONE)) {
      const what = goesOn ? 'a fragment that no record begins with' : 'a record begins before the last one has ended'
      return this.damage('ERR_TSDB_MALFORMED', what)
    }
    return header.isCompressed ? this.damage('ERR_TSDB_UNSUPPORTED', 'a compressed record') : null
  }

  private take(type: number, data: Buffer, start: number): Step | null {
    if (type === FULL) return this.whole(start, data)
    if (type === FIRST) {
      this.recordStart = start
      this.parts.clear()
    }
    this.parts.put(data)
    if (type !== LAST) return null
    const { recordStart } = this
    this.recordStart = NONE
    return this.whole(recordStart, this.parts.view())
  }

  private whole(offset: number, bytes: Buffer): Step {
    this.wholeEnd = this.offset
    return { kind: 'record', offset, bytes }
  }

  private advance(byteLength: number): void {
    this.at += byteLength
    this.offset += byteLength
  }

  private damage(code: TsdbErrorCode, why: string, offset = this.offset): Damage {
    return { kind: 'damage', code, offset, why }
  }
}
