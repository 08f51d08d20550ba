/**
 * Prometheus's XOR encoding of samples (after Facebook's Gorilla): a count in 16 bits, then a bit stream of times as
 * differences of differences and of values as XOR with the one before. Specified in tsdb/docs/format/chunks.md of Prometheus.
 */
import { BitReader, BitWriter } from './bits.ts'
import { CHUNK_SAMPLES_MAX, HIGH, LOW, type Samples, TIME_MS_MAX } from './samples.ts'

/** The encoding's number in a segment file. */
export const ENCODING_XOR = 1

const COUNT_BYTES = 2
/** The first time is a varint, everything else is 4 + 64 bits of time and 2 + 5 + 6 + 64 of value at most. */
const FIRST_SAMPLE_BYTES_MAX = 10 + 8
const SAMPLE_BYTES_MAX = 19

/** Leading zeros are written in 5 bits. */
const LEADING_MAX = 31
/** No window of significant bits yet. */
const NO_WINDOW = 0xff

const TWO_32 = 2 ** 32

/** Bytes that the encoding of `count` samples takes at most. */
export function xorBytesMax(count: number): number {
  return COUNT_BYTES + FIRST_SAMPLE_BYTES_MAX + SAMPLE_BYTES_MAX * count
}

// One of each for the process: nothing here waits in between.
const writer = new BitWriter()
const reader = new BitReader()

/**
 * Encodes all samples, whose times rise and are within `TIME_MS_MAX`.
 *
 * @param target has room for {@link xorBytesMax} bytes from `offset` on
 * @returns the offset behind the encoding
 */
export function encodeXor(samples: Samples, target: Uint8Array, offset: number): number {
  const { count, timestampsMs, words } = samples
  if (count === 0 || count > CHUNK_SAMPLES_MAX) throw new RangeError(`a chunk has 1 to 65535 samples, not ${count}`)
  target[offset] = count >>> 8
  target[offset + 1] = count
  writer.begin(target, offset + COUNT_BYTES)

  let time = timestampsMs[0]!
  let delta = 0
  writer.writeUvarint(time < 0 ? -time * 2 - 1 : time * 2)
  writer.writeLong(words[HIGH]!, 32)
  writer.writeLong(words[LOW]!, 32)
  window.leading = NO_WINDOW
  for (let i = 1; i < count; i++) {
    const nextDelta = timestampsMs[i]! - time
    if (i === 1) writer.writeUvarint(nextDelta)
    else writeTime(nextDelta - delta)
    const high = words[2 * i + HIGH]! ^ words[2 * i - 2 + HIGH]!
    const low = words[2 * i + LOW]! ^ words[2 * i - 2 + LOW]!
    if ((high | low) === 0) writer.write(0, 1)
    else writeDifference(high, low)
    time += nextDelta
    delta = nextDelta
  }
  return writer.end()
}

/** A difference of time differences: the smaller, the fewer bits. */
function writeTime(difference: number): void {
  if (difference === 0) {
    writer.write(0, 1)
  } else if (difference >= -8191 && difference <= 8192) {
    writer.write(0b10, 2)
    writer.write(difference, 14)
  } else if (difference >= -65_535 && difference <= 65_536) {
    writer.write(0b110, 3)
    writer.write(difference, 17)
  } else if (difference >= -524_287 && difference <= 524_288) {
    writer.write(0b1110, 4)
    writer.write(difference, 20)
  } else {
    writer.write(0b1111, 4)
    writer.writeLong(Math.floor(difference / TWO_32) >>> 0, 32)
    writer.writeLong(difference >>> 0, 32)
  }
}

/** The significant bits that the last difference of values was written with. */
const window = { leading: NO_WINDOW, trailing: 0 }

