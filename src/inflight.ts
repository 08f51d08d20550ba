import { floorTo } from './plan.ts'

/**
 * Writes in flight, as positions only: completions in any order become one contiguous `written` position. No I/O.
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

export class InFlight<R extends Range> {
  /** File offset up to which every byte of the caller is in the file. */
  written: number
  /** In the order of submission, which is the order of the file. The first one is never `landed`. */
  #ranges: R[] = []
  #flying = 0

  constructor(position: number) {
    this.written = position
  }

  /** Ranges from the first that is not in the file on. Their memory is still needed. */
  get outstanding(): number {
    return this.#ranges.length
  }

  /** Ranges that an engine has and has not answered. */
  get flying(): number {
    return this.#flying
  }

  add(range: R): void {
    this.#ranges.push(range)
    this.#flying++
  }

  /** Gives the ranges that are finished: they and everything before them are in the file. */
  landed(range: R): R[] {
    range.state = 'landed'
    this.#flying--
    let finished = 0
    for (const { state, dataEnd } of this.#ranges) {
      if (state !== 'landed') break
      this.written = Math.max(this.written, dataEnd)
      finished++
    }
    return this.#ranges.splice(0, finished)
  }

  failed(range: R): void {
    range.state = 'failed'
    this.#flying--
  }

  /**
   * After a failure, when nothing is flying: everything outstanding has to be written again, also what landed behind
   * the gap, because the file may be cut there. What the first one still brought to the file counts.
   */
  collapse(): void {
    this.#ranges.forEach((range, index) => {
      if (index > 0) range.doneBytes = 0
      range.state = 'failed'
    })
    const first = this.#ranges[0]
    if (first !== undefined) {
      this.written = Math.max(this.written, Math.min(first.start + first.doneBytes, first.dataEnd))
    }
  }

  /** Forgets everything outstanding and gives it. `written` stays. */
  clear(): R[] {
    return this.#ranges.splice(0)
  }

  /** Everything that failed, now flying again; to be submitted in this order. */
  retry(): R[] {
    const failed = this.#ranges.filter((range) => range.state === 'failed')
    for (const range of failed) range.state = 'flying'
    this.#flying += failed.length
    return failed
  }

  /**
   * Takes back everything from `position` on. Only after `collapse`. The block of `position` is not written any more:
   * what stands in it before `position` is the tail, held by others, and stays written if it was. Gives the ranges of
   * which nothing is left to write.
   */
  trim(position: number, block: number): R[] {
    const boundary = floorTo(position, block)
    const empty: R[] = []
    const left: R[] = []
    for (const range of this.#ranges) {
      range.end = Math.min(range.end, boundary)
      range.dataEnd = Math.min(range.dataEnd, boundary)
      if (range.start + range.doneBytes >= range.end) empty.push(range)
      else left.push(range)
    }
    this.#ranges = left
    this.written = Math.min(this.written, position)
    return empty
  }
}
