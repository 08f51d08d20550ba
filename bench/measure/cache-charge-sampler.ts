import { setTimeout as sleep } from 'node:timers/promises'
import type { MemoryCgroup } from './memory-cgroup.ts'

/** What page cache a run was charged with. Of the pages of all its files, and of whatever else it brought into memory. */
export interface CacheCharge {
  /** The largest charge seen. A peak between two samples is missed: it is a lower bound. */
  readonly peakBytes: number
  /** Over the time from the first sample to the last: a charge that lasts counts for more than one that passes. */
  readonly meanBytes: number
  /** How many samples both come from. On a busy machine they are fewer than the time would have allowed. */
  readonly sampleCount: number
}

/** As for the footprint: short enough to see a peak that lives for one writeback, long enough to cost nothing. */
const SAMPLE_EVERY_MS = 20

/**
 * Watches the page cache that is charged to a cgroup, from another process than those in it. What is charged when it
 * begins is in the numbers.
 */
export class CacheChargeSampler {
  private peakBytes = 0
  private sampleCount = 0
  private failure: unknown = null
  private readonly mean = new TimeWeightedMean()
  private readonly stopping = new AbortController()
  private readonly sampling: Promise<void>

  constructor(private readonly cgroup: Pick<MemoryCgroup, 'sample'>) {
    this.sampling = this.sampleAgainAndAgain()
  }

  /**
   * Takes a last sample, so that the numbers reach until now: to be called while the cgroup is there.
   *
   * @throws what the first failed sample threw.
   */
  async stop(): Promise<CacheCharge> {
    this.stopping.abort()
    await this.sampling
    if (this.failure !== null) throw this.failure
    await this.sampleOnce()
    return { peakBytes: this.peakBytes, meanBytes: this.mean.value(), sampleCount: this.sampleCount }
  }

  private async sampleAgainAndAgain(): Promise<void> {
    try {
      while (!this.stopping.signal.aborted) {
        await this.sampleOnce()
        await sleep(SAMPLE_EVERY_MS, undefined, { signal: this.stopping.signal }).catch(() => {})
      }
    } catch (error) {
      this.failure = error
    }
  }

  private async sampleOnce(): Promise<void> {
    const { cacheBytes } = await this.cgroup.sample()
    this.mean.add(performance.now(), cacheBytes)
    this.peakBytes = Math.max(this.peakBytes, cacheBytes)
    this.sampleCount++
  }
}

/** The mean over time of something that is known at some moments. Between two of them it is taken to go straight. */
export class TimeWeightedMean {
  private firstMs: number | null = null
  private lastMs = 0
  private lastValue = 0
  private area = 0

  /** @param atMs not before the moment of the value before. */
  add(atMs: number, value: number): void {
    if (this.firstMs === null) this.firstMs = atMs
    else this.area += ((this.lastValue + value) / 2) * (atMs - this.lastMs)
    this.lastMs = atMs
    this.lastValue = value
  }

  /** The last value when no time has passed, 0 without any. */
  value(): number {
    const tookMs = this.lastMs - (this.firstMs ?? 0)
    return this.firstMs === null || tookMs === 0 ? this.lastValue : this.area / tookMs
  }
}
