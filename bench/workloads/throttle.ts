/**
 * Holds a writer to a rate. Pure: the clock comes from outside.
 *
 * A writer that was held up may catch up by one pause's worth and no more: a burst after a stall would be a load that nobody
 * asked for.
 */
export class Throttle {
  private dueAtMs: number

  constructor(
    private readonly bytesPerSecond: number,
    nowMs: number,
  ) {
    this.dueAtMs = nowMs
  }

  /** @returns how long to pause when `bytes` more have been written, in milliseconds */
  pauseMs(bytes: number, nowMs: number): number {
    const worthMs = (bytes / this.bytesPerSecond) * 1e3
    this.dueAtMs = Math.max(this.dueAtMs, nowMs - worthMs) + worthMs
    return Math.max(0, this.dueAtMs - nowMs)
  }
}
