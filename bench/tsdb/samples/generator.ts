/** Samples as Prometheus scrapes them from a fleet, decided by a seed. */
import { NODE_FAMILIES, POD_FAMILIES } from './fleet-metrics.ts'
import { checked, type GeneratorOptions, type Settings } from './generator-options.ts'
import { type Random, seeded } from './random.ts'
import type { Beginning } from './shapes.ts'
import { nodeLabels, podLabels, type Scrape, Target } from './targets.ts'
import { composeTarget, type TargetTemplate } from './template.ts'

export type { GeneratorOptions } from './generator-options.ts'
export type { GeneratedSeries, Scrape } from './targets.ts'

/** A small node exporter, or an application with its runtime's metrics. */
const SERIES_PER_TARGET_MAX = 300
/** A small fleet is divided up, so that there is something to replace, down to targets of so many series. */
const SERIES_PER_TARGET_MIN = 64
const TARGETS_OF_SMALL_FLEET = 8
/** Every third target is a node, the others are pods. */
const NODE_EVERY = 3
/** Every eighth target is on a busy machine, where scrapes are late by chance. */
const LATE_EVERY = 8
/** How long processes have run before the first scrape, at most. */
const UPTIME_MS_MAX = 30 * 24 * 3_600_000
const HOUR_MS = 3_600_000
/** Of all scrapes: what is down more often has nothing to tell. */
const RESTARTING_SHARE_MAX = 0.5

/** Where a target is scraped: a node for good, or one pod after the other. */
interface Slot {
  readonly template: TargetTemplate
  /** From an interval's begin, as Prometheus spreads its targets. */
  readonly offsetMs: number
  readonly jitterMs: number
  target: Target
  /** The interval in which the target was, or is to be, scraped for the first time. */
  firstIntervalMs: number
}

interface PodSlot extends Slot {
  /** Which of the pods that are there at a time. */
  readonly place: number
}

/**
 * Guarantees, all by the options alone, on any machine:
 *
 * - The same options give the same series and samples, bit by bit.
 * - Each interval has one scrape of each target, all within the interval, in about the order of their timestamps. So
 *   timestamps of a series strictly increase.
 * - Every series that is there has a sample in each interval. Only a target that just restarts gives nothing but its
 *   report (`up` is 0). A series has at least one sample.
 * - Counters grow or hold still, except that a restart sets them to 0. A new pod's counters begin near 0.
 * - No two series ever have the same labels, and none comes back after it has ended.
 *
 * The end of a series is told by nothing but its absence: there are no staleness markers.
 */
export class SampleGenerator {
  private readonly random: Random
  private readonly words: Uint32Array
  private readonly slots: readonly Slot[]
  private readonly pods: PodSlot[]
  private readonly startMs: number
  private readonly intervalMs: number
  private readonly replacedPerMs: number
  /** A target restarts when a random word is below it. */
  private readonly restartBelow: number
  private intervalStartMs: number
  private podsBegun = 0
  private podsReplaced = 0
  private idsGiven = 0

  /** @throws {RangeError} for an option that is out of its range; the message names it. */
  constructor(options: GeneratorOptions) {
    const settings = checked(options)
    this.random = seeded(settings.seed)
    this.startMs = settings.startMs
    this.intervalMs = settings.intervalMs
    this.intervalStartMs = settings.startMs
    this.words = new Uint32Array(SERIES_PER_TARGET_MAX)
    const restartingShare = (settings.restartsPerHour * settings.intervalMs) / HOUR_MS
    this.restartBelow = Math.min(RESTARTING_SHARE_MAX, restartingShare) * 2 ** 32
    this.pods = []
    this.slots = this.buildFleet(settings)
    this.replacedPerMs = (this.pods.length * settings.churnPerHour) / HOUR_MS
  }

  /** When the next interval begins: samples so far are from before it, later ones are not. */
  get now(): number {
    return this.intervalStartMs
  }

  /** How many series began so far: ids are below it. */
  get seriesBegun(): number {
    return this.idsGiven
  }

