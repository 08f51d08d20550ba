import { stat } from 'node:fs/promises'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** The shortest that Node's timers have. */
const TIMER_MS = 1
/** Between two calls of `stat`: what is measured is a program that asks now and then, not one that hammers. */
const STAT_PAUSE_MS = 5

/** Milliseconds. */
export interface Spread {
  readonly p50: number
  readonly p99: number
  readonly worst: number
  readonly samples: number
}

export interface LoopReport {
  /** How much later than it should a timer of 1 ms fired. */
  readonly timer: Spread
  /** How long a call of `fs.promises.stat` took. */
  readonly stat: Spread
}

/**
 * Watches this process's event loop as a program would notice it: a timer of 1 ms is set again and again, and how late it
 * fires is recorded; beside it `fs.promises.stat` is called, one call at a time.
 */
export class LoopProbe {
  private readonly timers = createHistogram()
  private readonly stats = createHistogram()
  private readonly stopping = new AbortController()
  private timer: NodeJS.Timeout | undefined
  private readonly asking: Promise<void>

  /** @param path what `stat` is asked about. */
  constructor(private readonly path: string) {
    this.setTimer()
    this.asking = this.askAndPause()
  }

  /** Resolves when nothing more is recorded. */
  async stop(): Promise<LoopReport> {
    // A delay that is still going on is only recorded when the timer fires at last.
    await sleep(TIMER_MS)
    clearTimeout(this.timer)
    this.stopping.abort()
    await this.asking
    return { timer: spreadOf(this.timers), stat: spreadOf(this.stats) }
  }

  private setTimer(): void {
    const setAtMs = performance.now()
    this.timer = setTimeout(() => {
      record(this.timers, performance.now() - setAtMs - TIMER_MS)
      this.setTimer()
    }, TIMER_MS)
  }

  private async askAndPause(): Promise<void> {
    const { signal } = this.stopping
    while (!signal.aborted) {
      const askedAtMs = performance.now()
      await stat(this.path)
      record(this.stats, performance.now() - askedAtMs)
      await sleep(STAT_PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }
}

/** Node's timers count from the start of the loop's round, and so may fire a little early: that is no delay. */
function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * 1e6)))
}

function spreadOf(histogram: RecordableHistogram): Spread {
  const none = histogram.count === 0
  return {
    p50: none ? 0 : histogram.percentile(50) / 1e6,
    p99: none ? 0 : histogram.percentile(99) / 1e6,
    worst: none ? 0 : histogram.max / 1e6,
    samples: histogram.count,
  }
}
