import { METRIC_NAME } from '../../../bench/tsdb/labels.ts'
import {
  type GeneratedSeries,
  type GeneratorOptions,
  SampleGenerator,
  type Scrape,
} from '../../../bench/tsdb/samples/generator.ts'

/** What a target was scraped for, copied: a scrape is used again by the generator. */
export interface SeenScrape {
  readonly interval: number
  readonly timestampMs: number
  readonly failed: boolean
  readonly series: readonly GeneratedSeries[]
  readonly values: readonly number[]
}

/** A series with all its samples. */
export interface SeenSeries extends GeneratedSeries {
  readonly name: string
  readonly timestampsMs: number[]
  readonly values: number[]
  /** For each sample, whether the scrape of its target before it failed. */
  readonly afterFailure: boolean[]
}

export const fleet = {
  seed: 7,
  seriesCount: 2000,
  startMs: 1_700_000_000_000,
  intervalMs: 15_000,
} as const satisfies GeneratorOptions

export function label({ labels }: GeneratedSeries, name: string): string | undefined {
  return labels.find((one) => one.name === name)?.value
}

/** The scrapes of so many intervals. */
export function scrapesOf(options: GeneratorOptions, intervals: number): SeenScrape[] {
  const generator = new SampleGenerator(options)
  const seen: SeenScrape[] = []
  for (let interval = 0; interval < intervals; interval++) {
    for (const scrape of generator.nextInterval()) seen.push(seenScrape(scrape, interval))
  }
  return seen
}

function seenScrape({ timestampMs, series, values, count }: Scrape, interval: number): SeenScrape {
  return {
    interval,
    timestampMs,
    series,
    values: Array.from({ length: count }, (_, index) => values[index]!),
    // Of a target with one series nothing but `up` can tell.
    failed: values[0] === 0,
  }
}

/** The series of scrapes, in the order of their ids. */
export function seriesOf(scrapes: readonly SeenScrape[]): SeenSeries[] {
  const byId = new Map<number, SeenSeries>()
  const failed = new Set<GeneratedSeries>()
  for (const { series, values, timestampMs, failed: fails } of scrapes) {
    const target = series[0]!
    for (const [index, value] of values.entries()) {
      const one = series[index]!
      let seen = byId.get(one.id)
      if (seen === undefined) {
        seen = { ...one, name: label(one, METRIC_NAME)!, timestampsMs: [], values: [], afterFailure: [] }
        byId.set(one.id, seen)
      }
      seen.timestampsMs.push(timestampMs)
      seen.values.push(value)
      seen.afterFailure.push(failed.has(target))
    }
    if (fails) failed.add(target)
    else failed.delete(target)
  }
  return [...byId.values()].toSorted((a, b) => a.id - b.id)
}

/** What each sample adds to the one before it. */
export function stepsOf(values: readonly number[]): number[] {
  return values.slice(1).map((value, index) => value - values[index]!)
}

/** The histograms of scrapes: series of one target that differ in `le` and in the ending of their names only. */
export function histogramsOf(series: readonly SeenSeries[]): Map<string, SeenSeries[]> {
  const histograms = new Map<string, SeenSeries[]>()
  for (const one of series) {
    const family = /^(http_\w+)_(bucket|sum|count)$/.exec(one.name)?.[1]
    if (family === undefined) continue
    const key = [family, label(one, 'pod'), label(one, 'handler')].join(' ')
    histograms.set(key, [...(histograms.get(key) ?? []), one])
  }
  return histograms
}
