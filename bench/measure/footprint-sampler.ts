import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../errors.ts'

/** Asks how many bytes of a file are in the page cache. */
export type ResidentBytesOf = (path: string) => Promise<number>

/**
 * Time between two samples. Short enough to see a peak that lives for one writeback, long enough that asking costs
 * the writer's machine nothing that shows (about 10 microseconds to 1 ms a sample).
 */
const SAMPLE_EVERY_MS = 20

/**
 * Watches a file's page-cache footprint from another process than the one that writes it, so that the writer is not
 * charged for being watched. A peak between two samples is missed: the number is a lower bound.
 */
export class FootprintSampler {
  private peak = 0
  private failure: unknown = null
  private readonly stopping = new AbortController()
  private readonly sampling: Promise<void>

  constructor(path: string, residentBytesOf: ResidentBytesOf) {
    this.sampling = this.sample(path, residentBytesOf)
  }

  /** @returns the largest footprint seen. @throws what the first failed query threw. */
  async stop(): Promise<number> {
    this.stopping.abort()
    await this.sampling
    if (this.failure !== null) throw this.failure
    return this.peak
  }

  private async sample(path: string, residentBytesOf: ResidentBytesOf): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        this.peak = Math.max(this.peak, await residentBytesOf(path))
      } catch (error) {
        // The writing process takes a moment to create the file.
        if (codeOf(error) !== 'ENOENT') {
          this.failure = error
          return
        }
      }
      await sleep(SAMPLE_EVERY_MS, undefined, { signal: this.stopping.signal }).catch(() => {})
    }
  }
}
