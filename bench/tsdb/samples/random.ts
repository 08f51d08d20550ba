/** Random numbers that a seed decides: the same ones on every machine and in every engine. */

/** Turns a word into a fraction from 0 to below 1. Exact, as all powers of two. */
export const WORD_TO_FRACTION = 2 ** -32

const MASK_64 = 2n ** 64n - 1n

/**
 * xoshiro128** 1.1 by David Blackman and Sebastiano Vigna (https://prng.di.unimi.it/xoshiro128starstar.c), in integer
 * operations of 32 bits. Statistically sound, not for secrets.
 */
export class Random {
  private s0: number
  private s1: number
  private s2: number
  private s3: number
  private readonly one = new Uint32Array(1)

  /** @param state four words of 32 bits, one at least not zero. Where there is only a seed: {@link seeded}. */
  constructor(state: readonly [number, number, number, number]) {
    this.s0 = state[0] | 0
    this.s1 = state[1] | 0
    this.s2 = state[2] | 0
    this.s3 = state[3] | 0
  }

  /** Draws the first `count` words, all 32 bits of each. Many at once, so that the state stays in registers. */
  draw(words: Uint32Array, count: number): void {
    let { s0, s1, s2, s3 } = this
    for (let i = 0; i < count; i++) {
      const product = Math.imul(s1, 5)
      words[i] = Math.imul((product << 7) | (product >>> 25), 9)
      const shifted = s1 << 9
      s2 ^= s0
      s3 ^= s1
      s1 ^= s2
      s0 ^= s3
      s2 ^= shifted
      s3 = (s3 << 11) | (s3 >>> 21)
    }
    this.s0 = s0
    this.s1 = s1
    this.s2 = s2
    this.s3 = s3
  }

  /** A whole number from 0 to 2^32 - 1. */
  word(): number {
    this.draw(this.one, 1)
    return this.one[0]!
  }

  /** From 0 to below 1, in steps of 2^-32. */
  fraction(): number {
    return this.word() * WORD_TO_FRACTION
  }

  /** A whole number from 0 to below `end`, which is 2^32 at most; evenly enough for much smaller ends. */
  below(end: number): number {
    return Math.floor(this.fraction() * end)
  }
}

/**
 * The generator that a seed stands for: its state is the first two numbers of SplitMix64 with that seed, as the authors
 * of xoshiro advise (https://prng.di.unimi.it/splitmix64.c), the lower half of each first.
 *
 * @param seed a whole number from 0 to 2^53 - 1
 */
export function seeded(seed: number): Random {
  const first = splitMix64(BigInt(seed), 1n)
  const second = splitMix64(BigInt(seed), 2n)
  return new Random([lowWord(first), highWord(first), lowWord(second), highWord(second)])
}

/** The number that stands at `position`, counted from 1. */
function splitMix64(seed: bigint, position: bigint): bigint {
  let z = (seed + position * 0x9e3779b97f4a7c15n) & MASK_64
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK_64
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK_64
  return z ^ (z >> 31n)
}

function lowWord(value: bigint): number {
  return Number(value & 0xffffffffn)
}

function highWord(value: bigint): number {
  return Number(value >> 32n)
}
