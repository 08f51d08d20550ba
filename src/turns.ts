/** Calls one after the other, in the order they were made, whether anybody awaits them or not. */
export class Turns {
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  /** Calls that wait for their turn or have it. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * Runs `work` when all earlier calls have settled, and settles as it does. `done` runs before the caller hears of
   * it, when `waiting` no longer counts this call.
   */
  async take<T>(work: () => Promise<T>, done: () => void): Promise<T> {
    this.#waiting++
    const before = this.#last
    const turn = (async () => {
      await before
      try {
        return await work()
      } finally {
        this.#waiting--
        done()
      }
    })()
    this.#last = turn.catch(() => undefined)
    return await turn
  }

  /** Resolves when all calls made so far have settled. */
  async settled(): Promise<void> {
    await this.#last
  }
}
