import { InFlight } from './inflight.ts'
import type { Span } from './span.ts'
import type { Target } from './target.ts'

interface Waiter {
  readonly outstanding: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * The spans of one file between the caller and the disk: several written at once, their completions in any order.
 *
 * When a write fails, everything that is flying comes down first; then `onFailure` is called, those who wait are told,
 * and so is everybody who asks until `retry`. A failure can come between the moment somebody's wait is over and the
 * moment his code goes on: after every wait, `check`.
 */
export class WriteBehind {
  readonly #inflight: InFlight<Span>
  #waiters: Waiter[] = []
  #landing: (() => void)[] = []
  /** The first error since everything was last down. */
  #error: unknown
  /** What was told of a failure that nobody has tried again yet. */
  #told: Error | undefined
  /** Bytes behind the caller's last one in padded transfers. */
  paddedBytes = 0
  /** Transfers that began with bytes which were in the file before. */
  tailRewrites = 0

  constructor(
    private readonly target: Target,
    /** Called once for each span, when neither the kernel nor another try needs its memory any more. */
    private readonly release: (span: Span) => void,
    /** Called when a write failed and nothing is flying any more. Gives what those who wait are told. */
    private readonly onFailure: (error: unknown) => Error,
  ) {
    this.#inflight = new InFlight(target.start, target.block)
  }

  /** File offset up to which every byte of the caller is in the file. */
  get written(): number {
    return this.#inflight.written
  }

  /** Spans whose memory is still needed. */
  get outstanding(): number {
    return this.#inflight.outstanding
  }

  /** Writes a span; behind a failed one it waits for `retry`. */
  submit(span: Span): void {
    this.paddedBytes += span.end - span.dataEnd
    if (span.start < this.#inflight.written) this.tailRewrites++
    this.#inflight.add(span)
    if (this.#told === undefined) this.#write(span)
    else this.#inflight.failed(span)
  }

  /** Writes again what failed. */
  retry(): void {
    this.#told = undefined
    for (const span of this.#inflight.retry()) this.#write(span)
  }

  /** @throws what was told of a failure that has not been tried again */
  check(): void {
    if (this.#told !== undefined) throw this.#told
  }

  /** Resolves when at most `outstanding` spans are; rejects when that can't come because one failed. */
  async until(outstanding: number): Promise<void> {
    this.check()
    if (this.#inflight.outstanding <= outstanding) return
    await new Promise<void>((resolve, reject) => {
      this.#waiters.push({ outstanding, resolve, reject })
    })
  }

  /** Resolves when one span less is outstanding than now. */
  oneLanded(): Promise<void> {
    return this.until(this.#inflight.outstanding - 1)
  }

  /** Resolves when the kernel uses no memory of ours any more, whatever came of the writes. */
  async landed(): Promise<void> {
    if (!this.#inflight.flying) return
    await new Promise<void>((resolve) => {
      this.#landing.push(resolve)
    })
  }

  /** Forgets everything from `position` on, and the block that it stands in. Only after a failure, or when all has landed. */
  trim(position: number): void {
    for (const span of this.#inflight.trim(position)) this.release(span)
  }

  /** Releases everything. Only while nothing is flying; `written` stays. */
  clear(): void {
    for (const span of this.#inflight.clear()) this.release(span)
  }

  /** Tells all who wait, now or later, that it is in vain. */
  giveUp(error: Error): void {
    this.#told = error
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
  }

  #write(span: Span): void {
    this.target.write(
      span,
      () => {
        for (const finished of this.#inflight.landed(span)) this.release(finished)
        this.#settle()
      },
      (error) => {
        this.#inflight.failed(span)
        this.#error ??= error
        this.#settle()
      },
    )
  }

  #settle(): void {
    const { outstanding, flying } = this.#inflight
    if (this.#error === undefined) {
      if (this.#waiters.length > 0) this.#tellReady(outstanding)
    } else if (!flying) {
      const error = this.#error
      this.#error = undefined
      this.#inflight.collapse()
      this.giveUp(this.onFailure(error))
    }
    if (!flying) for (const resolve of this.#landing.splice(0)) resolve()
  }

  #tellReady(outstanding: number): void {
    const ready = this.#waiters.filter((waiter) => outstanding <= waiter.outstanding)
    this.#waiters = this.#waiters.filter((waiter) => outstanding > waiter.outstanding)
    for (const waiter of ready) waiter.resolve()
  }
}