  /**
   * The scrapes of one interval, target after target. It is to be gone through before the next one is begun: targets
   * that are left out are not scraped in this interval.
   */
  *nextInterval(): Generator<Scrape, void, undefined> {
    const startMs = this.intervalStartMs
    this.intervalStartMs += this.intervalMs
    this.replacePods(startMs)
    for (const slot of this.slots) yield this.scrape(slot, startMs)
  }

  private scrape(slot: Slot, intervalStartMs: number): Scrape {
    const { target, offsetMs, jitterMs } = slot
    const lateMs = jitterMs === 0 ? 0 : this.random.below(jitterMs + 1)
    const timestampMs = intervalStartMs + offsetMs + lateMs
    // In its first interval a pod is up, so that each of its series has a sample.
    const restarts = this.random.word() < this.restartBelow && slot.firstIntervalMs < intervalStartMs
    return restarts ? target.failAt(timestampMs) : target.scrapeAt(timestampMs)
  }

  private replacePods(intervalStartMs: number): void {
    const { pods } = this
    const due = Math.floor((intervalStartMs - this.startMs) * this.replacedPerMs) - this.podsReplaced
    const count = Math.min(due, pods.length)
    for (let i = 0; i < count; i++) {
      // Fisher and Yates: the first `count` of a random order, so that none is chosen twice.
      const chosen = i + this.random.below(pods.length - i)
      const pod = pods[chosen]!
      pods[chosen] = pods[i]!
      pods[i] = pod
      pod.target = this.beginPod(pod.template, pod.place, intervalStartMs, 0)
      pod.firstIntervalMs = intervalStartMs
    }
    this.podsReplaced += count
  }

  private buildFleet({ seriesCount, noise, intervalMs, jitterMs, startMs }: Settings): Slot[] {
    const targets = targetCount(seriesCount)
    const size = Math.floor(seriesCount / targets)
    const larger = seriesCount % targets
    // Targets are of two sizes, so that the sum comes out exactly.
    const templates = [size, size + 1].map((count) => ({
      node: composeTarget(NODE_FAMILIES, count, noise),
      pod: composeTarget(POD_FAMILIES, count, noise),
    }))
    const slots: Slot[] = []
    for (let i = 0; i < targets; i++) {
      const isNode = i % NODE_EVERY === 1
      const template = templates[i < larger ? 1 : 0]![isNode ? 'node' : 'pod']
      const timing = {
        offsetMs: this.random.below(intervalMs - jitterMs),
        jitterMs: i % LATE_EVERY === 0 ? jitterMs : 0,
        firstIntervalMs: startMs,
      }
      const ageIntervals = this.random.below(Math.floor(UPTIME_MS_MAX / intervalMs) + 1)
      if (isNode) {
        slots.push({ template, ...timing, target: this.beginTarget(template, nodeLabels(i), startMs, ageIntervals) })
        continue
      }
      const place = this.pods.length
      const target = this.beginPod(template, place, startMs, ageIntervals)
      const pod: PodSlot = { template, ...timing, place, target }
      slots.push(pod)
      this.pods.push(pod)
    }
    return slots.toSorted((a, b) => a.offsetMs - b.offsetMs)
  }

  private beginPod(template: TargetTemplate, place: number, timestampMs: number, ageIntervals: number): Target {
    return this.beginTarget(template, podLabels(place, this.podsBegun++), timestampMs, ageIntervals)
  }

  private beginTarget(
    template: TargetTemplate,
    labels: ReturnType<typeof nodeLabels>,
    timestampMs: number,
    ageIntervals: number,
  ): Target {
    const firstId = this.idsGiven
    this.idsGiven += template.labels.length
    const beginning: Beginning = { ageIntervals, intervalSeconds: this.intervalMs / 1000, timestampMs }
    return new Target(template, labels, firstId, this.random, this.words, beginning)
  }
}

function targetCount(seriesCount: number): number {
  const ofSmallFleet = Math.min(TARGETS_OF_SMALL_FLEET, Math.floor(seriesCount / SERIES_PER_TARGET_MIN))
  return Math.max(1, ofSmallFleet, Math.ceil(seriesCount / SERIES_PER_TARGET_MAX))
}
