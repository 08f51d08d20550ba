/** What the longest stretch of a program was in which the event loop had no turn. */
export interface LongestStretch {
  readonly ms: number
  /** Bytes that were handed to the writer in the stretch that handed over most. */
  readonly bytes: number
}

/**
 * Watches a loop that hands bytes over: how long it goes on, and how far, before the event loop comes round once. A loop
 * that awaits what is resolved already goes on without a turn, so it is not the awaits that count but libuv's own
 * rounds. Asking costs a microsecond: once for each buffer, not for each record.
 */
export class SyncStretches {
  private round = -1
  private beganAtMs = 0
  private stretchBytes = 0
  private longestMs = 0
  private mostBytes = 0

  /** The loop begins, or goes on after an await. */
  begins(): void {
    const { loopCount } = performance.nodeTiming.uvMetricsInfo
    if (loopCount === this.round) return
    this.round = loopCount
    this.beganAtMs = performance.now()
    this.stretchBytes = 0
  }

  /** The loop is going to await something, having handed over `bytes` since it began. */
  ends(bytes: number): void {
    this.stretchBytes += bytes
    this.longestMs = Math.max(this.longestMs, performance.now() - this.beganAtMs)
    this.mostBytes = Math.max(this.mostBytes, this.stretchBytes)
  }

  get longest(): LongestStretch {
    return { ms: this.longestMs, bytes: this.mostBytes }
  }
}
