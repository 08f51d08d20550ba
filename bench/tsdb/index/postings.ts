/** Lists of series: one for each label with a value, and one of all series. */

/** The name and the value of the list of all series, in place of symbols. */
export const ALL_SERIES = -1

export interface PostingsList {
  /** Symbols. */
  readonly name: number
  readonly value: number
  /** How many series there are. */
  readonly count: number
  /** Where in the index the list is, once it is written. */
  offset: number
}

/** Counts the series of each label and value while they go by. */
export class PostingsCount {
  seriesCount = 0
  private readonly names = new Map<number, Map<number, number>>()

  /** @param symbols of a series: name, value, name, value... */
  add(symbols: readonly number[]): void {
    this.seriesCount++
    for (let i = 0; i < symbols.length; i += 2) {
      const name = symbols[i]!
      let values = this.names.get(name)
      if (values === undefined) {
        values = new Map()
        this.names.set(name, values)
      }
      const value = symbols[i + 1]!
      values.set(value, (values.get(value) ?? 0) + 1)
    }
  }

  /** The lists in the order of an index: all series first, then by name and value. */
  lists(): PostingsList[] {
    const lists: PostingsList[] = [{ name: ALL_SERIES, value: ALL_SERIES, count: this.seriesCount, offset: 0 }]
    for (const [name, values] of this.names) {
      for (const [value, count] of values) lists.push({ name, value, count, offset: 0 })
    }
    return lists.toSorted((a, b) => a.name - b.name || a.value - b.value)
  }
}

/**
 * Cuts lists into runs of whole label names of at most `entriesMax` entries, or of one name that has more.
 */
export function runsOf(lists: readonly PostingsList[], entriesMax: number): PostingsList[][] {
  const runs: PostingsList[][] = []
  let run: PostingsList[] = []
  let entries = 0
  for (const ofName of byName(lists)) {
    const more = ofName.reduce((sum, { count }) => sum + count, 0)
    if (run.length > 0 && entries + more > entriesMax) {
      runs.push(run)
      run = []
      entries = 0
    }
    for (const list of ofName) run.push(list)
    entries += more
  }
  if (run.length > 0) runs.push(run)
  return runs
}

function* byName(lists: readonly PostingsList[]): Generator<PostingsList[]> {
  let start = 0
  for (let i = 1; i <= lists.length; i++) {
    if (i < lists.length && lists[i]!.name === lists[start]!.name) continue
    yield lists.slice(start, i)
    start = i
  }
}
