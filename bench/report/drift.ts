/** Whether something changed steadily while the benchmark ran: a disk that warms up, a cache of the host that fills. */
import { errorFunction } from 'simple-statistics'
import type { Drift } from '../schema/report.ts'
import type { RunFigures } from '../schema/run.ts'
import { measureNamed } from './measures.ts'
import { runsByPlace, runsBySubject } from './runs-by.ts'
import { median, medianOf } from './statistics.ts'

const watched = ['throughputBytesPerSecond', 'cpuSecondsPerGib', 'neighbourP99Ns'] as const

/** Some dozens are looked at in a report: with the usual 0.05 every other report would have one by chance. */
const P_VALUE_MAX = 0.001
/** What is less does not change what anybody would decide. */
const CHANGE_MIN = 0.05
/** With fewer rounds a rising order is nothing special. */
const ROUNDS_MIN = 3

/** A run's value as a share of its subject's median, at its time. */
interface Sample {
  readonly atMs: number
  readonly value: number
}

/**
 * Looks at every workload in every situation, all subjects together: each run is divided by its subject's median. The order
 * decides by Mann and Kendall's test, ties taken into account; how much, by the slope of Theil and Sen.
 */
export function findDrifts(runs: readonly RunFigures[]): Drift[] {
  return runsByPlace(runs).flatMap(({ workload, situation, runs: here }) => {
    if (new Set(here.map(({ round }) => round)).size < ROUNDS_MIN) return []
    return watched.flatMap((measure): Drift[] => {
      const { change, pValue } = trendOf(relativeSamples(here, measure))
      const isDrift = pValue < P_VALUE_MAX && Math.abs(change) > CHANGE_MIN
      return isDrift ? [{ workload, situation, measure, change, pValue }] : []
    })
  })
}

function relativeSamples(runs: readonly RunFigures[], measure: string): Sample[] {
  const { valueOf } = measureNamed(measure)
  return [...runsBySubject(runs).values()].flatMap((own) => {
    const middle = medianOf(own.map(valueOf)) ?? 0
    if (middle === 0) return []
    return own.flatMap((run) => {
      const value = valueOf(run)
      return value === null ? [] : [{ atMs: run.startedAtMs, value: value / middle }]
    })
  })
}

/** How much the value changes from the first sample to the last, and how likely so much order is by chance. */
export function trendOf(samples: readonly Sample[]): { readonly change: number; readonly pValue: number } {
  const sorted = samples.toSorted((a, b) => a.atMs - b.atMs)
  const slopes: number[] = []
  let rising = 0
  for (const [i, { atMs, value }] of sorted.entries()) {
    for (const later of sorted.slice(i + 1)) {
      rising += Math.sign(later.value - value)
      if (later.atMs > atMs) slopes.push((later.value - value) / (later.atMs - atMs))
    }
  }
  if (slopes.length === 0) return { change: 0, pValue: 1 }
  const lastedMs = sorted.at(-1)!.atMs - sorted[0]!.atMs
  return { change: median(slopes) * lastedMs, pValue: pValueOf(rising, sorted) }
}

/** Mann and Kendall: the sum of signs is about normal, with this variance; ties take some of it away. */
function pValueOf(rising: number, samples: readonly Sample[]): number {
  const counts = new Map<number, number>()
  for (const { value } of samples) counts.set(value, (counts.get(value) ?? 0) + 1)
  const tied = [...counts.values()].reduce((sum, count) => sum + term(count), 0)
  const variance = (term(samples.length) - tied) / 18
  if (rising === 0 || variance === 0) return 1
  const z = (Math.abs(rising) - 1) / Math.sqrt(variance)
  // Both sides of the normal distribution.
  return Math.max(0, 1 - errorFunction(z / Math.SQRT2))
}

function term(n: number): number {
  return n * (n - 1) * (2 * n + 5)
}
