import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** The finest that Node offers. */
const RESOLUTION_MS = 1
/** A few ticks of the monitor's timer: the first one only sets the clock that the next delays are taken from. */
const SETTLE_MS = 5

/** Measures how late the event loop of this process comes round. */
export interface EventLoopWatch {
  /** @returns the longest delay since the watch began, in milliseconds. */
  stop(): Promise<number>
}

/** Resolves once delays are recorded: what happens right after it is not missed. */
export async function watchEventLoop(): Promise<EventLoopWatch> {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  await sleep(SETTLE_MS)
  return {
    async stop() {
      // A delay that is still going on is only recorded when the timer fires at last.
      await sleep(SETTLE_MS)
      histogram.disable()
      // Node records the time between two firings, so its own interval is in every value.
      return Math.max(0, histogram.max / 1e6 - RESOLUTION_MS)
    },
  }
}
