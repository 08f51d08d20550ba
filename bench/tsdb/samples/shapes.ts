/**
 * How the values of a series move from one scrape to the next.
 *
 * Only addition, multiplication, division, floor, round and abs: IEEE 754 and ECMAScript define every bit of their
 * results, and engines must not fuse them. Math.log, sin or pow could differ between engines.
 */
import { type Random, WORD_TO_FRACTION } from './random.ts'

export type Shape =
  /** Always its scale. */
  | 'constant'
  /** The time of the last restart in seconds since 1970. */
  | 'start-time'
  /** A whole number that changes by 1 now and then. */
  | 'steady-gauge'
  /** A size in bytes that wanders around its scale, in pages of 4096. */
  | 'byte-gauge'
  /** A measurement that wanders around its scale: up to all 52 bits of the mantissa are random. */
  | 'measured-gauge'
  /** Whole numbers that grow by up to `scale` a second. Half of these series hold still. */
  | 'counter'
  /** Seconds counted in hundredths, as the kernel counts CPU time. They grow by up to `scale` a second. */
  | 'tick-counter'
  /** Grows by up to `scale` a second, by any fraction. */
  | 'measured-counter'
  /** A whole histogram: buckets, sum, count. The scale of a bucket is how many observations it alone gets a second. */
  | 'histogram'

/** Series next to each other in a target that move the same way. */
export interface Run {
  readonly shape: Shape
  readonly start: number
  readonly end: number
}

/** All series of a target, each at its place. */
export interface SeriesState {
  readonly values: Float64Array
  /** The most that a counter grows in one interval; what a gauge wanders around. */
  readonly scales: Float64Array
}

/** Upper bounds in seconds: the default ones of Prometheus's client libraries. The bucket behind them is `+Inf`. */
export const BUCKET_BOUNDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** With the last one, `+Inf`. */
const BUCKETS = BUCKET_BOUNDS.length + 1
/** Series of a histogram, in this order: the buckets, `_sum`, `_count`. */
export const HISTOGRAM_SERIES = BUCKETS + 2
const LOWER_BOUNDS = Float64Array.from([0, ...BUCKET_BOUNDS])
/** What an observation can be above the lower bound. Those in `+Inf` are below 20 seconds. */
const WIDTHS = Float64Array.from([...BUCKET_BOUNDS, 20], (upper, bucket) => upper - LOWER_BOUNDS[bucket]!)

/** Most devices, handlers and errors of a fleet stand still most of the time. */
const IDLE_SHARE = 0.5
/** A replica count or a number of threads changes every few minutes: in one of 64 scrapes. */
const STEADY_CHANGE_WORDS = 2 ** 32 / 64
const PAGE_BYTES = 4096
const TICKS_PER_SECOND = 100
/** How much of its distance from the mean a gauge makes up for in a scrape. */
const PULL = 1 / 16
/** How far a gauge strays in a scrape, in parts of the mean. With `PULL` it stays between half and 1.5 of it. */
const STRAY = 1 / 16

/** Of the shapes that count since the last restart. */
export function isCounter(shape: Shape): boolean {
  return shape === 'counter' || shape === 'tick-counter' || shape === 'measured-counter' || shape === 'histogram'
}

/**
 * Moves the series of a run by one scrape.
 *
 * @param words random, one for each series of the target
 */
export function advance(run: Run, { values, scales }: SeriesState, words: Uint32Array): void {
  switch (run.shape) {
    case 'constant':
    case 'start-time':
      return
    case 'steady-gauge':
      return advanceSteady(values, words, run)
    case 'byte-gauge':
      return advanceBytes(values, scales, words, run)
    case 'measured-gauge':
      return advanceGauges(values, scales, words, run)
    case 'counter':
      return advanceCounters(values, scales, words, run)
    case 'tick-counter':
      return advanceTicks(values, scales, words, run)
    case 'measured-counter':
      return advanceMeasured(values, scales, words, run)
    case 'histogram':
      return advanceHistograms(values, scales, words, run)
  }
}

/** When a target begins to be scraped. */
export interface Beginning {
  /** How long its process has run by then. */
  readonly ageIntervals: number
  readonly intervalSeconds: number
  readonly timestampMs: number
}

/**
 * Gives the series of a run their own scales, around those of the template, and their first values: what counters have
 * counted in the age of the target.
 */
