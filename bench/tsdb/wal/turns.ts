/**
 * Calls one after the other, in the order they were made, whether anybody awaits them or not. When one is rejected, so
 * are those that wait behind it, with the same error: done all the same, they would put later records where the failed
 * one belongs.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  #failures = 0
  #failure: unknown

  /** Whether no call waits for its turn or has it. */
  get idle(): boolean {
    return this.#waiting === 0
  }

  /** Runs `work` when all earlier calls have settled, and settles as it does. */
  take<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++
    const turn = this.#run(this.#last, this.#failures, work)
    this.#last = turn.then(
      () => undefined,
      () => undefined,
    )
    return turn
  }

  async #run<T>(before: Promise<void>, failures: number, work: () => Promise<T>): Promise<T> {
    await before
    try {
      if (failures !== this.#failures) throw this.#failure
      return await work()
    } catch (error) {
      if (failures === this.#failures) {
        this.#failures++
        this.#failure = error
      }
      throw error
    } finally {
      this.#waiting--
    }
  }
}
