import { MIB } from '../units.ts'
import { type FileContent, fileWorkload } from './file-workload.ts'
import { checkPeriodicFile, fillPseudoRandom } from './periodic-content.ts'
import { PieceFeed } from './piece-feed.ts'

/** A Prometheus chunk record as its writer puts it: length, encoding, about 150 bytes of samples, CRC. */
export const RECORD_PIECE_BYTES: readonly number[] = [2, 1, 150, 4]
export const RECORD_BYTES = 157

/**
 * Different records that take turns. A prime number, so that the content repeats at no multiple of a block or buffer
 * and misplaced blocks are noticed.
 */
const RECORDS = 61

/** Records of 157 bytes, each as four pieces of 2, 1, 150 and 4 bytes; what a piece costs is what is compared. */
export const smallRecordsContent: FileContent = {
  name: 'small-records',
  summary: `records of ${RECORD_BYTES} bytes in pieces of ${RECORD_PIECE_BYTES.join(', ')}`,
  // A quarter of `large`: with a call for each piece some subjects are ten times slower here.
  defaultBytes: 256 * MIB,
  warmUpBytes: 8 * MIB,
  makeFeed(bytes) {
    return new PieceFeed(cutIntoPieces(makeRecords()), bytes)
  },
  check(path, bytes) {
    return checkPeriodicFile(path, bytes, makeRecords())
  },
}

export const smallRecords = fileWorkload(smallRecordsContent)

/** Whole records, one behind the other: the content of the file, which repeats them. */
export function makeRecords(): Buffer {
  const records = Buffer.alloc(RECORDS * RECORD_BYTES)
  fillPseudoRandom(records)
  return records
}

/** Cuts whole records into their pieces; the pieces are views. */
export function cutIntoPieces(records: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let offset = 0; offset < records.length; ) {
    for (const pieceBytes of RECORD_PIECE_BYTES) {
      pieces.push(records.subarray(offset, offset + pieceBytes))
      offset += pieceBytes
    }
  }
  return pieces
}
