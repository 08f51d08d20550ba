/** What a run is, and what can come of it. */
import type { CommitLatency } from '../workloads/workload.ts'

/** One run: one subject writes one workload once, in a process of its own. */
export interface RunPlan {
  readonly subject: string
  readonly workload: string
  /** Counted from 1. */
  readonly round: number
  /** How much is to be written: the file's exact length when the run is over. */
  readonly bytes: number
}

/** What a run can say of the work itself, beside how much and how long. */
export interface WorkDetails {
  /** Samples that were written; `null` where the work is not about samples. */
  readonly sampleCount: number | null
  /** `null` where the work is not commits. */
  readonly commits: CommitLatency | null
}

/** What is measured around the process that writes, where the system permits it; `null` where it does not. */
export interface Surroundings {
  /** Most page cache charged to the run's memory cgroup (`container_memory_cache`), and its mean over the time. */
  readonly cacheChargePeakBytes: number | null
  readonly cacheChargeMeanBytes: number | null
  /** What the block device did meanwhile, for everybody. */
  readonly deviceReadBytes: number | null
  readonly deviceWrittenBytes: number | null
}

/** A run that wrote the right bytes, `bytes` of them. The names are those of the JSON report. */
export interface MeasuredRun extends RunPlan, WorkDetails, Surroundings {
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
export interface ChildMeasurement extends WorkDetails {
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
