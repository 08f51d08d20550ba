/** Samples of one series in columns, in memory that is used again and again. */

/** A chunk's number of samples is written in 16 bits. */
export const CHUNK_SAMPLES_MAX = 0xffff
/** What Prometheus aims at: well compressed, and cheap to decode for a few samples. */
export const CHUNK_SAMPLES = 120
/**
 * Milliseconds from 1970, before and after, that times are within: they, their differences and the differences of these
 * are exact in a double then, and a varint holds them.
 */
export const TIME_MS_MAX = 2 ** 52 - 1

/** Whether this machine stores the high half of a double behind the low one. */
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
/** Index of the high and the low half of a double in a pair of 32-bit words. */
export const HIGH = LITTLE_ENDIAN ? 1 : 0
export const LOW = LITTLE_ENDIAN ? 0 : 1

/**
 * Values are moved as pairs of 32-bit words wherever that is possible: Prometheus marks the end of a series by a NaN of
 * its own, and of a NaN only the words are sure to keep their bits.
 */
export class Samples {
  /** Milliseconds since 1970. */
  readonly timestampsMs: Float64Array
  readonly values: Float64Array
  /** `values`, as words: see {@link HIGH} and {@link LOW}. */
  readonly words: Uint32Array
  count = 0

  constructor(readonly capacity: number) {
    this.timestampsMs = new Float64Array(capacity)
    this.values = new Float64Array(capacity)
    this.words = new Uint32Array(this.values.buffer)
  }

  /** Takes over the sample at `index` of others, bit by bit. */
  copyFrom(other: Samples, index: number): void {
    const { count } = this
    this.timestampsMs[count] = other.timestampsMs[index]!
    this.words[2 * count] = other.words[2 * index]!
    this.words[2 * count + 1] = other.words[2 * index + 1]!
    this.count = count + 1
  }
}
