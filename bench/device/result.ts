/** What can come of a run of this benchmark. */
import type { NotRun } from '../run/result.ts'
import type { LoopReport } from './loop-probe.ts'
import type { LongestStretch } from './sync-stretches.ts'

export const THROUGHPUT = 'throughput'
export const EVENT_LOOP = 'event-loop'
export const IDLE_WRITERS = 'idle-writers'

/** One run, in a process of its own. The workload is one of the parts above. */
export interface DevicePlan {
  readonly subject: string
  readonly workload: string
  readonly round: number
  readonly bytes: number
}

/** What a writing process measures of itself; for fio, what fio reports. */
export interface ThroughputMeasurement {
  readonly bytes: number
  /** From before the file is opened until it is durable and closed; fio's begins with the file open and allocated. */
  readonly seconds: number
  /** CPU in that time, of the process with its threads, and of processes that it started. */
  readonly cpuSeconds: number
  /** CPU of the process from its start to its end, without the warm-up write. */
  readonly wholeCpuSeconds: number | null
  /** Most resident memory, the warm-up's included, over what there was before the first writer was opened. */
  readonly rssGrowthBytes: number | null
  /** `bufferSize * queueDepth`; `null` where there is no such thing. */
  readonly bufferBytes: number | null
}

/** Timers and calls of `stat`: with nothing to do, beside what the program does without a writer, beside a writer. */
export interface LoopMeasurement {
  readonly bytes: number
  readonly seconds: number
  readonly idle: LoopReport
  /** `null` where the program does nothing but write. */
  readonly alone: LoopReport | null
  readonly writing: LoopReport
  readonly longestStretch: LongestStretch
}

/** Many writers that are open and do nothing. */
export interface IdleMeasurement {
  readonly writers: number
  readonly bytes: number
  readonly seconds: number
  readonly rssGrowthBytes: number
}

export type Measured<Measurement> = { readonly state: 'measured' } & DevicePlan & Measurement

export type ThroughputRun = Measured<ThroughputMeasurement>
export type LoopRun = Measured<LoopMeasurement>
export type IdleRun = Measured<IdleMeasurement>

/** Everything that was run. */
export interface DeviceResults {
  readonly throughput: readonly ThroughputRun[]
  readonly eventLoop: readonly LoopRun[]
  readonly idleWriters: readonly IdleRun[]
  readonly notRun: readonly NotRun[]
}
