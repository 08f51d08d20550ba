import type { Alignment } from './alignment.ts'
import type { Engine } from './engine.ts'
import type { Filling } from './filling.ts'
import type { Settings } from './options.ts'
import type { Pipeline } from './pipeline.ts'
import type { Syncs } from './syncs.ts'
import type { Target } from './target.ts'
import type { Mode } from './writer-contract.ts'

/** How far a writer has come, and how: what can be read of it at any time. */
export abstract class WriterProgress {
  readonly bufferSize: number
  readonly queueDepth: number
  protected filling!: Filling
  protected pipeline!: Pipeline
  protected syncs!: Syncs
  /** Why the strategy in effect is not the one asked for. */
  protected whyInEffect: string | null = null

  constructor(protected readonly settings: Settings) {
    this.bufferSize = settings.bufferSize
    this.queueDepth = settings.queueDepth
  }

  get engine(): Engine {
    return this.target.engine
  }

  get path(): string {
    return this.target.path
  }

  get descriptor(): number {
    return this.target.descriptor
  }

  get mode(): Mode {
    const { strategy, alignment, engine, transferredBytes, footprint } = this.target
    return {
      asked: this.settings.strategy,
      policy: this.settings.policy,
      inEffect: strategy,
      why: this.whyInEffect,
      alignment,
      engine,
      transferredBytes: { ...transferredBytes },
      footprint,
    }
  }

  get alignment(): Alignment | null {
    return this.target.alignment
  }

  get position(): number {
    return this.filling.position
  }

  get acceptedBytes(): number {
    return this.filling.position - this.target.start
  }

  get writtenBytes(): number {
    return this.pipeline.behind.written - this.target.start
  }

  get syncedBytes(): number {
    return this.syncs.syncedTo - this.target.start
  }

  get paddedBytes(): number {
    return this.pipeline.behind.paddedBytes
  }

  get tailRewrites(): number {
    return this.pipeline.behind.tailRewrites
  }

  get inFlight(): number {
    return this.pipeline.behind.outstanding
  }

  abstract get droppedBytes(): number

  protected get target(): Target {
    return this.pipeline.target
  }
}
