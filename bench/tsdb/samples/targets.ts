/** What is scraped: nodes, and pods of deployments, each with its own labels and its own series. */
import { type Labels, labelsOf } from '../labels.ts'
import type { LabelPair } from './fleet-metrics.ts'
import type { Random } from './random.ts'
import { advance, type Beginning, begin, restart, type SeriesState } from './shapes.ts'
import type { TargetTemplate } from './template.ts'

/** A series, for as long as its target is there. */
export interface GeneratedSeries {
  /** Dense from 0 in the order in which series begin, never used again. */
  readonly id: number
  readonly labels: Labels
}

/** One target scraped once. The object and its values are used again by the next scrape: to be read before it. */
export interface Scrape {
  /** Of all its samples. */
  readonly timestampMs: number
  /** The series of the target: the same array as long as the target is the same one. */
  readonly series: readonly GeneratedSeries[]
  /** `values[i]` is the sample of `series[i]`. They are the target's state: not to be written to. */
  readonly values: Float64Array
  /** How many samples there are: one of each series, or, when the scrape failed, of the first few only. */
  readonly count: number
}

/** What a failed scrape reports: `up` is 0, no samples, and the seconds that Prometheus waits by default. */
const FAILED_REPORT = Float64Array.of(0, 0, 10)
/** Places in the report: see `REPORT`. */
const SAMPLES_SCRAPED = 1

/** The alphabet of random names in Kubernetes: no vowels and no digits like vowels, so that no words come out. */
const NAME_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'
const POD_SUFFIX_LETTERS = 5
const POD_SUFFIXES = NAME_LETTERS.length ** POD_SUFFIX_LETTERS
/** No multiple of 3, all that 27^5 is made of: multiples run through all suffixes before one comes again. */
const SUFFIX_STRIDE = 8_867_221
const DEPLOYMENTS: readonly (readonly [namespace: string, name: string])[] = [
  ['shop', 'checkout'],
  ['shop', 'cart'],
  ['shop', 'catalog'],
  ['payments', 'ledger'],
  ['payments', 'fraud'],
  ['platform', 'gateway'],
  ['platform', 'auth'],
  ['search', 'indexer'],
]
/** A deployment has about as many pods. */
const PODS_PER_DEPLOYMENT = 8

/** A target, which gives a scrape whenever it is asked for one. */
export class Target {
  private readonly state: SeriesState
  private readonly series: readonly GeneratedSeries[]
  private readonly scrape: {
    timestampMs: number
    series: readonly GeneratedSeries[]
    values: Float64Array
    count: number
  }

  /**
   * @param labels of the target, which all its series have
   * @param firstId of its series, the others follow
   * @param words room for a random word for each series, shared by all targets
   */
  constructor(
    private readonly template: TargetTemplate,
    labels: readonly LabelPair[],
    firstId: number,
    private readonly random: Random,
    private readonly words: Uint32Array,
    beginning: Beginning,
  ) {
    const count = template.labels.length
    this.series = template.labels.map((own, index) => ({ id: firstId + index, labels: labelsOf([...own, ...labels]) }))
    this.state = { values: new Float64Array(count), scales: new Float64Array(count) }
    random.draw(words, count)
    for (const run of template.runs) begin(run, this.state, template.scales, random, words, beginning)
    if (template.reportCount > SAMPLES_SCRAPED) this.state.values[SAMPLES_SCRAPED] = count - template.reportCount
    this.scrape = { timestampMs: 0, series: this.series, values: this.state.values, count }
  }

  /** Moves all series on by one interval. */
  scrapeAt(timestampMs: number): Scrape {
    const { scrape, state, words } = this
    const count = this.series.length
    this.random.draw(words, count)
    for (const run of this.template.runs) advance(run, state, words)
    scrape.timestampMs = timestampMs
    scrape.values = state.values
    scrape.count = count
    return scrape
  }

  /** The process begins anew just now: this scrape fails, and the next one finds counters that count from 0. */
  failAt(timestampMs: number): Scrape {
    for (const run of this.template.runs) restart(run, this.state, timestampMs)
    this.scrape.timestampMs = timestampMs
    this.scrape.values = FAILED_REPORT
    this.scrape.count = this.template.reportCount
    return this.scrape
  }
}

/** @param number below 2^24, another one for each node */
export function nodeLabels(number: number): LabelPair[] {
  return [
    ['job', 'node'],
    ['instance', `${address(10, number)}:9100`],
  ]
}

/**
 * @param place which of the pods that are there at a time: a pod and the one that replaces it are of one deployment
 * @param number another one for each pod ever
 */
export function podLabels(place: number, number: number): LabelPair[] {
  const deployment = Math.floor(place / PODS_PER_DEPLOYMENT)
  const [namespace, name] = DEPLOYMENTS[deployment % DEPLOYMENTS.length]!
  const round = Math.floor(deployment / DEPLOYMENTS.length)
  const job = round === 0 ? name : `${name}-${round}`
  return [
    ['job', job],
    ['namespace', namespace],
    ['pod', `${job}-${podSuffix(number)}`],
    // A cluster gives addresses again when it has given all of them.
    ['instance', `${address(100, number % 2 ** 24)}:8080`],
  ]
}

/** Looks random, and is another one for each number: five letters for the first 14 million, more from there on. */
function podSuffix(number: number): string {
  const turn = Math.floor(number / POD_SUFFIXES)
  let rest = turn * POD_SUFFIXES + (((number % POD_SUFFIXES) * SUFFIX_STRIDE) % POD_SUFFIXES)
  let suffix = ''
  while (rest > 0 || suffix.length < POD_SUFFIX_LETTERS) {
    suffix += NAME_LETTERS[rest % NAME_LETTERS.length]!
    rest = Math.floor(rest / NAME_LETTERS.length)
  }
  return suffix
}

function address(network: number, number: number): string {
  return `${network}.${(number >>> 16) & 0xff}.${(number >>> 8) & 0xff}.${number & 0xff}`
}
