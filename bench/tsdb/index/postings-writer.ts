import type { Writer } from 'uncached-io'
import { CHECKSUM_BYTES, checksum } from '../encoding/checksum.ts'
import type { InputFile } from '../files/input-file.ts'
import { put } from '../files/output.ts'
import { POSTINGS_ALIGNMENT, paddingBytes } from './format.ts'
import { ALL_SERIES, type PostingsList, runsOf } from './postings.ts'
import { decodeSymbols } from './series-entry.ts'
import { SeriesScan } from './series-scan.ts'

/**
 * Entries of lists that are in memory at once: 16 MiB of them. A larger index has its series read back once for each
 * part, which is quick, instead of holding all postings.
 */
const ENTRIES_AT_ONCE = 4 * 1024 * 1024

/** The series of an index that is being written. */
export interface SeriesSection {
  readonly file: InputFile
  readonly start: number
  readonly end: number
}

/**
 * Writes the lists, whose series it reads back from the file, and notes where each one is.
 *
 * @param lists in the order of the index
 * @param entriesAtOnce in memory at most, unless one label name has more
 */
export async function writePostings(
  writer: Writer,
  section: SeriesSection,
  lists: PostingsList[],
  entriesAtOnce = ENTRIES_AT_ONCE,
): Promise<void> {
  for (const run of runsOf(lists, entriesAtOnce)) {
    const entries = await collect(section, run)
    let start = 0
    for (const list of run) {
      await writeList(writer, list, entries.subarray(start, start + list.count))
      start += list.count
    }
  }
}

/** The series of all lists of a run, one list behind the other. */
async function collect({ file, start, end }: SeriesSection, run: readonly PostingsList[]): Promise<Uint32Array> {
  const { next, ends, total } = placesOf(run)
  const entries = new Uint32Array(total)
  const ofAll = next.get(ALL_SERIES)
  const scan = new SeriesScan(file, start, end)
  const symbols: number[] = []
  try {
    for (let content = await scan.next(); content !== null; content = await scan.next()) {
      const { reference } = scan
      if (ofAll !== undefined) append(entries, ofAll, ALL_SERIES, reference)
      decodeSymbols(content, symbols)
      for (let i = 0; i < symbols.length; i += 2) {
        const ofName = next.get(symbols[i]!)
        if (ofName !== undefined) append(entries, ofName, symbols[i + 1]!, reference)
      }
    }
  } finally {
    await scan.settle()
  }
  for (const [i, { name, value }] of run.entries()) {
    if (next.get(name)?.get(value) !== ends[i])
      throw new Error(`read back other series than were written to ${file.path}`)
  }
  return entries
}

/** Where the next series of each list goes, by name and value, and where each list ends. */
function placesOf(run: readonly PostingsList[]): {
  next: Map<number, Map<number, number>>
  ends: number[]
  total: number
} {
  const next = new Map<number, Map<number, number>>()
  const ends: number[] = []
  let total = 0
  for (const { name, value, count } of run) {
    const ofName = next.get(name) ?? new Map<number, number>()
    next.set(name, ofName.set(value, total))
    total += count
    ends.push(total)
  }
  return { next, ends, total }
}

function append(entries: Uint32Array, places: Map<number, number>, value: number, reference: number): void {
  const place = places.get(value)
  // A value that was not there when it was written: the comparison with the ends tells it.
  if (place === undefined) return
  entries[place] = reference
  places.set(value, place + 1)
}

/** Padding, length, count, references, checksum. */
async function writeList(writer: Writer, list: PostingsList, references: Uint32Array): Promise<void> {
  const padding = paddingBytes(writer.position, POSTINGS_ALIGNMENT)
  list.offset = writer.position + padding
  const contentBytes = 4 + 4 * references.length
  const bytes = Buffer.alloc(padding + 4 + contentBytes + CHECKSUM_BYTES)
  const content = padding + 4
  bytes.writeUInt32BE(contentBytes, padding)
  bytes.writeUInt32BE(references.length, content)
  for (let i = 0; i < references.length; i++) bytes.writeUInt32BE(references[i]!, content + 4 + 4 * i)
  bytes.writeUInt32BE(checksum(bytes.subarray(content, content + contentBytes)), content + contentBytes)
  await put(writer, bytes)
}
