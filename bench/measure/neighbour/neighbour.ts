/** A process that reads hot data of its own while somebody else writes. */
import { pageCacheOf } from 'uncached-io'
import { ForkedProcess } from '../../run/forked-process.ts'
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
  private readonly process: ForkedProcess<ToNeighbour, FromNeighbour>
  private readonly hotPath: string
  private readonly hotBytes: number
  private readonly signal: AbortSignal
  private readonly phases = new Map<Phase, NeighbourPhase>()
  private phase: Phase | null = null

  /** Use {@link startNeighbour}. */
  constructor({ script, hotPath, hotBytes, readsPerSecond, signal }: NeighbourOptions) {
    const settings: NeighbourSettings = { hotPath, hotBytes, readsPerSecond }
    this.hotPath = hotPath
    this.hotBytes = hotBytes
    this.signal = signal
    this.process = new ForkedProcess(script, [JSON.stringify(settings)], signal)
  }

  async start(add: (pid: number) => Promise<void>): Promise<void> {
    this.expect('started', await this.process.next())
    await add(this.process.pid!)
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
    await this.process.end()
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
    return this.expect(is, await this.process.ask(message))
  }

  private expect<Is extends FromNeighbour['is']>(
    is: Is,
    message: FromNeighbour | undefined,
  ): Extract<FromNeighbour, { readonly is: Is }> {
    this.signal.throwIfAborted()
    if (message === undefined) {
      const { how, lastWords } = this.process.howItEnded()
      throw new Error(`the neighbour ended with ${how}${lastWords}`)
    }
    if (message.is !== is) throw new Error(`the neighbour says '${message.is}' instead of '${is}'`)
    return message as Extract<FromNeighbour, { readonly is: Is }>
  }
}
