/** What is written. */
import type { SweepPoint } from '../run/result.ts'
import type { Latency } from '../schema/latency.ts'
import type { Situation } from '../schema/run.ts'
import type { Subject } from '../subjects/subject.ts'

/** What is shown of a workload, beside what is shown of all. */
export type TableKind = 'throughput' | 'compaction' | 'commits'

export interface Workload {
  readonly name: string
  /** One line for `--help` and the table's heading. */
  readonly summary: string
  /** How much is written, where neither the profile nor `--bytes` says otherwise. */
  readonly defaultBytes: number
  /** Written to another file, or other files, before the clock starts; 0 where that makes no sense. */
  readonly warmUpBytes: number
  readonly table: TableKind
  /** Who can do it: whatever takes bytes, or only the strategies of this package. */
  readonly subjects: 'all' | 'strategies'
  /** Those that make sense. */
  readonly situations: readonly Situation[]
  /** Whether it is one file of exactly its length: then fio can do it as well. */
  readonly writesOneFile: boolean
  /**
   * Makes what every run starts from, in a folder of its own: called once, before the first run, in a process of its own.
   * `null` where runs start from nothing.
   */
  readonly setUp: ((folder: string, bytes: number) => Promise<void>) | null
  /** The file or folder whose pages in the cache are the subject's: what it claims is about these. */
  footprintPath(place: WorkPlace): string
  /**
   * Does what must be ready before the clock starts: makes the data, allocates.
   *
   * @throws {UnsupportedError} where the subject can't do it
   */
  prepare(subject: Subject, place: WorkPlace): Promise<PreparedWorkload>
  /**
   * Checks what a run left behind.
   *
   * @param writtenBytes what the run says to have written
   * @returns `null` when it is right, or a sentence that says what is wrong with it.
   */
  check(place: WorkPlace, writtenBytes: number): Promise<string | null>
}

export interface WorkPlace {
  /** The file or the folder to write, which is not there yet. */
  readonly path: string
  readonly bytes: number
  /** What `setUp` has made. */
  readonly setUpFolder: string
  /** The rate that the writer is held to; `null` for as fast as it can. */
  readonly bytesPerSecond: number | null
  /** Of a sweep: what is varied. */
  readonly point: SweepPoint | null
}

export interface PreparedWorkload {
  /** All that is timed: opens, writes, makes durable, closes. */
  run(): Promise<WorkDone>
}

export interface WorkDone {
  readonly bytes: number
  /** How long the caller was held up by each MiB, where there is one caller. */
  readonly writeLatency?: Latency
  /** Samples that were written, where the work is about samples. */
  readonly sampleCount?: number
  /** The time from the last byte of a batch to its being in the file, and durable where that is asked for. */
  readonly commitLatency?: Latency
}
