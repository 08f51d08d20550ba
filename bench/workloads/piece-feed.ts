import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Sink } from '../subjects/subject.ts'
import { MIB } from '../units.ts'
import type { PreparedWorkload } from './workload.ts'

/**
 * After this much the event loop has a turn, also when the sink had room all the time: data comes from somewhere, a
 * socket or another file, and a loop without end would hold up everything else whatever it writes to.
 */
const TURN_EVERY_BYTES = MIB

/**
 * Hands a ring of pieces to a sink until `bytes` are handed over; the last piece is cut to fit.
 *
 * The loop is a plain method over plain fields: the same loop inside an async function is several times slower, and
 * would be measured instead of the subject.
 */
export class PieceFeed implements PreparedWorkload {
  readonly pieces: readonly Buffer[]
  nextIndex = 0
  leftBytes: number
  bytesThisTurn = 0

  constructor(pieces: readonly Buffer[], bytes: number) {
    if (!pieces.some((piece) => piece.length > 0))
      throw new RangeError('a feed needs a piece that is not empty')
    this.pieces = pieces
    this.leftBytes = bytes
  }

  async writeInto(sink: Sink): Promise<void> {
    for (;;) {
      const room = this.putUntilFull(sink)
      if (room === null) return
      await room
    }
  }

  /** @returns what to await before going on, or `null` when all is handed over. */
  putUntilFull(sink: Sink): Promise<void> | null {
    const pieces = this.pieces
    while (this.leftBytes > 0) {
      if (this.bytesThisTurn >= TURN_EVERY_BYTES) {
        this.bytesThisTurn = 0
        return nextTurn()
      }
      let piece = pieces[this.nextIndex]!
      if (piece.length > this.leftBytes) piece = piece.subarray(0, this.leftBytes)
      this.leftBytes -= piece.length
      this.bytesThisTurn += piece.length
      this.nextIndex = this.nextIndex + 1 === pieces.length ? 0 : this.nextIndex + 1
      const room = sink.put(piece)
      if (room !== null) return room
    }
    return null
  }
}
