/** What a run is, and what can come of it. */

/** One run: one subject writes one workload once, in a process of its own. */
export interface RunPlan {
  readonly subject: string
  readonly workload: string
  /** Counted from 1. */
  readonly round: number
  /** The file's exact length when the run is over. */
  readonly bytes: number
}

/** A run that wrote the right bytes. The names are those of the JSON report. */
export interface MeasuredRun extends RunPlan {
  readonly state: 'measured'
  /** From before the file is opened until it is durable and closed. */
  readonly seconds: number
  /** CPU of the writing process with all its threads. Kernel threads (writeback) are not in it. */
  readonly cpuUserSeconds: number
  readonly cpuSystemSeconds: number
  /** Most bytes of the file seen in the page cache while it was written. */
  readonly footprintPeakBytes: number
  /** Bytes of the file in the page cache once it was closed. */
  readonly footprintResidualBytes: number
  /** How late, at worst, the writing process's event loop came round; `null` for fio, which has none. */
  readonly eventLoopDelayMsMax: number | null
}

/** A run without numbers: not possible on this kernel or file system, or gone wrong. */
export interface NotRun {
  readonly state: 'unsupported' | 'failed'
  readonly subject: string
  readonly workload: string
  readonly round: number
  /** An errno or `ERR_` name. */
  readonly code: string
  readonly message: string
}

export type RunResult = MeasuredRun | NotRun

/** What the writing process itself can measure; the rest is measured from outside. */
export interface ChildMeasurement {
  readonly bytes: number
  readonly seconds: number
  readonly cpuUserSeconds: number
  readonly cpuSystemSeconds: number
  readonly eventLoopDelayMsMax: number | null
}

/** Everything is set up; the writing process waits for a message to begin. */
export interface ChildReady {
  readonly state: 'ready'
}

/** What has become of the run. */
export type ChildReport<Measurement = ChildMeasurement> =
  | ({ readonly state: 'written' } & Measurement)
  | { readonly state: 'unsupported' | 'failed'; readonly code: string; readonly message: string }

/** What the writing process sends: `ready`, then a report. */
export type ChildMessage<Measurement = ChildMeasurement> = ChildReady | ChildReport<Measurement>
