import type { MemoryFigures } from '../schema/run.ts'
import type { MemoryCgroup, MemorySample } from './memory-cgroup.ts'
import { Sampling } from './sampling.ts'
import { TimeWeightedMean } from './time-weighted-mean.ts'

/**
 * Watches what a cgroup is charged with, from another process than those in it. What is charged when it begins is in the
 * numbers, but for the refaults. A peak between two samples is missed: peaks are lower bounds.
 */
export class MemorySampler {
  private first: MemorySample | null = null
  private last: MemorySample | null = null
  private sampleCount = 0
  private readonly peaks = new Map<keyof MemorySample, number>()
  private readonly cacheMean = new TimeWeightedMean()
  private readonly sampling: Sampling

  constructor(private readonly cgroup: Pick<MemoryCgroup, 'sample'>) {
    this.sampling = new Sampling(() => this.sampleOnce())
  }

  /**
   * Takes a last sample, so that the numbers reach until now: to be called while the cgroup is there.
   *
   * @throws what the first failed sample threw.
   */
  async stop(): Promise<MemoryFigures> {
    await this.sampling.stop()
    await this.sampleOnce()
    return {
      cachePeakBytes: this.peakOf('cacheBytes') ?? 0,
      cacheMeanBytes: this.cacheMean.value(),
      usagePeakBytes: this.peakOf('usageBytes') ?? 0,
      workingSetPeakBytes: this.peakOf('workingSetBytes') ?? 0,
      dirtyPeakBytes: this.peakOf('dirtyBytes'),
      writebackPeakBytes: this.peakOf('writebackBytes'),
      activeFilePeakBytes: this.peakOf('activeFileBytes') ?? 0,
      inactiveFilePeakBytes: this.peakOf('inactiveFileBytes') ?? 0,
      refaultedPages: this.refaults(),
      sampleCount: this.sampleCount,
    }
  }

  private async sampleOnce(): Promise<void> {
    const sample = await this.cgroup.sample()
    this.first ??= sample
    this.last = sample
    this.sampleCount++
    this.cacheMean.add(performance.now(), sample.cacheBytes)
    for (const [name, value] of Object.entries(sample) as [keyof MemorySample, number | null][]) {
      if (value !== null) this.peaks.set(name, Math.max(this.peakOf(name) ?? 0, value))
    }
  }

  private peakOf(name: keyof MemorySample): number | null {
    return this.peaks.get(name) ?? null
  }

  private refaults(): number | null {
    const [before, after] = [this.first?.refaultedPages ?? null, this.last?.refaultedPages ?? null]
    return before === null || after === null ? null : after - before
  }
}
