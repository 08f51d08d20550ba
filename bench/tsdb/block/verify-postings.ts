import { ByteCursor } from '../encoding/byte-cursor.ts'
import { CHECKSUM_BYTES, checkChecksum } from '../encoding/checksum.ts'
import { TsdbError } from '../errors.ts'
import { InputFile, type ReadWay } from '../files/input-file.ts'
import { ReadAhead } from '../files/read-ahead.ts'
import {
  CONTENTS_BYTES,
  type Contents,
  decodeContents,
  indexPath,
  POSTINGS_ALIGNMENT,
  paddingBytes,
} from '../index/format.ts'

/** Bytes of a length. */
const LENGTH_BYTES = 4

/** A part of an index: one table, or lists one behind the other, each at a multiple of {@link POSTINGS_ALIGNMENT}. */
interface Section {
  readonly start: number
  readonly end: number
  readonly isTable: boolean
}

/**
 * Checks what stands in an index behind its series: lists and tables, each with its length before it and its checksum
 * behind it. What they say is not looked at. The table of contents has to be checked before.
 *
 * @throws {TsdbError} ERR_TSDB_BAD_CHECKSUM, ERR_TSDB_MALFORMED, with file and offset; the kernel's error
 */
export async function verifyPostings(blockFolder: string, way: ReadWay): Promise<void> {
  const file = await InputFile.open(indexPath(blockFolder), way)
  const ahead = new ReadAhead(file)
  try {
    const end = (await file.byteLength()) - CONTENTS_BYTES - CHECKSUM_BYTES
    const contents = decodeContents(new ByteCursor(await file.read(end, CONTENTS_BYTES), file.path, end))
    for (const section of sectionsOf(contents, end)) await verifySection(file, ahead, section)
  } finally {
    await ahead.settle()
    await file.close()
  }
}

/** Those that are there, in the order of the file. */
function sectionsOf({ labelIndices, postings, labelIndexTable, postingsTable }: Contents, end: number): Section[] {
  const starts = [labelIndices, postings, labelIndexTable, postingsTable].filter((start) => start > 0)
  starts.sort((a, b) => a - b)
  return starts.map((start, i) => ({
    start,
    end: starts[i + 1] ?? end,
    isTable: start === labelIndexTable || start === postingsTable,
  }))
}

async function verifySection(file: InputFile, ahead: ReadAhead, { start, end, isTable }: Section): Promise<void> {
  let offset = start
  for (;;) {
    if (!isTable) offset += paddingBytes(offset, POSTINGS_ALIGNMENT)
    const head = ahead.view(offset, LENGTH_BYTES) ?? (await ahead.load(offset, LENGTH_BYTES))
    const contentBytes = head.readUInt32BE(0)
    const content = offset + LENGTH_BYTES
    if (content + contentBytes + CHECKSUM_BYTES > end) {
      const what = `a list or table of ${contentBytes} bytes, with its section ending at byte ${end}`
      throw new TsdbError('ERR_TSDB_MALFORMED', what, { file: file.path, offset })
    }
    const bytes = contentBytes + CHECKSUM_BYTES
    const found = ahead.view(content, bytes) ?? (await ahead.load(content, bytes))
    const expected = found.readUInt32BE(contentBytes)
    checkChecksum(found.subarray(0, contentBytes), expected, 'a list or table', file.path, offset)
    offset = content + bytes
    if (isTable || end - offset < POSTINGS_ALIGNMENT) break
  }
  if (end - offset < POSTINGS_ALIGNMENT) return
  throw new TsdbError('ERR_TSDB_MALFORMED', 'bytes that belong to nothing', { file: file.path, offset })
}
