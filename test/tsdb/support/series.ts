/** Series with samples, as tests put them into blocks and find them again. */
import { compareLabels, formatLabels, type Labels, labelsOf } from '../../../bench/tsdb/labels.ts'
import type { DumpedSeries } from './go-text.ts'
import type { Gauge } from './samples.ts'

/** The value as its 64 bits: nothing else tells one NaN from another, or keeps it as it is. */
export type BitSample = readonly [timestampMs: number, bits: bigint]

export interface Series {
  readonly labels: Labels
  /** In the order of time. */
  readonly samples: readonly BitSample[]
}

const number = new Float64Array(1)
const word = new BigUint64Array(number.buffer)

export function bitsOf(value: number): bigint {
  number[0] = value
  return word[0]!
}

export function valueOf(bits: bigint): number {
  word[0] = bits
  return number[0]!
}

/** Prometheus's mark for the end of a series (`StaleNaN` in model/value of Prometheus). */
export const STALE_NAN_BITS = 0x7ff0_0000_0000_0002n
/** Prometheus's usual NaN (`NormalNaN` in model/value of Prometheus). */
export const NORMAL_NAN_BITS = 0x7ff8_0000_0000_0001n

/** A series of labels as an object and of values as numbers. */
export function series(labels: Readonly<Record<string, string>>, ...samples: (readonly [number, number])[]): Series {
  return {
    labels: labelsOf(Object.entries(labels)),
    samples: samples.map(([timestampMs, value]) => [timestampMs, bitsOf(value)]),
  }
}

/** A series with a sample every `stepMs`. Its values follow from the times, so that any two of them can be merged. */
export function regular(labels: Readonly<Record<string, string>>, startMs: number, count: number, stepMs = 1): Series {
  const times = Array.from({ length: count }, (_, i) => startMs + i * stepMs)
  return series(labels, ...times.map((timestampMs) => [timestampMs, timestampMs / 7] as const))
}

/** The gauges of samples.ts, from another time on. */
export function awkwardSeries(gauges: readonly Gauge[], startMs: number): Series[] {
  const firstMs = Math.min(...gauges.flatMap(({ samples }) => samples.map(([timestampMs]) => timestampMs)))
  return gauges.map(({ name, job, samples }) =>
    series({ __name__: name, job }, ...samples.map(([t, value]) => [t - firstMs + startMs, value] as const)),
  )
}

/** Series by the text of their labels, each sample as a line of time and bits: what differs is seen at once. */
export function contentOf(all: Iterable<Series>): Map<string, string[]> {
  const content = new Map<string, string[]>()
  for (const { labels, samples } of all) {
    const key = formatLabels(labels)
    if (content.has(key)) throw new Error(`the series ${key} is there twice`)
    content.set(
      key,
      samples.map(([timestampMs, bits]) => `${timestampMs} ${bits.toString(16).padStart(16, '0')}`),
    )
  }
  return content
}

/** The same series as `dump` gives them, sorted, where all NaN are one. */
export function dumpOfSeries(all: readonly Series[]): Map<string, DumpedSeries> {
  return new Map(
    inOrder(all).map(({ labels, samples }) => [
      formatLabels(labels),
      { timestampsMs: samples.map(([timestampMs]) => timestampMs), values: samples.map(([, bits]) => valueOf(bits)) },
    ]),
  )
}

/** In the order of an index. */
export function inOrder(all: readonly Series[]): Series[] {
  return all.toSorted((a, b) => compareLabels(a.labels, b.labels))
}

/** All samples of several lists of series, each once. */
export function union(...lists: (readonly Series[])[]): Series[] {
  const found = new Map<string, { labels: Labels; samples: Map<number, bigint> }>()
  for (const { labels, samples } of lists.flat()) {
    const key = formatLabels(labels)
    const known = found.get(key) ?? { labels, samples: new Map<number, bigint>() }
    found.set(key, known)
    for (const [timestampMs, bits] of samples) known.samples.set(timestampMs, bits)
  }
  return inOrder(
    [...found.values()].map(({ labels, samples }) => ({
      labels,
      samples: [...samples].toSorted(([a], [b]) => a - b),
    })),
  )
}
