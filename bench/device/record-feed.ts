import type { DirectIOWriter } from 'uncached-io'
import { fillSlot, makeRecordParts } from '../workloads/record-parts.ts'
import { cutIntoPieces, makeRecords, RECORD_BYTES, RECORD_PIECE_BYTES } from '../workloads/small-records.ts'
import type { Feed } from './feed.ts'
import type { SyncStretches } from './sync-stretches.ts'

const PIECES_PER_RECORD = RECORD_PIECE_BYTES.length

/**
 * Hands over records piece by piece, each by `writeSync`; a piece that is refused goes by `write`, which is awaited.
 *
 * The loop is a plain method over plain fields, and goes on until it is refused: that is all the turns it gives.
 */
export class WriteSyncFeed implements Feed {
  readonly pieces: readonly Uint8Array[] = cutIntoPieces(makeRecords())
  nextIndex = 0
  leftPieces = 0

  async write(writer: DirectIOWriter, bytes: number, stretches: SyncStretches): Promise<void> {
    this.nextIndex = 0
    this.leftPieces = Math.floor(bytes / RECORD_BYTES) * PIECES_PER_RECORD
    for (;;) {
      stretches.begins()
      const before = writer.acceptedBytes
      const refused = this.fill(writer)
      stretches.ends(writer.acceptedBytes - before)
      if (refused === null) break
      await writer.write(refused)
    }
    await writeRest(writer, this.nextIndex / PIECES_PER_RECORD, bytes % RECORD_BYTES)
  }

  /** @returns the piece that found no room, or `null` when all have been handed over. */
  fill(writer: DirectIOWriter): Uint8Array | null {
    const { pieces } = this
    let { nextIndex, leftPieces } = this
    let refused: Uint8Array | null = null
    while (leftPieces > 0 && refused === null) {
      const piece = pieces[nextIndex]!
      nextIndex = nextIndex + 1 === pieces.length ? 0 : nextIndex + 1
      leftPieces--
      if (!writer.writeSync(piece)) refused = piece
    }
    this.nextIndex = nextIndex
    this.leftPieces = leftPieces
    return refused
  }
}

/** Puts records together in the writer's own buffer; when there is no slot it waits for one. */
export class ReserveFeed implements Feed {
  readonly records = makeRecordParts()
  nextIndex = 0
  leftRecords = 0

  async write(writer: DirectIOWriter, bytes: number, stretches: SyncStretches): Promise<void> {
    this.nextIndex = 0
    this.leftRecords = Math.floor(bytes / RECORD_BYTES)
    for (;;) {
      stretches.begins()
      const before = writer.acceptedBytes
      this.fill(writer)
      stretches.ends(writer.acceptedBytes - before)
      if (this.leftRecords === 0) break
      await writer.drain()
    }
    await writeRest(writer, this.nextIndex, bytes % RECORD_BYTES)
  }

  /** Goes on until there is no slot, or no record is left. */
  fill(writer: DirectIOWriter): void {
    const { records } = this
    let { nextIndex, leftRecords } = this
    while (leftRecords > 0) {
      const slot = writer.reserve(RECORD_BYTES)
      if (slot === null) break
      fillSlot(slot, records[nextIndex]!)
      writer.commit(RECORD_BYTES)
      nextIndex = nextIndex + 1 === records.length ? 0 : nextIndex + 1
      leftRecords--
    }
    this.nextIndex = nextIndex
    this.leftRecords = leftRecords
  }
}

/** A length that is no multiple of a record ends inside one. */
async function writeRest(writer: DirectIOWriter, recordIndex: number, restBytes: number): Promise<void> {
  if (restBytes === 0) return
  const from = recordIndex * RECORD_BYTES
  await writer.write(makeRecords().subarray(from, from + restBytes))
}