export function begin(
  run: Run,
  state: SeriesState,
  template: Float64Array,
  random: Random,
  words: Uint32Array,
  { ageIntervals, intervalSeconds, timestampMs }: Beginning,
): void {
  const { values, scales } = state
  const counts = isCounter(run.shape)
  for (let i = run.start; i < run.end; i++) {
    const own = run.shape === 'constant' ? 1 : 0.5 + 0.5 * random.fraction()
    scales[i] = template[i]! * own * (counts ? intervalSeconds : 1)
    values[i] = counts ? 0 : firstValue(run.shape, scales[i]!, timestampMs - ageIntervals * intervalSeconds * 1000)
  }
  if (!counts) return
  if (ageIntervals > 0) {
    // One step as long as all that came before.
    for (let i = run.start; i < run.end; i++) scales[i]! *= ageIntervals
    advance(run, state, words)
    for (let i = run.start; i < run.end; i++) scales[i]! /= ageIntervals
  }
  chooseIdle(run, scales, random)
}

/** Sets back what a restart sets back: counters to 0, the start time to now. */
export function restart(run: Run, { values }: SeriesState, timestampMs: number): void {
  if (isCounter(run.shape)) values.fill(0, run.start, run.end)
  else if (run.shape === 'start-time') values.fill(Math.floor(timestampMs / 1000), run.start, run.end)
}

function firstValue(shape: Shape, scale: number, startedMs: number): number {
  if (shape === 'start-time') return Math.floor(startedMs / 1000)
  if (shape === 'steady-gauge') return Math.floor(scale)
  if (shape === 'byte-gauge') return Math.floor(scale / PAGE_BYTES) * PAGE_BYTES
  return scale
}

/** Of CPU time and other measurements nothing is idle: they are what the option `noise` counts. */
function chooseIdle({ shape, start, end }: Run, scales: Float64Array, random: Random): void {
  if (shape !== 'counter' && shape !== 'histogram') return
  const step = shape === 'histogram' ? HISTOGRAM_SERIES : 1
  for (let first = start; first < end; first += step) {
    if (random.fraction() < IDLE_SHARE) scales.fill(0, first, first + step)
  }
}

/** From half to the whole of `scale`, rounded up or down by chance, so that it is right on average also below 1. */
function wholeStep(scale: number, word: number): number {
  return Math.floor(scale * (0.5 + word * (WORD_TO_FRACTION / 2)) + (word & 0xffff) * 2 ** -16)
}

function advanceCounters(values: Float64Array, scales: Float64Array, words: Uint32Array, { start, end }: Run): void {
  for (let i = start; i < end; i++) values[i]! += wholeStep(scales[i]!, words[i]!)
}

function advanceTicks(values: Float64Array, scales: Float64Array, words: Uint32Array, { start, end }: Run): void {
  for (let i = start; i < end; i++) {
    // Hundredths are not exact in binary: rounding finds the whole number of ticks again.
    const ticks = Math.round(values[i]! * TICKS_PER_SECOND)
    values[i] = (ticks + wholeStep(scales[i]! * TICKS_PER_SECOND, words[i]!)) / TICKS_PER_SECOND
  }
}

function advanceMeasured(values: Float64Array, scales: Float64Array, words: Uint32Array, { start, end }: Run): void {
  for (let i = start; i < end; i++) values[i]! += scales[i]! * (0.5 + words[i]! * (WORD_TO_FRACTION / 2))
}

function advanceGauges(values: Float64Array, scales: Float64Array, words: Uint32Array, { start, end }: Run): void {
  for (let i = start; i < end; i++) values[i] = wander(values[i]!, scales[i]!, words[i]!)
}

function advanceBytes(values: Float64Array, scales: Float64Array, words: Uint32Array, { start, end }: Run): void {
  for (let i = start; i < end; i++) {
    values[i] = Math.floor(wander(values[i]!, scales[i]!, words[i]!) / PAGE_BYTES) * PAGE_BYTES
  }
}

function wander(value: number, mean: number, word: number): number {
  return value + (mean - value) * PULL + mean * STRAY * (word * WORD_TO_FRACTION - 0.5)
}

function advanceSteady(values: Float64Array, words: Uint32Array, { start, end }: Run): void {
  for (let i = start; i < end; i++) {
    const word = words[i]!
    // Below zero there are no threads: -1 becomes 1.
    if (word < STEADY_CHANGE_WORDS) values[i] = Math.abs(values[i]! + ((word & 1) === 0 ? 1 : -1))
  }
}

function advanceHistograms(values: Float64Array, scales: Float64Array, words: Uint32Array, { start, end }: Run): void {
  for (let first = start; first < end; first += HISTOGRAM_SERIES) {
    if (scales[first] === 0) continue
    let observed = 0
    let sum = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const i = first + bucket
      const inBucket = wholeStep(scales[i]!, words[i]!)
      observed += inBucket
      sum += inBucket * (LOWER_BOUNDS[bucket]! + WIDTHS[bucket]! * (words[i]! * WORD_TO_FRACTION))
      values[i]! += observed
    }
    values[first + BUCKETS]! += sum
    values[first + BUCKETS + 1]! += observed
  }
}
