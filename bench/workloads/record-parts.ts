import { set } from './copy-piece.ts'
import { cutIntoPieces, makeRecords, RECORD_PIECE_BYTES } from './small-records.ts'

/** A record before it is put together: its parts in fields of their own, as a program has them. */
export interface RecordParts {
  /** 2 bytes. */
  readonly length: Uint8Array
  /** 1 byte. */
  readonly encoding: Uint8Array
  /** 150 bytes. */
  readonly samples: Uint8Array
  /** 4 bytes. */
  readonly checksum: Uint8Array
}

/** The records of {@link makeRecords}, each in its parts. */
export function makeRecordParts(): RecordParts[] {
  const pieces = cutIntoPieces(makeRecords())
  const piecesPerRecord = RECORD_PIECE_BYTES.length
  return Array.from({ length: pieces.length / piecesPerRecord }, (_, i) => {
    const [length, encoding, samples, checksum] = pieces.slice(i * piecesPerRecord) as [Buffer, Buffer, Buffer, Buffer]
    return { length, encoding, samples, checksum }
  })
}

/** Puts a record together in a slot: bytes one by one where there are few, `set` where there are many. */
export function fillSlot(slot: Uint8Array, { length, encoding, samples, checksum }: RecordParts): void {
  slot[0] = length[0]!
  slot[1] = length[1]!
  slot[2] = encoding[0]!
  set.call(slot, samples, 3)
  for (let i = 0; i < 4; i++) slot[153 + i] = checksum[i]!
}
