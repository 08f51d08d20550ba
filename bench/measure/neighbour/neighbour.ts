/** A process that reads hot data of its own while somebody else writes. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { pageCacheOf } from 'uncached-io'
import type { NeighbourPhase } from '../../schema/run.ts'
import type { FromNeighbour, NeighbourSettings, ToNeighbour } from './messages.ts'

export type Phase = 'before' | 'during' | 'after'

export interface NeighbourOptions extends NeighbourSettings {
  /** The script of its process. */
  readonly script: URL
  /** Moves it into a cgroup, before it reads anything. */
  readonly add: (pid: number) => Promise<void>
  readonly signal: AbortSignal
}

/** Enough of the last words of a crashed process to hold its error. */
const STDERR_CHARS_MAX = 2000

/**
 * Starts it. When this resolves its data is in memory, and it reads.
 *
 * @throws the signal's reason when it is aborted; when the process ends, with how it did
 */
export async function startNeighbour(options: NeighbourOptions): Promise<NeighbourProcess> {
  options.signal.throwIfAborted()
  const neighbour = new NeighbourProcess(options)
  try {
    await neighbour.start(options.add)
    return neighbour
  } catch (error) {
    await neighbour.end()
    throw error
  }
}

export class NeighbourProcess {
  private readonly child: ChildProcess
  private readonly closed: Promise<unknown>
  private readonly hotPath: string
  private readonly hotBytes: number
  private readonly signal: AbortSignal
  private readonly phases = new Map<Phase, NeighbourPhase>()
  private phase: Phase | null = null
  private stderr = ''
  private readonly kill = () => this.child.kill('SIGKILL')

  /** Use {@link startNeighbour}. */
  constructor({ script, hotPath, hotBytes, readsPerSecond, signal }: NeighbourOptions) {
    const settings: NeighbourSettings = { hotPath, hotBytes, readsPerSecond }
    this.hotPath = hotPath
    this.hotBytes = hotBytes
    this.signal = signal
    this.child = fork(script, [JSON.stringify(settings)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.closed = once(this.child, 'close')
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_CHARS_MAX)
    })
    signal.addEventListener('abort', this.kill, { once: true })
  }

  async start(add: (pid: number) => Promise<void>): Promise<void> {
    await this.answer('started')
    await add(this.child.pid!)
    await this.ask('warm', 'warm')
  }

  /** Ends the phase before, and begins this one. */
  async begin(phase: Phase): Promise<void> {
    await this.endPhase()
    this.phase = phase
  }

  /**
   * Ends the last phase.
   *
   * @returns all three: each must have begun
   */
  async finish(): Promise<Readonly<Record<Phase, NeighbourPhase>>> {
    await this.endPhase()
    this.phase = null
    return { before: this.phaseNamed('before'), during: this.phaseNamed('during'), after: this.phaseNamed('after') }
  }

  /** Ends the process. May be called again. */
  async end(): Promise<void> {
    this.signal.removeEventListener('abort', this.kill)
    this.kill()
    await this.closed
  }

  private async endPhase(): Promise<void> {
    const { latency } = await this.ask('take', 'taken')
    const { residentBytes } = await pageCacheOf(this.hotPath)
    if (this.phase === null) return
    this.phases.set(this.phase, { latency, residentShare: Math.min(1, residentBytes / this.hotBytes) })
  }

  private phaseNamed(name: Phase): NeighbourPhase {
    const phase = this.phases.get(name)
    if (phase === undefined) throw new Error(`the neighbour was not measured ${name} the writer`)
    return phase
  }

  private async ask<Is extends FromNeighbour['is']>(message: ToNeighbour, is: Is) {
    const answer = this.answer(is)
    // When it is gone by now the answer tells, so the error of sending need not.
    this.child.send(message, () => {})
    return await answer
  }

  private async answer<Is extends FromNeighbour['is']>(is: Is): Promise<Extract<FromNeighbour, { readonly is: Is }>> {
    const message = await Promise.race([
      once(this.child, 'message').then(([first]: FromNeighbour[]) => first),
      this.closed.then(() => undefined),
    ])
    this.signal.throwIfAborted()
    if (message === undefined) throw this.failure()
    if (message.is !== is) throw new Error(`the neighbour says '${message.is}' instead of '${is}'`)
    return message as Extract<FromNeighbour, { readonly is: Is }>
  }

  private failure(): Error {
    const how = this.child.signalCode ?? `exit code ${this.child.exitCode}`
    const line = this.stderr.split('\n').find((each) => /\bError\b.*:/.test(each))
    return new Error(`the neighbour ended with ${how}${line === undefined ? '' : `: ${line.trim()}`}`)
  }
}
