import { InFlight } from './inflight.ts'
import type { Span, Target } from './target.ts'

interface Waiter {
  readonly outstanding: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * The spans of one file between the caller and the disk: several written at once, their completions in any order, the
 * first error kept until everything that is flying has come down.
 */
export class WriteBehind {
  readonly #inflight: InFlight<Span>
  #waiters: Waiter[] = []
  #error: unknown
  #gaveUp: Error | undefined

  constructor(
    private readonly target: Target,
    /** Called once for each span, when neither the kernel nor another try needs its memory any more. */
    private readonly release: (span: Span) => void,
    /** Called when a write failed and nothing is flying any more. Gives what those who wait are told. */
    private readonly onFailure: (error: unknown) => Error,
  ) {
    this.#inflight = new InFlight(target.start)
  }

  /** File offset up to which every byte of the caller is in the file. */
  get written(): number {
    return this.#inflight.written
  }

  /** Spans whose memory is still needed. */
  get outstanding(): number {
    return this.#inflight.outstanding
  }

  submit(span: Span): void {
    this.#inflight.add(span)
    this.#write(span)
  }

  /** Writes again what failed. */
  retry(): void {
    for (const span of this.#inflight.retry()) this.#write(span)
  }

  /** Resolves when at most `outstanding` spans are; rejects when that can't come because one failed. */
  async until(outstanding: number): Promise<void> {
    if (this.#inflight.outstanding <= outstanding) return
    if (this.#gaveUp !== undefined) throw this.#gaveUp
    await new Promise<void>((resolve, reject) => {
      this.#waiters.push({ outstanding, resolve, reject })
    })
  }

  /** Resolves when the kernel uses no memory of ours any more, whatever came of the writes. */
  async landed(): Promise<void> {
    while (this.#inflight.flying > 0) {
      await new Promise<void>((resolve) =>
        this.#waiters.push({ outstanding: 0, resolve, reject: () => resolve() }),
      )
    }
  }

  /** Forgets everything from `position` on, and the block that it stands in. Only while nothing is flying. */
  trim(position: number): void {
    this.#inflight.collapse()
    for (const span of this.#inflight.trim(position, this.target.block)) this.release(span)
  }

  /** Releases everything. Only while nothing is flying; `written` stays. */
  clear(): void {
    for (const span of this.#inflight.clear()) this.release(span)
  }

  /** Tells all who wait, now or later, that it is in vain. */
  giveUp(error: Error): void {
    this.#gaveUp = error
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
  }

  #write(span: Span): void {
    this.target.write(span).then(
      () => {
        for (const finished of this.#inflight.landed(span)) this.release(finished)
        this.#settle()
      },
      (error: unknown) => {
        this.#inflight.failed(span)
        this.#error ??= error
        this.#settle()
      },
    )
  }

  #settle(): void {
    const { outstanding, flying } = this.#inflight
    if (this.#error !== undefined) {
      // Whoever waits would only add to what fails: first let everything come down.
      if (flying > 0) return
      const error = this.#error
      this.#error = undefined
      this.#inflight.collapse()
      const waiters = this.#waiters.splice(0)
      const told = this.onFailure(error)
      for (const waiter of waiters) waiter.reject(told)
      return
    }
    const ready = this.#waiters.filter((waiter) => outstanding <= waiter.outstanding)
    if (ready.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => outstanding > waiter.outstanding)
    for (const waiter of ready) waiter.resolve()
  }
}
