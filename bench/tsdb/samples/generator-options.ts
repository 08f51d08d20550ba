/** What a generator is told, with defaults and their reasons. */

export interface GeneratorOptions {
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number
  /**
   * Exactly so many series are there at any time, from 1 to 4 million: a pod that is replaced has as many as the one
   * that replaces it. From 512 on there are eight targets or more, and with the default `noise` all shapes.
   */
  readonly seriesCount: number
  /** When the first interval begins: whole milliseconds since 1970, from 0. */
  readonly startMs: number
  /** From one scrape of a target to the next: whole milliseconds, from 1 to a day. */
  readonly intervalMs: number
  /**
   * The share of pods that are replaced in an hour, 0 to 1, spread evenly over the hour. Each pod at most once in an
   * interval: only intervals of more than an hour can fall behind.
   */
  readonly churnPerHour?: number | undefined
  /**
   * The share of all series whose values are measurements with full mantissas, 0 to 1; the others are whole numbers.
   * A target comes as near as a single series, where it can: at 0 there still are the scrape durations and the sums of
   * histograms, at 1 still `up`, `scrape_samples_scraped` and information metrics.
   */
  readonly noise?: number | undefined
  /** How late the scrapes of every eighth target are at most: whole milliseconds, less than the interval. */
  readonly jitterMs?: number | undefined
  /**
   * How often a target restarts in an hour, on average, 0 or more: its counters begin anew. In half of its scrapes at
   * most.
   */
  readonly restartsPerHour?: number | undefined
}

/** All options, in their ranges. */
export type Settings = { readonly [Name in keyof GeneratorOptions]-?: number }

/** Several deployments a day of what is worked on, none of most: a pod lives about a day. */
const DEFAULT_CHURN_PER_HOUR = 0.04
/**
 * With it a sample takes about 1.9 bytes in a chunk of 120, with 0.25 it takes 2.8. Prometheus's documentation says 1
 * to 2 (https://prometheus.io/docs/prometheus/latest/storage/).
 */
const DEFAULT_NOISE = 0.1
/** Prometheus corrects timestamps that are up to 2 ms off: what is left over is a little more. */
const DEFAULT_JITTER_MS = 5
/** Once in two days. */
const DEFAULT_RESTARTS_PER_HOUR = 0.02

/** Their labels take 2 GiB of memory, about what Node's heap is allowed by default. */
export const SERIES_COUNT_MAX = 4_000_000
/** The last millisecond that a Date can be. */
const TIME_MS_MAX = 8.64e15
/** Longer than anybody scrapes: Prometheus takes a series for ended after five minutes. */
const INTERVAL_MS_MAX = 24 * 3_600_000

/** @throws {RangeError} for an option that is out of its range; the message names it. */
export function checked(options: GeneratorOptions): Settings {
  const { seed, seriesCount, startMs, intervalMs } = options
  whole('seed', seed, 0, Number.MAX_SAFE_INTEGER)
  whole('seriesCount', seriesCount, 1, SERIES_COUNT_MAX)
  whole('startMs', startMs, 0, TIME_MS_MAX)
  whole('intervalMs', intervalMs, 1, INTERVAL_MS_MAX)
  const {
    churnPerHour = DEFAULT_CHURN_PER_HOUR,
    noise = DEFAULT_NOISE,
    jitterMs = Math.min(DEFAULT_JITTER_MS, intervalMs - 1),
    restartsPerHour = DEFAULT_RESTARTS_PER_HOUR,
  } = options
  within('churnPerHour', churnPerHour, 0, 1)
  within('noise', noise, 0, 1)
  whole('jitterMs', jitterMs, 0, intervalMs - 1)
  within('restartsPerHour', restartsPerHour, 0, Number.MAX_VALUE)
  return { seed, seriesCount, startMs, intervalMs, churnPerHour, noise, jitterMs, restartsPerHour }
}

function whole(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value)) throw new RangeError(`${name} is to be a whole number, not ${String(value)}`)
  within(name, value, min, max)
}

function within(name: string, value: number, min: number, max: number): void {
  // A comparison with NaN is false.
  const isWithin = value >= min && value <= max
  if (!isWithin) throw new RangeError(`${name} is to be from ${min} to ${max}, not ${String(value)}`)
}
