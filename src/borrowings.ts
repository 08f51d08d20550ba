import type { Mark } from './filling.ts'

/** A write whose bytes go out from the caller's own memory. */
export interface Borrowing {
  /** Where the writer stood before it. */
  readonly mark: Mark
  /** Settles when that memory is no longer needed. */
  readonly landed: Promise<void>
  /** Parts not yet finished: its spans, and the call itself until it has submitted all of them. */
  parts: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** The callers' memory in use, in the order of their calls. */
export class Borrowings {
  #current: Borrowing[] = []

  /** @param onReturned called when the last memory in use is the caller's again */
  constructor(private readonly onReturned: () => void) {}

  get any(): boolean {
    return this.#current.length > 0
  }

  /** Where the writer stood before the first of them. */
  get mark(): Mark | undefined {
    return this.#current[0]?.mark
  }

  begin(mark: Mark): Borrowing {
    let resolve!: () => void
    let reject!: (error: Error) => void
    const landed = new Promise<void>((onResolve, onReject) => {
      resolve = onResolve
      reject = onReject
    })
    const borrowing = { mark, landed, parts: 1, resolve, reject }
    this.#current.push(borrowing)
    return borrowing
  }

  /** One part less; the last one gives the memory back. What was withdrawn is settled by others. */
  partDone(borrowing: Borrowing): void {
    borrowing.parts--
    const index = this.#current.indexOf(borrowing)
    if (borrowing.parts > 0 || index < 0) return
    this.#current.splice(index, 1)
    borrowing.resolve()
    if (this.#current.length === 0) this.onReturned()
  }

  /** Resolves when all memory has been given back; rejects when writing it failed. */
  async returned(): Promise<void> {
    await Promise.all(this.#current.map(({ landed }) => landed))
  }

  /** The one that began at `mark`, which from now on counts no more and is to be rejected. */
  withdrawFrom(mark: Mark): Borrowing | undefined {
    const index = this.#current.findIndex((borrowing) => borrowing.mark === mark)
    return index < 0 ? undefined : this.#current.splice(index, 1)[0]
  }

  /** All of them, which from now on count no more and are to be rejected. */
  withdraw(): Borrowing[] {
    return this.#current.splice(0)
  }
}
