import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectFile, openSmall } from './tools.ts'

const folder = temporaryFolder()

const MiB = 1024 * 1024
const bufferSize = 2 * MiB
/** No divisor of a buffer: the last one of a buffer goes on in the next. */
const piece = someBytes(1000)

function waitBusily(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('a caller who takes long to fill a buffer', () => {
  it.each(['direct', 'buffered'] as const)(
    'gets the next one when the event loop has gone round: %s',
    async (asked) => {
      const path = freshPath(folder)
      const writer = await openSmall(path, asked, { bufferSize, queueDepth: 4 })
      const wanted = 3 * bufferSize
      let timers = 0
      for (let round = 0; writer.position < wanted; round++) {
        const before = writer.position
        expect(writer.writeSync(piece)).toBe(true)
        waitBusily(1)
        let refused = false
        while (!refused && writer.position < wanted) refused = !writer.writeSync(piece)
        // Never more than a buffer between two rounds of the loop, though there is room.
        expect(writer.position - before).toBeLessThanOrEqual(bufferSize)
        expect(timers).toBe(round)
        setTimeout(() => timers++, 0)
        waitBusily(2)
        if (refused) await writer.drain()
      }
      expect(await writer.end()).toBeGreaterThanOrEqual(wanted)
      expectFile(path, Buffer.concat(Array.from({ length: writer.acceptedBytes / piece.byteLength }, () => piece)))
    },
  )
})
