/** Calls one after the other, in the order they were made, whether anybody awaits them or not. */
export class Turns {
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()
  #failures = 0
  #failure: unknown

  /** Calls that wait for their turn or have it. */
  get waiting(): number {
    return this.#waiting
  }

  /** What `failWaiting` was last given. */
  get failure(): unknown {
    return this.#failure
  }

  /**
   * Runs `work` when all earlier calls have settled, and settles as it does. `done` runs before the caller hears of
   * it, when `waiting` no longer counts this call.
   */
  async take<T>(work: () => Promise<T>, done: () => void): Promise<T> {
    this.#waiting++
    const before = this.#last
    const failures = this.#failures
    const turn = (async () => {
      await before
      try {
        if (failures !== this.#failures) throw this.#failure
        return await work()
      } finally {
        this.#waiting--
        done()
      }
    })()
    this.#last = turn.catch(() => undefined)
    return await turn
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
    await this.#last
  }
}
