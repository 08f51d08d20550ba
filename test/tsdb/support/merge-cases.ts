/** Inputs for merges: random blocks that have the same series, and the same samples, in part. */
import * as fc from 'fast-check'
import { type Labels, labelsOf } from '../../../bench/tsdb/labels.ts'
import { bitsOf, NORMAL_NAN_BITS, type Series, STALE_NAN_BITS } from './series.ts'

/** Labels whose order a comparison by UTF-16, or label by label joined into one text, would get wrong. */
export const labelPool: readonly Labels[] = [
  { a: '1' },
  { a: '1', b: '1' },
  { a: '1', 'b"\n': '\\' },
  { a: '\u{1F600}' },
  { a: '\uE000' },
  { a: '\uFFFD', '\u{10000}': 'x' },
  { __name__: 'up', job: 'ü€' },
  { __name__: 'up', job: 'a', zone: 'b' },
  { __name__: 'up\u0000', job: 'a' },
].map((labels) => labelsOf(Object.entries(labels)))

/** Values of which none may change a bit. */
const values: readonly bigint[] = [
  STALE_NAN_BITS,
  NORMAL_NAN_BITS,
  0xfff8_0000_0000_0001n,
  ...[0, -0, Infinity, -Infinity, 0.1, 1e300, 5e-324, -1 / 3, 1, 1, 1, 2, 3].map(bitsOf),
]

/** The one value that a series may have at a time. */
function valueAt(series: number, timestampMs: number): bigint {
  return values[(series * 31 + timestampMs * 7) % values.length]!
}

/** A block of a case: which series it has, at which times, and how many samples its chunks have. */
export interface CaseBlock {
  readonly series: readonly Series[]
  readonly chunkSamples: number
}

interface Times {
  readonly series: number
  readonly start: number
  readonly steps: readonly number[]
}

function seriesFrom(all: readonly Times[]): Series[] {
  return all.map(({ series, start, steps }) => {
    let timestampMs = start
    const times = steps.map((step) => (timestampMs += step))
    return { labels: labelPool[series]!, samples: times.map((time) => [time, valueAt(series, time)]) }
  })
}

/** A time scale on which blocks overlap by chance, or `apart`, each behind the one before it. */
function anyBlock(startMs: number): fc.Arbitrary<CaseBlock> {
  const anyTimes = (series: number) =>
    fc.record({
      series: fc.constant(series),
      start: fc.integer({ min: startMs, max: startMs + 120 }),
      steps: fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 9 })), {
        minLength: 1,
        maxLength: 40,
        size: 'max',
      }),
    })
  return fc.record({
    series: fc
      .subarray([...labelPool.keys()], { minLength: 1, maxLength: 5 })
      .chain((chosen) => fc.tuple(...chosen.map(anyTimes)))
      .map(seriesFrom),
    chunkSamples: fc.constantFrom(1, 2, 7, 120),
  })
}

/** Longer than any block of {@link anyBlock}. */
const APART_MS = 1000

/** Two to six blocks, which overlap by chance. Times begin before 1970 in some. */
export const overlappingBlocks: fc.Arbitrary<CaseBlock[]> = fc
  .constantFrom(0, 1_700_000_000_001)
  .chain((startMs) => fc.array(anyBlock(startMs), { minLength: 2, maxLength: 6 }))

/** Two to six blocks, each of which begins behind the end of the one before it. */
export const disjointBlocks: fc.Arbitrary<CaseBlock[]> = fc
  .integer({ min: 2, max: 6 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => anyBlock(i * APART_MS))))

/** Cases with one sample more, which differs from one of another block at the same time. */
export interface Conflict {
  readonly cases: readonly CaseBlock[]
  readonly timestampMs: number
  /** The block with the sample more. */
  readonly block: number
}

/**
 * Adds a copy of one of the blocks that has a single sample, with another value.
 *
 * @param at chooses the sample, `other` the bit that differs
 */
export function withOneValueChanged(cases: readonly CaseBlock[], at: number, other: number): Conflict {
  const samples = cases.flatMap(({ series }) =>
    series.flatMap((one) => one.samples.map(([timestampMs, bits]) => ({ labels: one.labels, timestampMs, bits }))),
  )
  const { labels, timestampMs, bits } = samples[at % samples.length]!
  const changed = bits ^ (1n << BigInt(other % 64))
  const more = { series: [{ labels, samples: [[timestampMs, changed] as const] }], chunkSamples: 1 }
  return { cases: [...cases, more], timestampMs, block: cases.length }
}
