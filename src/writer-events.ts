import type { Channel } from 'node:diagnostics_channel'
import { channels, elapsedNs } from './diagnostics.ts'
import { codeOf } from './errors.ts'
import type { Strategy } from './strategy.ts'
import type { WriterProgress } from './writer-progress.ts'

/** What is told of a writer on the channels. Builds nothing where nobody listens. */
export class WriterEvents {
  constructor(
    private readonly writer: WriterProgress,
    /** Of files that are none of the caller's: a probe's. */
    private readonly silent: boolean,
  ) {}

  opened(): void {
    const { writer } = this
    if (this.#heard(channels.downgrade)) {
      const { asked, inEffect, why } = writer.mode
      if (why !== null) this.downgraded(asked, inEffect, why)
    }
    if (this.#heard(channels.open)) channels.open.publish({ writer, path: writer.path, mode: writer.mode })
  }

  /** Flushing goes on until `work` resolves, with the position. */
  async flushing(work: Promise<number>): Promise<number> {
    if (!this.#heard(channels.flush)) return await work
    const beganMs = performance.now()
    const position = await work
    const { writer } = this
    const { path, writtenBytes } = writer
    channels.flush.publish({ writer, path, latencyNs: elapsedNs(beganMs), writtenBytes })
    return position
  }

  /** As `flushing`, of a sync. */
  async syncing(work: Promise<void>): Promise<void> {
    if (!this.#heard(channels.sync)) {
      await work
      return
    }
    const beganMs = performance.now()
    await work
    const { writer } = this
    const { path, syncedBytes } = writer
    channels.sync.publish({ writer, path, latencyNs: elapsedNs(beganMs), syncedBytes })
  }

  downgraded(from: Strategy | 'auto', to: Strategy, why: string): void {
    const { writer } = this
    if (!this.#heard(channels.downgrade)) return
    const { asked } = writer.mode
    channels.downgrade.publish({ writer, path: writer.path, asked, from, to, why })
  }

  failed(error: Error, retryable: boolean): void {
    const { writer } = this
    if (!this.#heard(channels.error)) return
    channels.error.publish({ writer, path: writer.path, error, code: codeOf(error) ?? error.name, retryable })
  }

  closed(error: Error | null): void {
    if (!this.#heard(channels.close)) return
    const { writer } = this
    const { path, engine, acceptedBytes, writtenBytes, syncedBytes, droppedBytes } = writer
    const strategy = writer.mode.inEffect
    channels.close.publish({
      writer,
      path,
      strategy,
      engine,
      acceptedBytes,
      writtenBytes,
      syncedBytes,
      droppedBytes,
      error,
    })
  }

  #heard(channel: Channel): boolean {
    return !this.silent && channel.hasSubscribers
  }
}
