import type { Latency } from '../schema/latency.ts'
import type { Sink } from '../subjects/subject.ts'
import type { SinkFeed } from './file-workload.ts'
import { TURN_BYTES, Turns } from './turns.ts'

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
  /** How much is left when the turn is over. */
  turnAtLeftBytes = 0

  constructor(pieces: readonly Buffer[], bytes: number) {
    if (!pieces.some((piece) => piece.length > 0)) throw new RangeError('a feed needs a piece that is not empty')
    this.pieces = pieces
    this.leftBytes = bytes
  }

  async writeInto(sink: Sink, bytesPerSecond: number | null = null): Promise<Latency> {
    const turns = new Turns(bytesPerSecond)
    while (this.leftBytes > 0) {
      const atStartBytes = this.leftBytes
      this.turnAtLeftBytes = Math.max(0, atStartBytes - TURN_BYTES)
      for (let room = this.putSome(sink); room !== null; room = this.putSome(sink)) await room
      await turns.next(atStartBytes - this.leftBytes)
    }
    return turns.latency()
  }

  /** @returns what to await before going on, or `null` when the turn is over. */
  putSome(sink: Sink): Promise<void> | null {
    const { pieces, turnAtLeftBytes } = this
    // Local while the loop runs: fields would be stored and loaded again around every call.
    let { nextIndex, leftBytes } = this
    let room: Promise<void> | null = null
    while (leftBytes > turnAtLeftBytes && room === null) {
      let piece = pieces[nextIndex]!
      if (piece.length > leftBytes) piece = piece.subarray(0, leftBytes)
      leftBytes -= piece.length
      nextIndex = nextIndex + 1 === pieces.length ? 0 : nextIndex + 1
      room = sink.put(piece)
    }
    this.nextIndex = nextIndex
    this.leftBytes = leftBytes
    return room
  }
}
