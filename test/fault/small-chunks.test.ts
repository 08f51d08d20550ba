import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import { temporaryFolder } from '../support/folders.ts'
import {
  block,
  CallLog,
  expectContent,
  FullDisk,
  HeldWrites,
  isPending,
  openOver,
  poolWatch,
  rejection,
  soon,
} from './disk.ts'

const folder = temporaryFolder()
const bufferSize = 16 * block
/** An eighth of a buffer and less is taken at once or not at all. */
const largest = bufferSize / 8

/** Fills all buffers but for `leftBytes`, with writes that are held. */
async function openFilled(queueDepth: number, leftBytes: number) {
  const writes = new HeldWrites()
  const { writer, path } = await openOver(folder, writes.faults, { bufferSize, queueDepth })
  const before = someBytes(queueDepth * bufferSize - leftBytes, 3)
  expect(writer.writeSync(before)).toBe(true)
  return { writes, writer, path, before }
}

describe.each([1, 2, 3])('a chunk much smaller than a buffer, with %i buffers', (queueDepth) => {
  it.each([1, block - 1, block, block + 1, largest - 1])(
    'waits for room with %i bytes left, and is taken whole, in order with those behind it',
    async (leftBytes) => {
      const given = poolWatch()
      const { writes, writer, path, before } = await openFilled(queueDepth, leftBytes)
      const chunks = [largest, 7, largest, 100, largest].map((bytes, index) => someBytes(bytes, index))
      const calls = chunks.map((chunk) => writer.write(chunk))
      expect(await isPending(calls[0]!)).toBe(true)
      // An only buffer is filled to its end first.
      expect(writer.acceptedBytes).toBe(before.byteLength + (queueDepth === 1 ? leftBytes : 0))
      writes.letAllThrough()
      await soon(Promise.all(calls), 'the writes')
      await writer.end()
      expectContent(path, Buffer.concat([before, ...chunks]))
      given()
    },
  )

  it.each([largest, largest + 1, bufferSize - 1, bufferSize])(
    'of %i bytes fits wherever the file stands',
    async (most) => {
      const { writer, path } = await openOver(folder, {}, { bufferSize, queueDepth })
      const all: Buffer[] = []
      for (let round = 0; round < 40; round++) {
        // Also off the blocks of the file system, and with every length of tail.
        const sizes = [most - (round % 3), 1 + ((round * 611) % block), most]
        const chunks = sizes.map((bytes, index) => someBytes(bytes, 3 * round + index))
        all.push(...chunks)
        await soon(Promise.all(chunks.map((chunk) => writer.write(chunk))), 'the writes')
        if (round % 4 === 0) await writer.flush()
      }
      await writer.end()
      expectContent(path, Buffer.concat(all))
    },
  )

  it('is not taken when the disk is full, and can be written again', async () => {
    const given = poolWatch()
    const disk = new FullDisk(2 * block)
    const { writer, path } = await openOver(folder, disk.faults, { bufferSize, queueDepth })
    const before = someBytes(queueDepth * bufferSize - 10, 3)
    expect(writer.writeSync(before)).toBe(true)
    const chunk = someBytes(100, 5)
    expect(await rejection(writer.write(chunk))).toMatchObject({ code: 'ENOSPC', retryable: true })
    expect(writer.acceptedBytes).toBe(before.byteLength)
    disk.makeSpace()
    await soon(writer.write(chunk), 'the write that has room')
    await writer.end()
    expectContent(path, Buffer.concat([before, chunk]))
    given()
  })

  it('is not taken when it was transferred away meanwhile', async () => {
    const { writes, writer, path, before } = await openFilled(queueDepth, 10)
    const chunk = Uint8Array.from(someBytes(100))
    const outcome = rejection(writer.writev(['a', chunk]))
    expect(await isPending(outcome)).toBe(true)
    structuredClone(chunk.buffer, { transfer: [chunk.buffer] })
    writes.letAllThrough()
    expect(await outcome).toMatchObject({ code: 'ERR_BUFFER_DETACHED' })
    expect(writer.acceptedBytes).toBe(before.byteLength)
    await writer.end()
    expectContent(path, before)
  })

  it('is not taken when the writer fails meanwhile', async () => {
    const { writes, writer } = await openFilled(queueDepth, 10)
    const outcome = rejection(writer.write(someBytes(100)))
    expect(await isPending(outcome)).toBe(true)
    const reason = new Error('enough')
    writer.fail(reason)
    writes.letAllThrough()
    expect(await outcome).toBe(reason)
    await soon(writer[Symbol.asyncDispose](), 'disposal')
  })
})

it('fills an only buffer to its end, so that writes end on file-system blocks', async () => {
  const log = new CallLog()
  const { writer } = await openOver(folder, log.over(), { bufferSize, queueDepth: 1 })
  const chunk = someBytes(157)
  while (writer.acceptedBytes < 3.5 * bufferSize) {
    if (!writer.writeSync(chunk)) await writer.write(chunk)
  }
  const lengths = log.calls.filter(({ name }) => name === 'pwrite').map(({ parameters }) => parameters[2])
  expect(lengths).toEqual([bufferSize, bufferSize, bufferSize])
  await writer.end()
})
