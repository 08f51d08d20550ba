import type { Borrowing, Borrowings } from './borrowings.ts'
import type { BufferShare } from './buffer-share.ts'
import type { Filling, Mark } from './filling.ts'
import type { WriteBehind } from './write-behind.ts'

/** Takes back what calls took that came to nothing; what was taken before them is kept and can be written again. */
export class Undo {
  /** To where the bytes taken by an unfinished copying call are taken back when it fails. */
  #mark: Mark | undefined

  constructor(
    private readonly filling: Filling,
    private readonly behind: WriteBehind,
    private readonly borrowings: Borrowings,
    private readonly buffers: BufferShare,
    /** Throws what failed in the meantime. */
    private readonly check: () => void,
  ) {}

  /** A copying call begins to take bytes. Gives where it began. */
  begin(): Mark {
    this.#mark = this.filling.mark()
    return this.#mark
  }

  /** It has taken all of them. */
  finish(): void {
    this.#mark = undefined
  }

  /** Undoes all unfinished calls. Only while nothing is flying. Gives the borrowings that came to nothing, to be rejected. */
  all(): Borrowing[] {
    const mark = this.#mark ?? this.borrowings.mark
    this.#mark = undefined
    const borrowings = this.borrowings.withdraw()
    if (mark === undefined) this.behind.trim(this.filling.position)
    else this.#restore(mark)
    return borrowings
  }

  /**
   * Undoes the last call, begun at `mark`, which can't go on: a write failed, its chunk was transferred away, or there is
   * no memory. The memory of its chunk is the caller's again when this rejects.
   */
  async last(mark: Mark, error: unknown): Promise<never> {
    await this.behind.landed()
    // What failed in the meantime has undone it, and is what callers are told.
    this.check()
    this.#mark = undefined
    this.borrowings.withdrawFrom(mark)?.reject(error as Error)
    this.#restore(mark)
    throw error
  }

  #restore(mark: Mark): void {
    const buffer = this.filling.restore(mark)
    if (buffer !== null) this.buffers.give(buffer)
    this.behind.trim(mark.position)
  }
}
