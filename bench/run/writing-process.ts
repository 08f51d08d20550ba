import { ForkedProcess } from './forked-process.ts'
import type { ChildMeasurement, ChildMessage, ChildReport } from './result.ts'

/** Whatever writes the file, from outside. However it ends, each step answers with a report. */
export interface WriterFromOutside<Measurement = ChildMeasurement> {
  /** The process that writes; undefined where it has none yet. */
  readonly pid: number | undefined
  /** Resolves when everything is set up and the clock could start: with `null`, or with what went wrong. */
  ready(): Promise<ChildReport<Measurement> | null>
  /** Lets it write. Resolves when the file is closed, or it failed. */
  write(): Promise<ChildReport<Measurement>>
  /** Ends it, if it has not ended by itself. */
  end(): Promise<void>
}

/** A process of Node's, which runs one of the subjects. */
export class WritingProcess<Measurement = ChildMeasurement> implements WriterFromOutside<Measurement> {
  private readonly process: ForkedProcess<string, ChildMessage<Measurement>>
  private readonly tooLong: AbortSignal

  /**
   * Starts it. It is ended when `signal` is aborted, or when it is not done after `limitMs`.
   *
   * @param script the module to run, with the plan and the path as its arguments.
   */
  constructor(
    script: URL,
    plan: object,
    path: string,
    private readonly limitMs: number,
    signal: AbortSignal,
  ) {
    this.tooLong = AbortSignal.timeout(limitMs)
    this.process = new ForkedProcess(script, [JSON.stringify(plan), path], AbortSignal.any([signal, this.tooLong]))
  }

  get pid(): number | undefined {
    return this.process.pid
  }

  async ready(): Promise<ChildReport<Measurement> | null> {
    const message = (await this.process.next()) ?? this.failure()
    return message.state === 'ready' ? null : message
  }

  async write(): Promise<ChildReport<Measurement>> {
    const report = await this.process.ask('write')
    return report === undefined || report.state === 'ready' ? this.failure() : report
  }

  async end(): Promise<void> {
    await this.process.end()
  }

  private failure(): ChildReport<Measurement> {
    if (this.tooLong.aborted) {
      const message = `not done after ${Math.round(this.limitMs / 1e3)} s`
      return { state: 'failed', code: 'ERR_TIME_LIMIT', message }
    }
    const { how, lastWords } = this.process.howItEnded()
    const message = `the process ended with ${how} before it was done${lastWords}`
    return { state: 'failed', code: 'ERR_PROCESS_ENDED', message }
  }
}
