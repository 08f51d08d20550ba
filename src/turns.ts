interface Turn {
  readonly work: () => Promise<unknown>
  readonly done: () => void
  /** How often `failWaiting` had been called when this turn was asked for. */
  readonly failures: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** Those who wait until this turn is over. */
  readonly after: (() => void)[]
}

/**
 * Calls one after the other, in the order they were made, whether anybody awaits them or not. A queue by hand: chained
 * promises cost a large write as much as all the rest of it.
 */
export class Turns {
  /** The first one is running. */
  readonly #queue: Turn[] = []
  #failures = 0
  #failure: unknown

  /** Calls that wait for their turn or have it. */
  get waiting(): number {
    return this.#queue.length
  }

  /** What `failWaiting` was last given. */
  get failure(): unknown {
    return this.#failure
  }

  /**
   * Runs `work` when all earlier calls have settled, at once when there are none, and settles as it does. `done` runs
   * before the caller hears of it, when `waiting` no longer counts this call; it must not make calls itself.
   */
  take<T>(work: () => Promise<T>, done: () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const failures = this.#failures
      this.#queue.push({ work, done, failures, resolve: resolve as Turn['resolve'], reject, after: [] })
      if (this.#queue.length === 1) this.#run()
    })
  }

  /**
   * Calls that wait for their turn now are rejected with `error` when it comes: they were made before anybody could
   * know of it, and doing them all the same would put later bytes where the failed ones belong.
   */
  failWaiting(error: unknown): void {
    this.#failures++
    this.#failure = error
  }

  /** Resolves when all calls made so far have settled. */
  async settled(): Promise<void> {
    const last = this.#queue.at(-1)
    if (last === undefined) return
    await new Promise<void>((resolve) => {
      last.after.push(resolve)
    })
  }

  #run(): void {
    const turn = this.#queue[0]
    if (turn === undefined) return
    this.#begin(turn).then(
      (value) => {
        this.#finish(turn)
        turn.resolve(value)
        this.#run()
      },
      (error: unknown) => {
        this.#finish(turn)
        turn.reject(error)
        this.#run()
      },
    )
  }

  #begin(turn: Turn): Promise<unknown> {
    if (turn.failures !== this.#failures) return Promise.reject(this.#failure)
    try {
      return turn.work()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #finish(turn: Turn): void {
    this.#queue.shift()
    turn.done()
    for (const resolve of turn.after) resolve()
  }
}
