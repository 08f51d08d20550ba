import { floorTo } from './plan.ts'

/**
 * Writes in flight, as positions only: completions in any order become one contiguous `written` position. No I/O.
 *
 * `npm run verify` proves the contracts, for any number of ranges. In tests callers are held to `@requires`.
 */

/** Some bytes of the file on their way: [start, end) is transferred, of which the caller's end at `dataEnd`. */
export interface Range {
  /** File offset of the first byte of the transfer. */
  readonly start: number
  /** File offset behind the transfer, padding included. */
  end: number
  /** File offset behind the last byte that the caller gave. At most `end`. */
  dataEnd: number
  /** Bytes from `start` on that an earlier try brought to the file. */
  doneBytes: number
  state: 'flying' | 'landed' | 'failed'
}

/**
 * Of `#ranges`, which are in the order of submission and of the file: each is whole blocks, and holds a byte of the caller.
 *
 * @invariant this.#ranges.every((r) => 0 <= r.start && r.start < r.dataEnd && r.dataEnd <= r.end)
 * @invariant this.#ranges.every((r) => r.start % this.block === 0 && r.end % this.block === 0 && r.end - r.dataEnd < this.block)
 * @invariant this.#ranges.every((r) => 0 <= r.doneBytes && r.start + r.doneBytes <= r.end && r.doneBytes % this.block === 0)
 *
 * One follows upon the other, none overlaps another, and only the last one is padded.
 *
 * @invariant this.#ranges.every((r, i) => i === 0 || this.#ranges[i - 1].end === r.start)
 * @invariant this.#ranges.every((r, i) => this.#ranges.every((s, j) => i >= j || (r.end <= s.start && r.dataEnd === r.end)))
 *
 * The first one is never `landed`; what is landed is whole; `written` has not left a gap before the first.
 *
 * @invariant this.#ranges.every((r, i) => r.state !== 'landed' || (i > 0 && r.start + r.doneBytes === r.end))
 * @invariant this.written >= 0 && this.#ranges.every((r, i) => i > 0 || r.start <= this.written)
 */
export class InFlight<R extends Range> {
  /** File offset up to which every byte of the caller is in the file. */
  written: number
  #ranges: R[] = []

  /** @requires position >= 0 */
  constructor(
    position: number,
    private readonly block: number,
  ) {
    this.written = position
  }

  /** Those from the first that is not in the file on. Their memory is still needed. */
  get ranges(): readonly R[] {
    return this.#ranges
  }

  get outstanding(): number {
    return this.#ranges.length
  }

  /** Whether an engine has any that it has not answered. */
  get flying(): boolean {
    return this.#ranges.some((range) => range.state === 'flying')
  }

  /**
   * Where a next range has to start: behind the last one, or in the block up to which all is written.
   *
   * @requires range.state === 'flying' && range.doneBytes === 0 && range.start >= 0
   * @requires range.start % this.block === 0 && range.end % this.block === 0
   * @requires range.start < range.dataEnd && range.dataEnd <= range.end && range.end - range.dataEnd < this.block
   * @requires this.outstanding > 0 || range.start <= this.written
   * @requires this.#ranges.every((r, i) => i < this.outstanding - 1 || (r.end === range.start && r.dataEnd === r.end))
   */
  add(range: R): void {
    this.#ranges.push(range)
  }

  /**
   * Gives the ranges that are finished: they and everything before them are in the file.
   *
   * @requires this.#ranges.includes(range) && range.state === 'flying' && range.start + range.doneBytes === range.end
   * @ensures this.written >= old(this.written)
   * @ensures result.every((r) => r.state === 'landed' && r.dataEnd <= this.written)
   * @ensures this.#ranges.every((r, i) => i > 0 || r.state !== 'landed')
   */
  landed(range: R): R[] {
    range.state = 'landed'
    let finished = 0
    /**
     * @invariant finished === index && this.written >= old(this.written) && this.written >= 0
     * @invariant this.written === (index === 0 ? old(this.written) : Math.max(old(this.written), this.#ranges[index - 1].dataEnd))
     * @invariant this.#ranges.every((r, i) => i >= index || (r.state === 'landed' && r.dataEnd <= this.written))
     * @invariant this.#ranges.every((r, i) => i > index || r.start <= this.written)
     */
    for (const { state, dataEnd } of this.#ranges) {
      if (state !== 'landed') break
      this.written = Math.max(this.written, dataEnd)
      finished++
    }
    return this.#ranges.splice(0, finished)
  }

