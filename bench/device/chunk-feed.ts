import type { DirectIOWriter } from 'uncached-io'
import type { Feed } from './feed.ts'
import type { SyncStretches } from './sync-stretches.ts'

/** Hands over a ring of chunks by `write`, with as many calls under way as the writer has buffers. */
export class ChunkFeed implements Feed {
  constructor(private readonly chunks: readonly Uint8Array[]) {}

  async write(writer: DirectIOWriter, bytes: number, stretches: SyncStretches): Promise<void> {
    const { chunks } = this
    const underWay: Promise<void>[] = []
    for (let index = 0, leftBytes = bytes; leftBytes > 0; index = (index + 1) % chunks.length) {
      stretches.begins()
      const whole = chunks[index]!
      const chunk = whole.length > leftBytes ? whole.subarray(0, leftBytes) : whole
      const write = writer.write(chunk)
      // It is awaited later on; until then a rejection must not count as one that nobody looks at.
      write.catch(() => {})
      underWay.push(write)
      leftBytes -= chunk.length
      stretches.ends(chunk.length)
      if (underWay.length >= writer.queueDepth) await underWay.shift()
    }
    await Promise.all(underWay)
  }
}
