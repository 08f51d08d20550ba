import { allocAligned } from 'uncached-io'
import { MIB } from '../units.ts'
import { copyPiece } from '../workloads/copy-piece.ts'
import { cutIntoPieces, makeRecords, RECORD_BYTES, RECORD_PIECE_BYTES } from '../workloads/small-records.ts'

/** As many buffers, and as large, as a writer has by default: the copies meet the same caches. */
const BUFFERS = 4
const BUFFER_BYTES = 2 * MIB

/** The copying that small records take, and nothing else: no writer is faster. Whole records only. */
export class CopyLoop {
  readonly pieces: readonly Uint8Array[] = cutIntoPieces(makeRecords())
  readonly buffers: readonly Uint8Array[] = Array.from({ length: BUFFERS }, () => allocAligned(BUFFER_BYTES))
  nextIndex = 0

  /** @returns the bytes that were copied. */
  run(bytes: number): number {
    const records = Math.floor(bytes / RECORD_BYTES)
    const recordsPerBuffer = Math.floor(BUFFER_BYTES / RECORD_BYTES)
    let turn = 0
    for (let left = records; left > 0; left -= recordsPerBuffer) {
      this.fill(this.buffers[turn]!, Math.min(left, recordsPerBuffer))
      turn = (turn + 1) % BUFFERS
    }
    return records * RECORD_BYTES
  }

  fill(buffer: Uint8Array, records: number): void {
    const { pieces } = this
    let { nextIndex } = this
    let offset = 0
    for (let left = records * RECORD_PIECE_BYTES.length; left > 0; left--) {
      offset = copyPiece(pieces[nextIndex]!, buffer, offset)
      nextIndex = nextIndex + 1 === pieces.length ? 0 : nextIndex + 1
    }
    this.nextIndex = nextIndex
  }
}
