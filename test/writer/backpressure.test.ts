import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sharedPool } from '../../src/buffer-pool.ts'
import { allocAligned, type OpenWriterOptions, type Writer } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { codeFrom, expectFile, gatedBinding, idle, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()
let usedBefore = 0

beforeEach(() => {
  usedBefore = sharedPool.usedBytes
})

afterEach(() => {
  expect(sharedPool.usedBytes).toBe(usedBefore)
})

/** A writer whose writes wait. */
async function openGated(options: OpenWriterOptions): Promise<{
  path: string
  writer: Writer
  open: () => void
  waiting: () => number
}> {
  const path = freshPath(folder)
  const { native, open, waiting } = gatedBinding()
  return { path, writer: await openSmall(path, 'direct', options, { binding: native }), open, waiting }
}

describe.each([1, 2, 3, 4])('a writer with %i buffers', (queueDepth) => {
  it('takes as much as it has buffers for, then nothing, then all again', async () => {
    const { path, writer, open, waiting } = await openGated({ queueDepth })
    const capacity = queueDepth * smallBuffer
    expect(writer.desiredSize).toBe(capacity)
    const chunks: Buffer[] = []
    for (let i = 0; i < 8 * queueDepth; i++) {
      chunks.push(someBytes(1024, i))
      expect(writer.writeSync(chunks[i] as Buffer)).toBe(true)
      expect(writer.desiredSize).toBe(capacity - 1024 * (i + 1))
    }
    expect(writer.writeSync('x')).toBe(false)
    expect(writer.writeSync('')).toBe(true)
    expect(writer.acceptedBytes).toBe(capacity)
    await idle()
    expect(waiting()).toBe(queueDepth)

    let drained = false
    const drain = writer.drain().then(() => {
      drained = true
    })
    await idle()
    expect(drained).toBe(false)
    expect(writer.desiredSize).toBe(0)
    open()
    await drain
    expect(writer.writeSync('x')).toBe(true)
    await writer.end()
    expectFile(path, Buffer.concat([...chunks, Buffer.from('x')]))
  })

  it('has no more than that many writes in flight and buffers in use', async () => {
    const { path, writer, open, waiting } = await openGated({ queueDepth })
    const chunk = someBytes(20 * smallBuffer + 5)
    const written = writer.write(chunk)
    await idle()
    expect(waiting()).toBe(queueDepth)
    expect(sharedPool.usedBytes - usedBefore).toBeLessThanOrEqual(queueDepth * (smallBuffer + 512))
    expect(writer.writeSync('y')).toBe(false)
    open()
    await written
    await writer.end()
    expectFile(path, chunk)
  })

  it('has no more than that many writes in flight when it copies nothing', async () => {
    const { path, writer, open, waiting } = await openGated({ queueDepth })
    const chunk = allocAligned(20 * smallBuffer)
    chunk.set(someBytes(chunk.byteLength))
    const written = writer.write(chunk)
    await idle()
    expect(waiting()).toBe(queueDepth)
    expect(sharedPool.usedBytes).toBe(usedBefore)
    open()
    await written
    await writer.end()
    expectFile(path, chunk)
  })

  it.each([0, 1, 512, 700, 4096, 5000])(
    'says by desiredSize exactly what fits, flushed at %i bytes',
    async (flushedAt) => {
      const path = freshPath(folder)
      const writer = await openSmall(path, 'direct', { queueDepth })
      await writer.write(someBytes(flushedAt))
      await writer.flush()
      const room = writer.desiredSize as number
      expect(room).toBeGreaterThan(0)
      expect(writer.writeSync(someBytes(room, 2))).toBe(true)
      await writer.end()
      expectFile(path, Buffer.concat([someBytes(flushedAt), someBytes(room, 2)]))
    },
  )
})

describe('drain', () => {
  it('makes room for the chunk that was refused, not just for some', async () => {
    const { writer, open } = await openGated({ queueDepth: 4 })
    expect(writer.writeSync(someBytes(4 * smallBuffer - 10))).toBe(true)
    const chunk = someBytes(3 * smallBuffer)
    expect(writer.writeSync(chunk)).toBe(false)
    const drained = writer.drain()
    open()
    await drained
    expect(writer.writeSync(chunk)).toBe(true)
    await writer.end()
  })

  it('of a chunk as large as a buffer finds room behind any tail', async () => {
    for (const queueDepth of [2, 4]) {
      const path = freshPath(folder)
      const writer = await openSmall(path, 'direct', { queueDepth })
      const expected: Buffer[] = []
      for (let i = 0; i < 20; i++) {
        const chunk = someBytes(i % 3 === 0 ? 511 + i : smallBuffer, i)
        expected.push(chunk)
        while (!writer.writeSync(chunk)) await writer.drain()
      }
      await writer.end()
      expectFile(path, Buffer.concat(expected))
    }
  })

  it('resolves at once when there is room', async () => {
    const { writer, open } = await openGated({})
    await writer.drain()
    await writer.write('x')
    await writer.drain()
    open()
    await writer.end()
  })

  it('says when a chunk never fits', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, 'direct', { queueDepth: 2 })
    await writer.write('first')
    const chunk = someBytes(3 * smallBuffer)
    expect(writer.writeSync(chunk)).toBe(false)
    expect(await codeFrom(() => writer.drain())).toBe('ERR_OUT_OF_RANGE')
    await writer.write(chunk)
    await writer.end()
    expectFile(path, Buffer.concat([Buffer.from('first'), chunk]))
  })

  it('rejects when the writer is closed', async () => {
    const { writer, open } = await openGated({})
    open()
    await writer.end()
    expect(await codeFrom(() => writer.drain())).toBe('ERR_WRITER_CLOSED')
  })
})

describe('writeSync', () => {
  it('is false, and takes nothing, while another call is under way', async () => {
    const { path, writer, open } = await openGated({})
    await writer.write('a')
    const flushed = writer.flush()
    expect(writer.desiredSize).toBe(0)
    expect(writer.writeSync('b')).toBe(false)
    expect(writer.writevSync(['b'])).toBe(false)
    expect(writer.acceptedBytes).toBe(1)
    open()
    await flushed
    expect(writer.writeSync('c')).toBe(true)
    await writer.end()
    expectFile(path, Buffer.from('ac'))
  })

  it('goes on while the disk is busy with the buffers before', async () => {
    const { path, writer, open, waiting } = await openGated({ queueDepth: 2 })
    expect(writer.writeSync(someBytes(smallBuffer))).toBe(true)
    await idle()
    expect(waiting()).toBe(1)
    expect(writer.writeSync(someBytes(smallBuffer - 1))).toBe(true)
    open()
    await writer.end()
    expectFile(path, Buffer.concat([someBytes(smallBuffer), someBytes(smallBuffer - 1)]))
  })
})
