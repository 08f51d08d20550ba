/** What a run is, and what can come of it. */
import type { NotRun, RunFigures, Situation } from '../schema/run.ts'

export type { NotRun, Situation }

/** One run: one subject writes one workload once, in a process of its own. */
export interface RunPlan {
  readonly subject: string
  readonly workload: string
  readonly situation: Situation
  /** Counted from 1. */
  readonly round: number
  /** How much is to be written: the file's exact length when the run is over. */
  readonly bytes: number
  /** Written to another file before the clock starts. */
  readonly warmUpBytes: number
  /** The rate that the writer is held to; `null` for as fast as it can. */
  readonly bytesPerSecond: number | null
  /** How long the baseline without a writer lasts. */
  readonly idleSeconds: number
  /** Of a sweep: what is varied. */
  readonly point: SweepPoint | null
}

export interface SweepPoint {
  readonly blockBytes: number
  readonly queueDepth: number
}

/** A run that wrote the right bytes, `bytes` of them. */
export interface MeasuredRun extends RunFigures {
  readonly state: 'measured'
}

export type RunResult = MeasuredRun | NotRun

/** What a run of any benchmark here comes to. */
export type AnyResult = { readonly state: 'measured' } | Pick<NotRun, 'state' | 'code' | 'message'>

/** What the writing process itself can measure; the rest is measured from outside. */
export type ChildMeasurement = Pick<
  RunFigures,
  | 'bytes'
  | 'warmUpBytes'
  | 'seconds'
  | 'cpuUserSeconds'
  | 'cpuSystemSeconds'
  | 'residentPeakBytes'
  | 'eventLoopDelayMsMax'
  | 'writeLatency'
  | 'commitLatency'
  | 'sampleCount'
>

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
