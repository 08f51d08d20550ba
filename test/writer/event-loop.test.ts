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
  it.each(['direct', 'buffered'] as const)('goes on when the event loop has gone round: %s', async (asked) => {
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
      // Half a buffer and a step between two rounds of the loop, though there is room.
      expect(writer.position - before).toBeLessThanOrEqual(1.5 * MiB)
      expect(timers).toBe(round)
      setTimeout(() => timers++, 0)
      waitBusily(2)
      if (refused) await writer.drain()
    }
    expect(await writer.end()).toBeGreaterThanOrEqual(wanted)
    expectFile(path, Buffer.concat(Array.from({ length: writer.acceptedBytes / piece.byteLength }, () => piece)))
  })

  it.each([1000, 4095, 4096, 8192, 65_536])('lets it go round inside a large buffer, by chunks of %i', async (size) => {
    const writer = await openSmall(freshPath(folder), 'direct', { bufferSize: 64 * MiB, queueDepth: 2 })
    const chunk = Buffer.alloc(size, 7)
    expect(writer.writeSync('x')).toBe(true)
    waitBusily(1)
    while (writer.writeSync(chunk)) expect(writer.position).toBeLessThanOrEqual(2 * MiB)
    // A MiB, a step, and the chunk that goes beyond.
    expect(writer.position).toBeLessThanOrEqual(1.5 * MiB + size)
    writer.fail()
    await writer[Symbol.asyncDispose]()
  })

  it('waits with drain for the loop alone while buffers are free, not for the disk', async () => {
    const path = freshPath(folder)
    const { native, open, waiting } = gatedBinding()
    const queueDepth = 4
    const writer = await openSmall(path, 'direct', { bufferSize, queueDepth }, { binding: native })
    const chunks: Buffer[] = []
    const most = queueDepth * bufferSize - piece.byteLength
    let refusals = 0
    while (writer.position <= most) {
      waitBusily(1)
      while (writer.writeSync(piece)) chunks.push(piece)
      refusals++
      // Nothing lands: what it waits for can't be the disk, but when all buffers are out.
      if (writer.position <= most) await writer.drain()
    }
    expect(refusals).toBeGreaterThan(queueDepth)
    // Every buffer but the last one was full when it went out.
    expect(waiting()).toBe(queueDepth - 1)
    open()
    await writer.end()
    expectFile(path, Buffer.concat(chunks))
  })

  it('gets a call undone that waits for the loop with a buffer half full', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, 'direct', { bufferSize, queueDepth: 4 })
    expect(writer.writeSync(piece)).toBe(true)
    waitBusily(1)
    // More than all buffers hold, so that it can't be taken at once; the loop is due in the first of them.
    const chunks = Array.from({ length: 40 }, () => new Uint8Array(300_000).fill(7))
    const call = writer.writev(chunks)
    await Promise.resolve()
    const taken = writer.position - piece.byteLength
    expect(taken).toBeGreaterThanOrEqual(MiB)
    expect(taken).toBeLessThan(bufferSize - piece.byteLength)
    structuredClone(null, { transfer: [chunks[39]!.buffer] })
    await expect(call).rejects.toMatchObject({ code: 'ERR_BUFFER_DETACHED' })
    expect(writer.position).toBe(piece.byteLength)
    expect(writer.writeSync(piece)).toBe(true)
    expect(await writer.end()).toBe(2 * piece.byteLength)
    expectFile(path, Buffer.concat([piece, piece]))
  })

  it('is not held up by what was filled before the loop last went round', async () => {
    const long = await openSmall(freshPath(folder), 'direct', { bufferSize })
    const other = await openSmall(freshPath(folder), 'direct', { bufferSize })
    const fillTo = (end: number) => {
      while (long.position < end - piece.byteLength) expect(long.writeSync(piece)).toBe(true)
    }
    fillTo(MiB)
    await setImmediate()
    await setImmediate()
    expect(other.writeSync('x')).toBe(true)
    waitBusily(1)
    fillTo(MiB + 0.4 * MiB)
    await Promise.all([long.end(), other.end()])
  })
})
