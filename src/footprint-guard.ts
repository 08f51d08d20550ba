import { type FootprintScope, footprintError } from './footprint.ts'
import { directIsForced } from './force.ts'
import type { Settings } from './options.ts'
import type { Strategy } from './strategy.ts'
import type { Target } from './target.ts'

/** What becomes of a writer whose file is in the page cache all the same. */
export interface FootprintOutcome {
  /** The strategy was required. */
  fail(error: Error): void
  /** It was preferred: the file goes on under another one. */
  goneOn(from: Strategy, to: Strategy, why: string): void
}

/** Holds one file to what its strategy promises of the page cache, if that is to be verified. */
export class FootprintGuard {
  constructor(
    private readonly target: Target,
    private readonly settings: Settings,
    private readonly outcome: FootprintOutcome,
  ) {}

  /** Has the file looked at from now on. */
  watch(writtenBytes: () => FootprintScope['writtenBytes']): void {
    if (!this.settings.verify) return
    this.target.verify(writtenBytes, (excess, residentBytes) => this.#onExcess(excess, residentBytes))
  }

  /**
   * A last judgement, when everything is durable. Where what is in effect does not do, what comes instead is given a
   * sync, after which it drops what it can, and is judged as well.
   */
  async settle(sync: () => Promise<void>): Promise<void> {
    for (let judged: Strategy | undefined; judged !== this.target.strategy; ) {
      if (judged !== undefined) await sync()
      judged = this.target.strategy
      await this.target.verifyAtEnd()
    }
  }

  #onExcess(excess: string, residentBytes: number): void {
    const { path, strategy } = this.target
    if (this.settings.policy === 'require' || directIsForced()) {
      this.outcome.fail(footprintError(path, strategy, residentBytes, excess))
      return
    }
    const next = strategy === 'evict' ? 'buffered' : 'evict'
    this.target.goOnAs(next)
    this.outcome.goneOn(strategy, next, excess)
  }
}
