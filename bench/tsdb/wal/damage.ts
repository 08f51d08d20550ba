/** What damage to a segment means: the torn tail that a crash leaves, or corruption. */
import { checksum } from '../encoding/checksum.ts'
import { TsdbError } from '../errors.ts'
import type { InputFile } from '../files/input-file.ts'
import {
  dataOf,
  FIRST,
  FRAGMENT_HEADER_BYTES,
  type FragmentHeader,
  FULL,
  isZero,
  LAST,
  leftOfPage,
  PAGE_BYTES,
  readHeader,
} from './pages.ts'
import type { Damage } from './record-decoder.ts'

/** What a disk writes whole or not at all. A hole that a crash leaves has at least one of them. */
const SECTOR_BYTES = 512
/** Whole pages, and few reads: a segment that was preallocated may have 128 MiB of zeros behind its records. */
const WINDOW_BYTES = 1024 * 1024

/** What is wrong, as an error. */
export function damageError({ code, why, offset }: Damage, file: string): TsdbError {
  return new TsdbError(code, why, { file, offset })
}

/** Whether nothing was ever written to a file: it is empty, or zeros. */
export async function isBlank(file: InputFile): Promise<boolean> {
  for await (const { bytes } of pagesFrom(file, 0)) {
    if (!isZero(bytes)) return false
  }
  return true
}

/**
 * Looks for whole records behind damage in the segment that was written last.
 *
 * There are none: a crash cut the log off there. There are some, and somewhere before them a whole sector of zeros: a
 * crash, too. Several writes are under way at once, and a page cache is written back in any order, so that later pages
 * can be on the disk when the power fails and earlier ones not; these read as zeros, because the file was new. Nothing
 * of what lies from there on was synced, and what a log holds behind a gap is of no use. There are some, and no such
 * zeros: bytes that were written have changed, which no crash does.
 *
 * @param wholeEnd behind the last whole record before the damage
 * @returns whether whole records follow, all of them unsynced
 * @throws {TsdbError} for corruption, at the damage; the kernel's error
 */
export async function judgeTail(file: InputFile, wholeEnd: number, damage: Damage): Promise<boolean> {
  const next = await wholeRecordFrom(file, damage.offset)
  if (next === null) return false
  if (await hasZeroSector(file, wholeEnd, next)) return true
  const why = `${damage.why}, and a whole record follows at byte ${next}`
  throw damageError({ ...damage, why }, file.path)
}

/**
 * The offset of the first whole record from `offset` on; `null` when there is none. In the page of `offset` itself it may
 * begin anywhere, because the lengths there can't be trusted; every other page begins with a fragment.
 */
async function wholeRecordFrom(file: InputFile, offset: number): Promise<number | null> {
  /** Where the record begins whose fragments so far are whole and without a gap. */
  let start: number | null = null
  for await (const { pageStart, bytes } of pagesFrom(file, offset - (offset % PAGE_BYTES))) {
    const isDamaged = pageStart <= offset
    let at = isDamaged ? offset - pageStart : 0
    while (bytes.length - at >= FRAGMENT_HEADER_BYTES) {
      const header = wholeFragmentAt(bytes, at)
      if (header === null) {
        start = null
        if (!isDamaged) break
        at++
        continue
      }
      if (header.type === FULL) return pageStart + at
      if (header.type === LAST && start !== null) return start
      if (header.type === FIRST) start = pageStart + at
      at += FRAGMENT_HEADER_BYTES + header.dataBytes
    }
  }
  return null
}

/** Fragments of no data are not taken for any: six zeros behind a byte are no sign of a record. */
function wholeFragmentAt(page: Buffer, at: number): FragmentHeader | null {
  const header = readHeader(page, at, leftOfPage(at))
  if (typeof header === 'string' || header.dataBytes === 0) return null
  if (at + FRAGMENT_HEADER_BYTES + header.dataBytes > page.length) return null
  return checksum(dataOf(page, at, header)) === header.checksum ? header : null
}

async function hasZeroSector(file: InputFile, from: number, to: number): Promise<boolean> {
  for await (const { pageStart, bytes } of pagesFrom(file, from - (from % PAGE_BYTES))) {
    for (let at = 0; at + SECTOR_BYTES <= bytes.length; at += SECTOR_BYTES) {
      if (pageStart + at + SECTOR_BYTES > to) return false
      if (pageStart + at >= from && isZero(bytes.subarray(at, at + SECTOR_BYTES))) return true
    }
  }
  return false
}

/** The pages of a segment, the last one perhaps a part. Views, which hold until the next one. */
async function* pagesFrom(file: InputFile, from: number): AsyncGenerator<{ pageStart: number; bytes: Buffer }> {
  const window = file.allocate(WINDOW_BYTES)
  for (let offset = from; ; ) {
    const { start, end } = await file.readInto(window, offset, WINDOW_BYTES)
    if (end <= offset) return
    const windowEnd = Math.min(end, offset + WINDOW_BYTES)
    for (; offset < windowEnd; offset += PAGE_BYTES) {
      yield { pageStart: offset, bytes: window.subarray(offset - start, Math.min(offset + PAGE_BYTES, end) - start) }
    }
  }
}
