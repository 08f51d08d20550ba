/** What is written. */
import type { Subject } from '../subjects/subject.ts'

/** What is shown of a workload, beside what is shown of all. */
export type TableKind = 'throughput' | 'compaction' | 'commits'

export interface Workload {
  readonly name: string
  /** One line for `--help` and the table's heading. */
  readonly summary: string
  /** How much is written, where `--bytes` does not say otherwise. */
  readonly defaultBytes: number
  readonly quickBytes: number
  readonly table: TableKind
  /** Who can do it: whatever takes bytes, or only the strategies of this package. */
  readonly subjects: 'all' | 'strategies'
  /**
   * Makes what every run starts from, in a folder of its own: called once, before the first run, in a process of its own.
   * `null` where runs start from nothing.
   */
  readonly setUp: ((folder: string, bytes: number) => Promise<void>) | null
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
}

export interface PreparedWorkload {
  /** All that is timed: opens, writes, makes durable, closes. */
  run(): Promise<WorkDone>
}

export interface WorkDone {
  readonly bytes: number
  /** Samples that were written, where the work is about samples. */
  readonly sampleCount?: number
  /** How long commits took, where the work is commits. */
  readonly commits?: CommitLatency
}

/** The time from the last byte of a batch to its being in the file, and durable where that is asked for. */
export interface CommitLatency {
  readonly count: number
  readonly p50Ns: number
  readonly p99Ns: number
  readonly maxNs: number
}
