import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { latencyOf } from '../measure/latency.ts'
import type { Latency } from '../schema/latency.ts'
import { MIB } from '../units.ts'
import { Throttle } from './throttle.ts'

/**
 * After this much the event loop has a turn, also when the sink had room all the time: data comes from somewhere, a
 * socket or another file, and a loop without end would hold up everything else whatever it writes to.
 */
export const TURN_BYTES = MIB

/**
 * What happens between two MiB: how long the one before held up its caller is recorded, the event loop comes round, and a
 * writer that has a rate waits.
 *
 * The time is from offering the first byte of a MiB until the last one is accepted, waiting for room included. Accepted is not
 * durable.
 */
export class Turns {
  private readonly histogram: RecordableHistogram = createHistogram()
  private readonly throttle: Throttle | null
  private startedAtMs: number

  /** @param bytesPerSecond the rate, or `null` */
  constructor(bytesPerSecond: number | null) {
    this.startedAtMs = performance.now()
    this.throttle = bytesPerSecond === null ? null : new Throttle(bytesPerSecond, this.startedAtMs)
  }

  /** To be awaited when so many bytes have been accepted since the last time. */
  async next(bytes: number): Promise<void> {
    const nowMs = performance.now()
    // An HDR histogram begins with 1.
    this.histogram.record(Math.max(1, Math.round((nowMs - this.startedAtMs) * 1e6)))
    const pauseMs = this.throttle?.pauseMs(bytes, nowMs) ?? 0
    await (pauseMs > 0 ? sleep(pauseMs) : nextTurn())
    this.startedAtMs = performance.now()
  }

  latency(): Latency {
    return latencyOf(this.histogram)
  }
}
