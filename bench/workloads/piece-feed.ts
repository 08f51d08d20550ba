import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Sink } from '../subjects/subject.ts'
import { MIB } from '../units.ts'
import type { SinkFeed } from './file-workload.ts'

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
export class PieceFeed implements SinkFeed {
  readonly pieces: readonly Buffer[]
  nextIndex = 0
  leftBytes: number

  constructor(pieces: readonly Buffer[], bytes: number) {
    if (!pieces.some((piece) => piece.length > 0)) throw new RangeError('a feed needs a piece that is not empty')
    this.pieces = pieces
    this.leftBytes = bytes
  }

  async writeInto(sink: Sink): Promise<void> {
    for (;;) {
      const wait = this.putSome(sink)
      if (wait === null) return
      await wait
    }
  }

  /** @returns what to await before going on, or `null` when all is handed over. */
  putSome(sink: Sink): Promise<void> | null {
    const { pieces } = this
    // Local while the loop runs: fields would be stored and loaded again around every call.
    let { nextIndex, leftBytes } = this
    let room: Promise<void> | null = null
    const turnAtLeftBytes = Math.max(0, leftBytes - TURN_EVERY_BYTES)
    while (leftBytes > turnAtLeftBytes && room === null) {
      let piece = pieces[nextIndex]!
      if (piece.length > leftBytes) piece = piece.subarray(0, leftBytes)
      leftBytes -= piece.length
      nextIndex = nextIndex + 1 === pieces.length ? 0 : nextIndex + 1
      room = sink.put(piece)
    }
    this.nextIndex = nextIndex
    this.leftBytes = leftBytes
    if (room !== null) return room
    return leftBytes > 0 ? nextTurn() : null
  }
}
