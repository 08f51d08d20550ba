import { codeOf } from '../errors.ts'
import { type FootprintNow, footprintOf } from './footprint.ts'
import { Sampling } from './sampling.ts'
import { type Point, ThinnedSeries } from './thinned-series.ts'

export interface FootprintPeaks {
  readonly peakBytes: number
  /** `null` where the kernel does not tell. */
  readonly dirtyPeakBytes: number | null
  readonly writebackPeakBytes: number | null
  /** Resident bytes over the time since the sampler was made. */
  readonly series: readonly Point[]
}

/**
 * Watches a file's page-cache footprint from another process than the one that writes it, so that the writer is not
 * charged for being watched. Peaks between two samples are missed: the numbers are lower bounds.
 */
export class FootprintSampler {
  private peakBytes = 0
  private dirtyPeakBytes: number | null = 0
  private writebackPeakBytes: number | null = 0
  private readonly series = new ThinnedSeries()
  private readonly startedAtMs = performance.now()
  private readonly sampling: Sampling

  /** @param ask {@link footprintOf}, unless a test knows better */
  constructor(path: string, ask: (path: string) => Promise<FootprintNow> = footprintOf) {
    this.sampling = new Sampling(async () => this.take(await ask(path).catch(nullWhenMissing)))
  }

  /** @throws what the first failed query threw. */
  async stop(): Promise<FootprintPeaks> {
    await this.sampling.stop()
    const { peakBytes, dirtyPeakBytes, writebackPeakBytes } = this
    return { peakBytes, dirtyPeakBytes, writebackPeakBytes, series: this.series.value() }
  }

  private take(now: FootprintNow | null): void {
    if (now === null) return
    this.peakBytes = Math.max(this.peakBytes, now.residentBytes)
    this.dirtyPeakBytes = maxKnown(this.dirtyPeakBytes, now.dirtyBytes)
    this.writebackPeakBytes = maxKnown(this.writebackPeakBytes, now.writebackBytes)
    this.series.add(performance.now() - this.startedAtMs, now.residentBytes)
  }
}

/** The larger of two; `null` when one of them is not known. */
export function maxKnown(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.max(a, b)
}

/** The writing process takes a moment to create the file. */
function nullWhenMissing(error: unknown): null {
  if (codeOf(error) === 'ENOENT') return null
  throw error
}
