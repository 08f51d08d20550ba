import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Latency } from '../../schema/latency.ts'
import { latencyOf } from '../latency.ts'

/** How often it reads: short enough that reads are spread out, long enough for a timer of Node's. */
export const SLICE_MS = 1

/**
 * Counts how long reads take that should come at one rate, in slices.
 *
 * While a read stalls, those are not made that would have come meanwhile, and a program that asks for them all would have
 * waited for each. Counting only the one that was made would hide the stall ("coordinated omission"). So a read that takes
 * longer than the time between two of them is counted once more for each read that it kept from being made, shorter by that
 * time each. What a slice is late by, because a timer fired late, is nobody's latency and is not counted.
 */
export class PacedReader {
  private histogram: RecordableHistogram = createHistogram()
  private readonly intervalMs: number
  private readonly readsPerSlice: number
  /** A part of a read that is left over from the slices before. */
  private owed = 0

  /**
   * @param readOne reads one page, whatever page it is
   * @param nowMs a clock that only goes forward, in milliseconds
   */
  constructor(
    readsPerSecond: number,
    private readonly readOne: () => void,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.intervalMs = 1000 / readsPerSecond
    this.readsPerSlice = (readsPerSecond * SLICE_MS) / 1000
  }

  /** Reads as much as belongs into a slice. */
  slice(): void {
    this.owed += this.readsPerSlice
    while (this.owed >= 1) {
      this.owed--
      const startedAtMs = this.nowMs()
      this.readOne()
      this.record(this.nowMs() - startedAtMs)
    }
  }

  /** What was counted since the last time, or since the beginning. */
  take(): Latency {
    const latency = latencyOf(this.histogram)
    this.histogram = createHistogram()
    return latency
  }

  private record(ms: number): void {
    // An HDR histogram begins with 1.
    for (let latencyMs = ms; ; ) {
      this.histogram.record(Math.max(1, Math.round(latencyMs * 1e6)))
      latencyMs -= this.intervalMs
      if (latencyMs < this.intervalMs) return
    }
  }
}
