/** What is written. */
import type { Sink } from '../subjects/subject.ts'

export interface Workload {
  readonly name: string
  /** One line for `--help` and the table's heading. */
  readonly summary: string
  /** Length of the file, where `--bytes` does not say otherwise. */
  readonly defaultBytes: number
  readonly quickBytes: number
  /** Does what must be ready before the clock starts: makes the data, allocates. */
  prepare(bytes: number): PreparedWorkload
  /**
   * Checks the file that a run left behind.
   *
   * @returns `null` when it is right, or a sentence that says what is wrong with it.
   */
  check(path: string, bytes: number): Promise<string | null>
}

export interface PreparedWorkload {
  /** Puts everything into the sink, in order, heeding its backpressure. The sink is finished by the caller. */
  writeInto(sink: Sink): Promise<void>
}
