import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** Enough of the last words of a crashed process to hold its error. */
const STDERR_CHARS_MAX = 2000

/** A process of Node's that answers by messages, one at a time, and is killed when it is not wanted any more. */
export class ForkedProcess<Question, Answer> {
  private readonly child: ChildProcess
  private readonly closed: Promise<unknown>
  private readonly ending: AbortSignal
  private readonly kill = () => this.child.kill('SIGKILL')
  private stderr = ''

  /** @param ending kills it */
  constructor(script: URL, parameters: readonly string[], ending: AbortSignal) {
    this.child = fork(script, parameters, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    // 'close' comes after 'exit', when stderr has been read to its end.
    this.closed = once(this.child, 'close')
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_CHARS_MAX)
    })
    this.ending = ending
    ending.addEventListener('abort', this.kill, { once: true })
  }

  get pid(): number | undefined {
    return this.child.pid
  }

  /** What it says next; undefined when it has ended instead. */
  async next(): Promise<Answer | undefined> {
    return await Promise.race([
      once(this.child, 'message').then(([first]: Answer[]) => first),
      this.closed.then(() => undefined),
    ])
  }

  /** What it says to a question; undefined when it has ended instead. */
  async ask(question: Question & (string | object)): Promise<Answer | undefined> {
    const answer = this.next()
    // When it is gone by now the answer tells, so the error of sending need not.
    this.child.send(question, () => {})
    return await answer
  }

  /** Of one that has ended: its exit code or signal, and the last words that it had to say. */
  howItEnded(): { readonly how: string; readonly lastWords: string } {
    const how = this.child.signalCode ?? `exit code ${this.child.exitCode}`
    const line = tellingLine(this.stderr)
    return { how, lastWords: line === undefined ? '' : `: ${line}` }
  }

  /** Ends it, if it has not ended by itself. May be called again. */
  async end(): Promise<void> {
    this.ending.removeEventListener('abort', this.kill)
    this.kill()
    await this.closed
  }
}

/** The line that names the error, or else the last one. */
function tellingLine(stderr: string): string | undefined {
  const lines = stderr.split('\n').map((line) => line.trim())
  return lines.find((text) => /\bError\b.*:/.test(text)) ?? lines.findLast((text) => text !== '')
}
