import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Time between two samples. Short enough to see a peak that lives for one writeback, long enough that asking costs
 * the writer's machine nothing that shows (about 10 microseconds to 1 ms a sample).
 */
const SAMPLE_EVERY_MS = 20

/** Does something again and again until it is told to stop. Between two samples anything can happen unseen. */
export class Sampling {
  private failure: unknown = null
  private readonly stopping = new AbortController()
  private readonly done: Promise<void>

  /** @param sample what is done; the first time it throws is the last time it is done. */
  constructor(sample: () => Promise<void>) {
    this.done = this.again(sample)
  }

  /** Resolves when no sample is under way any more. @throws what the first failed sample threw. */
  async stop(): Promise<void> {
    this.stopping.abort()
    await this.done
    if (this.failure !== null) throw this.failure
  }

  private async again(sample: () => Promise<void>): Promise<void> {
    const { signal } = this.stopping
    try {
      while (!signal.aborted) {
        await sample()
        await sleep(SAMPLE_EVERY_MS, undefined, { signal }).catch(() => {})
      }
    } catch (error) {
      this.failure = error
    }
  }
}