  /** @requires this.#ranges.includes(range) && range.state === 'flying' */
  failed(range: R): void {
    range.state = 'failed'
  }

  /**
   * After a failure, when nothing is flying: everything outstanding has to be written again, also what landed behind
   * the gap, because the file may be cut there. What the first one still brought to the file counts.
   *
   * @requires !this.flying
   * @ensures this.written >= old(this.written)
   * @ensures this.#ranges.every((r, i) => r.state === 'failed' && (i === 0 || r.doneBytes === 0))
   * @ensures this.#ranges.every((r, i) => i > 0 || r.start + r.doneBytes <= this.written)
   * @ensures this.#ranges.every((r) => r.start + r.doneBytes < r.end)
   */
  collapse(): void {
    const first = this.#ranges[0]
    if (first !== undefined) {
      this.written = Math.max(this.written, Math.min(first.start + first.doneBytes, first.dataEnd))
    }
    /**
     * @invariant this.#ranges.every((r, i) => i < index ? r.state === 'failed' : r.state === old(r.state))
     * @invariant this.#ranges.every((r, i) => i < index || r.doneBytes === old(r.doneBytes))
     * @invariant this.#ranges.every((r, i) => i >= index || r.doneBytes === 0 || (i === 0 && r.doneBytes === old(r.doneBytes)))
     * @invariant this.#ranges.every((r, i) => i >= index || r.start + r.doneBytes < r.end)
     */
    for (const range of this.#ranges) {
      // What is whole and has failed all the same failed behind its write: it is in the file, and is written again.
      if (range !== first || range.start + range.doneBytes === range.end) range.doneBytes = 0
      range.state = 'failed'
    }
  }

  /** Forgets everything outstanding and gives it. `written` stays. */
  clear(): R[] {
    return this.#ranges.splice(0)
  }

  /**
   * Everything, now flying again; to be submitted in this order. All of it has failed.
   *
   * @requires this.#ranges.every((r) => r.state === 'failed')
   * @ensures this.#ranges.every((r) => r.state === 'flying')
   */
  retry(): readonly R[] {
    /** @invariant this.#ranges.every((r, i) => (i < index ? r.state === 'flying' : r.state === 'failed')) */
    for (const range of this.#ranges) range.state = 'flying'
    return this.#ranges.slice()
  }

  /**
   * Takes back everything from `position` on. Only after `collapse`. The block of `position` is not written any more:
   * what stands in it before `position` is the tail, held by others, and stays written if it was. Gives the ranges of
   * which nothing is left to write.
   *
   * @requires position >= 0 && this.#ranges.every((r) => r.state === 'failed' && r.start + r.doneBytes < r.end)
   * @requires this.#ranges.every((r) => r.dataEnd === r.end || position <= r.dataEnd)
   * @ensures this.written === Math.min(old(this.written), position)
   * @ensures this.#ranges.every((r) => r.dataEnd === r.end && r.end <= position && r.start + r.doneBytes < r.end)
   * @ensures result.every((r) => r.start + r.doneBytes >= position - (position % this.block))
   */
  trim(position: number): R[] {
    const boundary = floorTo(position, this.block)
    this.written = Math.min(this.written, position)
    let kept = 0
    /**
     * Those of which something is left come first.
     *
     * @invariant 0 <= kept && kept <= index
     * @invariant kept === index || boundary <= this.#ranges[kept].start + this.#ranges[kept].doneBytes
     * @invariant this.#ranges.every((r, i) => i >= index || (i < kept) === (r.start + r.doneBytes < r.end))
     * @invariant this.#ranges.every((r, i) => r.end === (i < index ? Math.min(old(r.end), boundary) : old(r.end)))
     * @invariant this.#ranges.every((r, i) => r.dataEnd === (i < index ? Math.min(old(r.dataEnd), boundary) : old(r.dataEnd)))
     */
    for (const range of this.#ranges) {
      range.end = Math.min(range.end, boundary)
      range.dataEnd = Math.min(range.dataEnd, boundary)
      if (range.start + range.doneBytes < range.end) kept++
    }
    return this.#ranges.splice(kept)
  }
}