/** A difference of values that is not zero: its significant bits, in the last window where they fit into it. */
function writeDifference(high: number, low: number): void {
  const leading = Math.min(LEADING_MAX, high === 0 ? 32 + Math.clz32(low) : Math.clz32(high))
  const trailing = low === 0 ? 32 + trailingZeros(high) : trailingZeros(low)
  if (window.leading !== NO_WINDOW && leading >= window.leading && trailing >= window.trailing) {
    writer.write(0b10, 2)
    writeBits(high, low, window.leading, window.trailing)
    return
  }
  window.leading = leading
  window.trailing = trailing
  writer.write(0b11, 2)
  writer.write(leading, 5)
  // 64 does not fit into 6 bits and is written as 0, which cannot be meant otherwise.
  writer.write(64 - leading - trailing, 6)
  writeBits(high, low, leading, trailing)
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word)
}

/** The bits between `leading` ones (fewer than 32) and `trailing` ones. */
function writeBits(high: number, low: number, leading: number, trailing: number): void {
  if (trailing >= 32) {
    writer.writeLong(high >>> (trailing - 32), 64 - leading - trailing)
  } else {
    writer.writeLong(high, 32 - leading)
    writer.writeLong(low >>> trailing, 32 - trailing)
  }
}

/**
 * Decodes a chunk's data behind what `samples` holds.
 *
 * @returns `null`, or what is wrong with the data; `samples` is as it was then
 */
export function decodeXor(data: Uint8Array, samples: Samples): string | null {
  if (data.length < COUNT_BYTES) return 'it has no count of samples'
  const count = data[0]! * 256 + data[1]!
  if (count > samples.capacity - samples.count) return `it announces ${count} samples, too many to hold`
  if (count === 0) return 'it has no samples'
  reader.begin(data, COUNT_BYTES)
  const wrong = readSamples(samples, count)
  if (wrong !== null) return wrong
  if (reader.isOverrun) return `it ends before the ${count} samples it announces`
  samples.count += count
  return null
}

function readSamples({ timestampsMs, words, count: first }: Samples, count: number): string | null {
  const zigzag = reader.readUvarint()
  let time = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
  let high = reader.readLong(32)
  let low = reader.readLong(32)
  let delta = 0
  // As in Prometheus: who goes on with a chunk that was read back uses the window of the reader, at first of all bits.
  window.leading = 0
  window.trailing = 0
  for (let i = first; ; i++) {
    // Also when it is not a number.
    if (!(Math.abs(time) <= TIME_MS_MAX)) return 'it has a time beyond 2^52'
    timestampsMs[i] = time
    words[2 * i + HIGH] = high
    words[2 * i + LOW] = low
    if (i === first + count - 1) return null
    delta = i === first ? reader.readUvarint() : delta + readTime()
    time += delta
    if (reader.read(1) === 1) {
      if (!readWindow()) return 'it names significant bits that no value has'
      const { leading, trailing } = window
      if (trailing >= 32) {
        high ^= reader.readLong(64 - leading - trailing) << (trailing - 32)
      } else {
        high ^= reader.readLong(32 - leading)
        low ^= reader.readLong(32 - trailing) << trailing
      }
    }
  }
}

/** False: it is none. */
function readWindow(): boolean {
  if (reader.read(1) === 0) return true
  const leading = reader.read(5)
  const bits = reader.read(6) || 64
  if (leading + bits > 64) return false
  window.leading = leading
  window.trailing = 64 - leading - bits
  return true
}

/** Not a number when it is beyond 2^53. */
function readTime(): number {
  if (reader.read(1) === 0) return 0
  if (reader.read(1) === 0) return signed(reader.read(14), 14)
  if (reader.read(1) === 0) return signed(reader.read(17), 17)
  if (reader.read(1) === 0) return signed(reader.read(20), 20)
  const high = reader.readLong(32) | 0
  const difference = high * TWO_32 + reader.readLong(32)
  return Number.isSafeInteger(difference) ? difference : Number.NaN
}

/** The largest number of so many bits is positive here: the encoding reaches one further up than down. */
function signed(value: number, bits: number): number {
  return value > 1 << (bits - 1) ? value - (1 << bits) : value
}
