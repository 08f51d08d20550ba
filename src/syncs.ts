import type { Target } from './target.ts'

/** The syncs of one file: how far it is durable, and which are under way. */
export class Syncs {
  /** File offset up to which every byte of the caller is durable. */
  syncedTo: number
  readonly #running = new Set<Promise<void>>()
  #failure: Error | undefined

  constructor(
    private readonly target: Target,
    /** Called when a sync failed; gives what callers are told. */
    private readonly onFailure: (error: unknown) => Error,
  ) {
    this.syncedTo = target.start
  }

  /** Makes durable what is in the file up to `position`. */
  async sync(position: number): Promise<void> {
    try {
      await this.target.sync()
    } catch (error) {
      // Final whatever the code: the kernel may have dropped what it could not write, and says so only once.
      this.#failure ??= this.onFailure(error)
    }
    // Also when this sync went well: the one that overlapped it may have been told of this one's bytes.
    if (this.#failure !== undefined) throw this.#failure
    this.syncedTo = Math.max(this.syncedTo, position)
  }

  /** As `sync`, beside whatever comes next. */
  start(position: number): Promise<void> {
    const running = this.sync(position).finally(() => this.#running.delete(running))
    // A failure is the writer's as well, so it is told even when nobody looks at this promise.
    running.catch(() => undefined)
    this.#running.add(running)
    return running
  }

  /** Resolves when none is under way, whatever came of them. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running)
  }
}
