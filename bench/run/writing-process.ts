import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { ChildMeasurement, ChildMessage, ChildReport } from './result.ts'

/** Enough of the last words of a crashed process to hold its error. */
const STDERR_CHARS_MAX = 2000

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
  private readonly child: ChildProcess
  private readonly closed: Promise<unknown>
  private readonly tooLong: AbortSignal
  private readonly ending: AbortSignal
  private readonly kill = () => this.child.kill('SIGKILL')
  private stderr = ''

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
    this.child = fork(script, [JSON.stringify(plan), path], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    // 'close' comes after 'exit', when stderr has been read to its end.
    this.closed = once(this.child, 'close')
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_CHARS_MAX)
    })
    this.tooLong = AbortSignal.timeout(limitMs)
    this.ending = AbortSignal.any([signal, this.tooLong])
    this.ending.addEventListener('abort', this.kill, { once: true })
  }

  get pid(): number | undefined {
    return this.child.pid
  }

  async ready(): Promise<ChildReport<Measurement> | null> {
    const message = await this.nextMessage()
    return message.state === 'ready' ? null : message
  }

  async write(): Promise<ChildReport<Measurement>> {
    const message = this.nextMessage()
    // When it is gone by now the message tells, so the error of sending need not.
    this.child.send('write', () => {})
    const report = await message
    return report.state === 'ready' ? this.failure() : report
  }

  async end(): Promise<void> {
    this.ending.removeEventListener('abort', this.kill)
    this.kill()
    await this.closed
  }

  private async nextMessage(): Promise<ChildMessage<Measurement>> {
    const message = await Promise.race([
      once(this.child, 'message').then(([first]: ChildMessage<Measurement>[]) => first),
      this.closed.then(() => undefined),
    ])
    return message ?? this.failure()
  }

  private failure(): ChildReport<Measurement> {
    if (this.tooLong.aborted) {
      const message = `not done after ${Math.round(this.limitMs / 1e3)} s`
      return { state: 'failed', code: 'ERR_TIME_LIMIT', message }
    }
    const how = this.child.signalCode ?? `exit code ${this.child.exitCode}`
    const message = `the process ended with ${how} before it was done${lastWords(this.stderr)}`
    return { state: 'failed', code: 'ERR_PROCESS_ENDED', message }
  }
}

/** The line that names the error, or else the last one. */
function lastWords(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  const line = lines.find((text) => /\bError\b.*:/.test(text)) ?? lines.findLast((text) => text !== '')
  return line === undefined ? '' : `: ${line}`
}
