import { describe, expect, it } from 'vitest'
import type { Sink } from '../../bench/subjects/subject.ts'
import { PieceFeed } from '../../bench/workloads/piece-feed.ts'

/** Takes everything, and asks to be awaited after every piece whose number `isFull` answers with true. */
class Recorder implements Sink {
  readonly taken: Buffer[] = []
  awaited = 0

  constructor(private readonly isFull: (pieceNumber: number) => boolean) {}

  put(piece: Buffer): Promise<void> | null {
    this.taken.push(piece)
    if (!this.isFull(this.taken.length)) return null
    return Promise.resolve().then(() => {
      this.awaited++
    })
  }

  async finish(): Promise<number> {
    return Buffer.concat(this.taken).length
  }
}

const pieces = ['ab', 'c', 'defg'].map((text) => Buffer.from(text))

describe('PieceFeed', () => {
  it.each([1, 2, 3, 7, 8, 15, 100])(
    'hands over exactly %d bytes, the ring repeated and its last piece cut',
    async (bytes) => {
      const sink = new Recorder(() => false)
      await new PieceFeed(pieces, bytes).writeInto(sink)
      expect(Buffer.concat(sink.taken).toString()).toBe('abcdefg'.repeat(15).slice(0, bytes))
    },
  )

  it('awaits the sink each time it is asked to, and loses or repeats nothing', async () => {
    const sink = new Recorder((pieceNumber) => pieceNumber % 2 === 0)
    await new PieceFeed(pieces, 14).writeInto(sink)
    expect(Buffer.concat(sink.taken).toString()).toBe('abcdefgabcdefg')
    expect(sink.awaited).toBe(3)
  })

  it('copies no piece', async () => {
    const sink = new Recorder(() => false)
    await new PieceFeed(pieces, 7).writeInto(sink)
    expect(sink.taken).toEqual(pieces)
    expect(sink.taken.every((piece, i) => piece === pieces[i])).toBe(true)
  })

  it('refuses pieces that would never end', () => {
    expect(() => new PieceFeed([Buffer.alloc(0)], 1)).toThrow(RangeError)
  })
})
