import type { KeptRange } from './options.ts'

/** Bytes of a file. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/**
 * What of a file is to stay in the page cache, in whole pages, put together where it touches. `offset` and `length` of
 * what it is asked are bytes, of what it gives multiples of the page.
 */
export class KeptRanges {
  /** In order, with gaps between them: [from, to). */
  #ranges: (readonly [from: number, to: number])[] = []

  constructor(private readonly pageSize: number) {}

  get empty(): boolean {
    return this.#ranges.length === 0
  }

  get totalBytes(): number {
    let bytes = 0
    for (const [from, to] of this.#ranges) bytes += to - from
    return bytes
  }

  /** Adds the pages in which a range lies. Gives them. */
  add({ offset, length }: ByteRange): ByteRange {
    let from = Math.floor(offset / this.pageSize) * this.pageSize
    let to = Math.ceil((offset + length) / this.pageSize) * this.pageSize
    const added = { offset: from, length: to - from }
    const others = this.#ranges.filter(([start, end]) => end < from || start > to)
    for (const [start, end] of this.#ranges) {
      if (end < from || start > to) continue
      from = Math.min(from, start)
      to = Math.max(to, end)
    }
    this.#ranges = [...others, [from, to] as const].toSorted(([a], [b]) => a - b)
    return added
  }

  /** What of [offset, offset + length) is not kept; `length` 0 is "to the end of the file", as for fadvise(2). */
  gaps(offset: number, length: number): ByteRange[] {
    const end = length === 0 ? Number.POSITIVE_INFINITY : offset + length
    const gaps: ByteRange[] = []
    let at = offset
    for (const [from, to] of this.#ranges) {
      if (to <= at || from >= end) continue
      if (from > at) gaps.push({ offset: at, length: from - at })
      at = to
    }
    if (at < end) gaps.push({ offset: at, length: length === 0 ? 0 : end - at })
    return gaps
  }
}

/** Ranges as callers name them, within a file that ends at `end`. */
export function resolveRanges(ranges: readonly KeptRange[], end: number): ByteRange[] {
  return ranges.map((range) => {
    const from = Math.min(end, range.offset < 0 ? Math.max(0, end + range.offset) : range.offset)
    const to = range.length === undefined ? end : Math.min(end, from + range.length)
    return { offset: from, length: to - from }
  })
}
