import type { TsdbErrorCode } from '../errors.ts'
import { TIME_MS_MAX } from './samples.ts'

/** What a chunk's samples span. */
export interface Span {
  count: number
  minTimeMs: number
  maxTimeMs: number
}

export interface Wrong {
  readonly code: TsdbErrorCode
  readonly what: string
}

const COUNT_BYTES = 2
/** The first value is whole. */
const FIRST_VALUE_BITS = 64
const TWO_32 = 2 ** 32
/** As in Prometheus, all bits are significant until fewer are named. */
const ALL_BITS = 64

/** Where the scan is: the bit that comes next, and what is known by then. One for the process: nothing waits in between. */
const scan = { at: 0, time: 0, delta: 0 }

/**
 * Goes through the times of an XOR chunk and steps over its values: that its samples are in order, and no time is there
 * twice, is known at less than half of what decoding costs.
 *
 * @param bytes holds the data from `start` to `end`, and at least 4 bytes behind it (in a segment its checksum)
 * @returns `null`, with `span` filled in, or what is wrong
 */
export function scanXor(bytes: Uint8Array, start: number, end: number, span: Span): Wrong | null {
  const count = bytes[start]! * 256 + bytes[start + 1]!
  if (count === 0) return malformed('it has no samples')
  scan.at = 8 * (start + COUNT_BYTES)
  const zigzag = readUvarint(bytes, end)
  scan.time = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
  scan.at += FIRST_VALUE_BITS
  // Times rise from here on: only the last one is looked at as well. NaN is none either.
  if (!(scan.time >= -TIME_MS_MAX)) return malformed(NO_SUCH_TIME)
  span.minTimeMs = scan.time
  if (count > 1) {
    scan.delta = readUvarint(bytes, end)
    if (scan.delta === 0) return outOfOrder(scan.time, 0)
    const wrong = scanRest(bytes, end, count)
    if (wrong !== null) return wrong
  }
  if (scan.at > 8 * end) return endsEarly(count)
  span.count = count
  span.maxTimeMs = scan.time
  return scan.time <= TIME_MS_MAX ? null : malformed(NO_SUCH_TIME)
}

/** From the second sample's value on. */
function scanRest(bytes: Uint8Array, end: number, count: number): Wrong | null {
  let { at, time, delta } = scan
  const endBits = 8 * end
  let significant = ALL_BITS
  for (let i = 1; i < count; i++) {
    if (at > endBits) return endsEarly(count)
    let bits = peek(bytes, at)
    if (i > 1) {
      if (bits >= 0) {
        // Mostly the time goes on as before, and the value's first bits are among those at hand.
        at += 1
        bits <<= 1
      } else {
        scan.at = at
        delta += readTime(bytes, bits)
        at = scan.at
        if (!(delta > 0)) return at > endBits ? endsEarly(count) : outOfOrder(time, delta)
        bits = peek(bytes, at)
      }
    }
    time += delta
    if (bits >= 0) {
      at += 1
    } else if ((bits & 0x4000_0000) === 0) {
      at += 2 + significant
    } else {
      significant = (bits << 7) >>> 26 || ALL_BITS
      if (((bits << 2) >>> 27) + significant > ALL_BITS) return malformed(NO_SUCH_BITS)
      at += 13 + significant
    }
  }
  scan.at = at
  scan.time = time
  return null
}

const NO_SUCH_BITS = 'it names significant bits that no value has'
const NO_SUCH_TIME = 'it has a time beyond 2^52'

/** A difference of time differences that is not zero; `bits` are the next ones. */
function readTime(bytes: Uint8Array, bits: number): number {
  if ((bits & 0x4000_0000) === 0) {
    scan.at += 16
    return signed((bits << 2) >>> 18, 14)
  }
  if ((bits & 0x2000_0000) === 0) {
    scan.at += 20
    return signed((bits << 3) >>> 15, 17)
  }
  if ((bits & 0x1000_0000) === 0) {
    scan.at += 24
    return signed((bits << 4) >>> 12, 20)
  }
  const { at } = scan
  scan.at += 68
  return (word(bytes, at + 4) | 0) * TWO_32 + word(bytes, at + 36)
}

/** NaN when it does not end within the data, or within 2^53. */
function readUvarint(bytes: Uint8Array, end: number): number {
  let value = 0
  for (let factor = 1; factor < 2 ** 56 && scan.at < 8 * end; factor *= 128) {
    const byte = peek(bytes, scan.at) >>> 24
    scan.at += 8
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN
  }
  return Number.NaN
}

/** 25 bits from bit `at` on, as the highest ones of 32. */
function peek(bytes: Uint8Array, at: number): number {
  const i = at >>> 3
  return ((bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!) << (at & 7)
}

/** 32 bits from bit `at` on, as a number from 0 on. */
function word(bytes: Uint8Array, at: number): number {
  return (peek(bytes, at) >>> 16) * 0x10000 + (peek(bytes, at + 16) >>> 16)
}

/** The largest number of so many bits is positive: the encoding reaches one further up than down. */
function signed(value: number, bits: number): number {
  return value > 1 << (bits - 1) ? value - (1 << bits) : value
}

function endsEarly(count: number): Wrong {
  return malformed(`it ends before the ${count} samples it announces`)
}

function malformed(what: string): Wrong {
  return { code: 'ERR_TSDB_MALFORMED', what: `a chunk: ${what}` }
}

function outOfOrder(time: number, delta: number): Wrong {
  if (Number.isNaN(delta)) return malformed(NO_SUCH_TIME)
  if (delta === 0) return { code: 'ERR_TSDB_DUPLICATE_SAMPLE', what: `a chunk: two samples are of ${time}` }
  return { code: 'ERR_TSDB_OUT_OF_ORDER', what: `a chunk: a sample of ${time + delta} stands behind one of ${time}` }
}
