import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectFile, gatedBinding, openSmall } from './tools.ts'

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

  it('waits with drain for the loop alone while buffers are free, not for the disk', async () => {
    const path = freshPath(folder)
    const { native, open, waiting } = gatedBinding()
    const queueDepth = 4
    const writer = await openSmall(path, 'direct', { bufferSize, queueDepth }, { binding: native })
    const chunks: Buffer[] = []
    for (let i = 0; i < queueDepth; i++) {
      const before = writer.position
      waitBusily(1)
      while (writer.position - before < bufferSize - piece.byteLength && writer.writeSync(piece)) chunks.push(piece)
      waitBusily(1)
      while (writer.writeSync(piece)) chunks.push(piece)
      // Nothing lands: what it waits for can't be the disk, but when all buffers are out.
      if (i < queueDepth - 1) await writer.drain()
    }
    // Every buffer but the last one was full when it went out.
    expect(waiting()).toBe(queueDepth - 1)
    expect(writer.position).toBeGreaterThan(queueDepth * bufferSize - piece.byteLength)
    open()
    await writer.end()
    expectFile(path, Buffer.concat(chunks))
  })

  it('is not held up by what was filled before the loop last went round', async () => {
    const long = await openSmall(freshPath(folder), 'direct', { bufferSize })
    const other = await openSmall(freshPath(folder), 'direct', { bufferSize })
    while (long.position < bufferSize - piece.byteLength) expect(long.writeSync(piece)).toBe(true)
    await setImmediate()
    await setImmediate()
    expect(other.writeSync('x')).toBe(true)
    waitBusily(1)
    expect(long.writeSync(piece)).toBe(true)
    await Promise.all([long.end(), other.end()])
  })
})
