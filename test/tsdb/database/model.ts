/** What a database is to hold and to refuse, in a few lines, and random things to do with one. */
import { fc } from '@fast-check/vitest'
import { type Labels, labelsOf } from '../../../bench/tsdb/labels.ts'
import type { SyncPolicy } from '../../../bench/tsdb/settings.ts'
import { type BitSample, bitsOf, NORMAL_NAN_BITS, type Series, STALE_NAN_BITS } from '../support/series.ts'
import { everyStrategy } from '../wal/wal-files.ts'
import { RANGE_MS } from './databases.ts'

/** Long enough that series records fill pages. */
const LONG = 'x'.repeat(2000)

/** The series that things are done with. */
export const labelPool: readonly Labels[] = Array.from({ length: 8 }, (_, i) =>
  labelsOf([
    ['__name__', i % 2 === 0 ? 'up' : '\u{1F600}'],
    ['number', String(i)],
    ['long', i < 2 ? LONG : ''],
  ]),
)

/** Samples of one series, one behind the other, from a time on that is told from that of its last sample. */
export interface Append {
  readonly kind: 'append'
  readonly series: number
  readonly fromMs: number
  readonly steps: readonly number[]
  readonly bits: readonly bigint[]
}

export type Step =
  | Append
  | { readonly kind: 'commit'; readonly isAwaited: boolean }
  | { readonly kind: 'cut'; readonly ranges: 'complete' | 'all' }
  | { readonly kind: 'compact' | 'reopen' | 'kill' }

const bits = fc.oneof(
  fc.constantFrom(STALE_NAN_BITS, NORMAL_NAN_BITS, 0x7ff0_0000_dead_beefn, 0xfff8_1234_5678_9abcn),
  fc.constantFrom(...[0, -0, 1, Infinity, -Infinity, 5e-324].map(bitsOf)),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
)

/** Now and then a sample that is refused: of the same time or an earlier one. */
const append: fc.Arbitrary<Append> = fc.record({
  kind: fc.constant('append' as const),
  series: fc.integer({ min: 0, max: labelPool.length - 1 }),
  fromMs: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 2000 }) },
    { weight: 1, arbitrary: fc.integer({ min: RANGE_MS, max: 3 * RANGE_MS }) },
    { weight: 2, arbitrary: fc.constantFrom(0, -1, -2000, -3 * RANGE_MS) },
  ),
  steps: fc.array(
    fc.oneof({ weight: 50, arbitrary: fc.integer({ min: 1, max: 40 }) }, fc.constantFrom(0, RANGE_MS / 2)),
    { minLength: 1, maxLength: 150, size: 'max' },
  ),
  bits: fc.array(bits, { minLength: 1, maxLength: 20 }),
})

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof<fc.WeightedArbitrary<Step>[]>(
    { weight: 12, arbitrary: append },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('commit'), isAwaited: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('cut'), ranges: fc.constantFrom('complete', 'all') }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('compact', 'reopen', 'kill') }) },
  ),
  { minLength: 5, maxLength: 30, size: 'max' },
)

export const someSettings = fc.record({
  chunks: fc.constantFrom(...everyStrategy),
  index: fc.constantFrom(...everyStrategy),
  wal: fc.constantFrom(...everyStrategy),
  walSync: fc.constantFrom<SyncPolicy[]>('never', 'every-batch', { everyMs: 2 }),
  pages: fc.constantFrom(1, 2, 5),
})

/** The samples that a database has taken, and where it has them. */
export class Model {
  /** Samples from before are refused: they are in blocks. */
  floorMs = -Infinity
  private readonly committed: BitSample[][] = labelPool.map(() => [])
  private batch: BitSample[][] = labelPool.map(() => [])

  /** The time of a series' last sample; some time when it has none. */
  lastMs(series: number): number | null {
    return (this.batch[series]!.at(-1) ?? this.committed[series]!.at(-1))?.[0] ?? null
  }

  /** @returns the code of the error that it is refused with, or `null` */
  append(series: number, timestampMs: number, value: bigint): string | null {
    const lastMs = this.lastMs(series) ?? -Infinity
    // What is in blocks is forgotten, also that there was something at the same time.
    if (timestampMs < this.floorMs) return 'ERR_TSDB_OUT_OF_ORDER'
    if (timestampMs === lastMs) return 'ERR_TSDB_DUPLICATE_SAMPLE'
    if (timestampMs < lastMs) return 'ERR_TSDB_OUT_OF_ORDER'
    this.batch[series]!.push([timestampMs, value])
    return null
  }

  commit(): void {
    for (const [i, samples] of this.batch.entries()) this.committed[i]!.push(...samples)
    this.drop()
  }

  /** The samples that were not committed. */
  drop(): void {
    this.batch = labelPool.map(() => [])
  }

  /** @returns the beginnings of the blocks */
  cut(ranges: 'complete' | 'all'): number[] {
    this.commit()
    const times = this.committed.flat().map(([timestampMs]) => timestampMs)
    const inHead = times.filter((timestampMs) => timestampMs >= this.floorMs)
    const starts = [...new Set(inHead.map((timestampMs) => Math.floor(timestampMs / RANGE_MS) * RANGE_MS))]
    starts.sort((a, b) => a - b)
    const cut = ranges === 'all' ? starts : starts.slice(0, -1)
    if (cut.length > 0) this.floorMs = cut.at(-1)! + RANGE_MS
    return cut
  }

  get series(): Series[] {
    return this.part(() => true)
  }

  /** Those of the samples that are to be in blocks. */
  get inBlocks(): Series[] {
    return this.part((timestampMs) => timestampMs < this.floorMs)
  }

  get samplesInHead(): number {
    return this.part((timestampMs) => timestampMs >= this.floorMs).reduce((sum, one) => sum + one.samples.length, 0)
  }

  private part(isIn: (timestampMs: number) => boolean): Series[] {
    return this.committed
      .map((samples, i) => ({ labels: labelPool[i]!, samples: samples.filter(([timestampMs]) => isIn(timestampMs)) }))
      .filter(({ samples }) => samples.length > 0)
  }
}
