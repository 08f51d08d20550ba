import { setImmediate as nextTurn } from 'node:timers/promises'
import { allocAligned } from 'uncached-io'
import { MIB } from '../units.ts'
import { copyPiece, set } from '../workloads/copy-piece.ts'
import { cutIntoPieces, makeRecords, RECORD_BYTES, RECORD_PIECE_BYTES } from '../workloads/small-records.ts'

/** As many buffers, and as large, as a writer has by default: the copies meet the same caches. */
const BUFFERS = 4
const BUFFER_BYTES = 2 * MIB
const RECORDS_PER_BUFFER = Math.floor(BUFFER_BYTES / RECORD_BYTES)

function makeBuffers(): readonly Uint8Array[] {
  return Array.from({ length: BUFFERS }, () => allocAligned(BUFFER_BYTES))
}

/** The copying of large chunks of 1 MiB, and nothing else: no writer that has to copy them takes less. */
export class ChunkCopyLoop {
  /** Where a chunk has room, buffer by buffer. */
  readonly places = makeBuffers().flatMap((buffer) => [buffer.subarray(0, MIB), buffer.subarray(MIB)])

  constructor(readonly chunks: readonly Uint8Array[]) {}

  /** Whole chunks only. @returns the bytes that were copied. */
  run(bytes: number): number {
    const { chunks, places } = this
    const count = Math.floor(bytes / MIB)
    for (let i = 0; i < count; i++) set.call(places[i % places.length], chunks[i % chunks.length]!, 0)
    return count * MIB
  }
}

/** The copying that small records take, and nothing else: no writer is faster. Whole records only. */
export class CopyLoop {
  readonly pieces: readonly Uint8Array[] = cutIntoPieces(makeRecords())
  readonly buffers = makeBuffers()
  nextIndex = 0
  nextBuffer = 0

  /** @returns the bytes that were copied. */
  run(bytes: number): number {
    const records = Math.floor(bytes / RECORD_BYTES)
    for (let left = records; left > 0; ) left -= this.fillNext(left)
    return records * RECORD_BYTES
  }

  /**
   * As `run`, but between two buffers the event loop goes round: once to end the present round, once for all that has
   * come in.
   */
  async runInTurns(bytes: number): Promise<number> {
    const records = Math.floor(bytes / RECORD_BYTES)
    for (let left = records; left > 0; ) {
      left -= this.fillNext(left)
      await nextTurn()
      await nextTurn()
    }
    return records * RECORD_BYTES
  }

  /** Fills one buffer, or as much of it as there are records left. Gives their number. */
  fillNext(recordsLeft: number): number {
    const records = Math.min(recordsLeft, RECORDS_PER_BUFFER)
    this.fill(this.buffers[this.nextBuffer]!, records)
    this.nextBuffer = (this.nextBuffer + 1) % BUFFERS
    return records
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
