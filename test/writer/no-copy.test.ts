import { describe, expect, it } from 'vitest'
import { binding } from '../../src/binding.ts'
import { allocAligned, type Writer } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectFile, notingBinding, openSmall, smallBuffer, type Transfer } from './tools.ts'

const folder = temporaryFolder()

function aligned(byteLength: number, seed = 1): Uint8Array {
  const memory = allocAligned(byteLength)
  memory.set(someBytes(byteLength, seed))
  return memory
}

/** Bytes of the writes that came from this memory. */
function bytesFrom(memory: Uint8Array, writes: readonly Transfer[]): number {
  return writes.filter(({ view }) => view.buffer === memory.buffer).reduce((sum, { length }) => sum + length, 0)
}

async function writing(
  work: (writer: Writer) => Promise<unknown>,
  options: { queueDepth?: number; alignment?: { memory: number; offset: number } } = {},
): Promise<{ path: string; writes: Transfer[] }> {
  const path = freshPath(folder)
  const { native, writes } = notingBinding()
  const { queueDepth = 4, alignment } = options
  const internals = alignment === undefined ? { binding: native } : { binding: native, alignment }
  const writer = await openSmall(path, 'direct', { queueDepth }, internals)
  await work(writer)
  await writer.end()
  return { path, writes }
}

describe('a large aligned chunk at an aligned position', () => {
  it('goes out of the memory of the caller, but for its tail', async () => {
    const chunk = aligned(5 * smallBuffer + 100)
    const { path, writes } = await writing((writer) => writer.write(chunk))
    expect(bytesFrom(chunk, writes)).toBe(5 * smallBuffer)
    expectFile(path, chunk)
  })

  it('goes out so with one buffer, too', async () => {
    const chunk = aligned(5 * smallBuffer + 513)
    const { path, writes } = await writing((writer) => writer.write(chunk), { queueDepth: 1 })
    expect(bytesFrom(chunk, writes)).toBe(5 * smallBuffer + 512)
    expectFile(path, chunk)
  })

  it('goes out so behind whole blocks that are still buffered', async () => {
    const chunk = aligned(2 * smallBuffer)
    const { path, writes } = await writing(async (writer) => {
      await writer.write(someBytes(512))
      await writer.write(chunk)
    })
    expect(bytesFrom(chunk, writes)).toBe(chunk.byteLength)
    expectFile(path, Buffer.concat([someBytes(512), chunk]))
  })

  it('goes out so behind a flush on a block', async () => {
    const chunk = aligned(2 * smallBuffer)
    const { path, writes } = await writing(async (writer) => {
      await writer.write(someBytes(1024))
      await writer.flush()
      await writer.write(chunk)
    })
    expect(bytesFrom(chunk, writes)).toBe(chunk.byteLength)
    expectFile(path, Buffer.concat([someBytes(1024), chunk]))
  })

  it('resolves only when the file has it, so that its memory may be used again', async () => {
    const chunk = aligned(4 * smallBuffer)
    const expected = Buffer.from(chunk)
    const { path } = await writing(async (writer) => {
      await writer.write(chunk)
      expect(writer.writtenBytes).toBe(chunk.byteLength)
      chunk.fill(0)
    })
    expectFile(path, expected)
  })

  it('keeps its place among calls that nobody awaits', async () => {
    const chunks = [aligned(3 * smallBuffer + 7, 1), aligned(smallBuffer, 2), aligned(2 * smallBuffer, 3)]
    const { path } = await writing(async (writer) => {
      const calls = [
        writer.write('start'),
        writer.write(chunks[0] as Uint8Array),
        writer.write('x'),
        writer.flush(),
        writer.write(chunks[1] as Uint8Array),
        writer.write(chunks[2] as Uint8Array),
        writer.write('end'),
      ]
      await Promise.all(calls)
    })
    const [first, second, third] = chunks as [Uint8Array, Uint8Array, Uint8Array]
    const texts = ['start', 'x', 'end'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer]
    expectFile(path, Buffer.concat([texts[0], first, texts[1], second, third, texts[2]]))
  })

  it('is written in pieces of bufferSize, no more than queueDepth at a time', async () => {
    const chunk = aligned(9 * smallBuffer)
    const { writes } = await writing((writer) => writer.write(chunk), { queueDepth: 3 })
    expect(Math.max(...writes.map(({ length }) => length))).toBe(smallBuffer)
  })
})

describe('shared memory', () => {
  it('goes out without a copy when it is aligned', async () => {
    const path = freshPath(folder)
    const { native, writes } = notingBinding()
    const memory = new SharedArrayBuffer(5 * smallBuffer)
    const from = (4096 - binding().misalignment(new Uint8Array(memory), 4096)) % 4096
    const chunk = new Uint8Array(memory, from, 4 * smallBuffer)
    chunk.set(someBytes(4 * smallBuffer))
    const writer = await openSmall(path, 'direct', {}, { binding: native })
    await writer.write(chunk)
    await writer.end()
    expect(writes.every(({ view }) => view.buffer === memory)).toBe(true)
    expectFile(path, chunk)
  })
})

describe('a chunk is copied', () => {
  it('when its memory is not aligned', async () => {
    const chunk = aligned(4 * smallBuffer + 1).subarray(1)
    const { path, writes } = await writing((writer) => writer.write(chunk))
    expect(bytesFrom(chunk, writes)).toBe(0)
    expectFile(path, chunk)
  })

  it('when its memory is aligned, but less than the file asks for', async () => {
    const chunk = allocAligned(4 * smallBuffer + 512, 65_536).subarray(512)
    chunk.set(someBytes(4 * smallBuffer))
    const alignment = { memory: 4096, offset: 512 }
    const { path, writes } = await writing((writer) => writer.write(chunk), { alignment })
    expect(bytesFrom(chunk, writes)).toBe(0)
    expectFile(path, chunk)
  })

  it('when the position is not aligned', async () => {
    const chunk = aligned(4 * smallBuffer)
    const { path, writes } = await writing(async (writer) => {
      await writer.write('x')
      await writer.write(chunk)
    })
    expect(bytesFrom(chunk, writes)).toBe(0)
    expectFile(path, Buffer.concat([Buffer.from('x'), chunk]))
  })

  it('when it is smaller than a buffer', async () => {
    const chunk = aligned(smallBuffer - 512)
    const { writes } = await writing((writer) => writer.write(chunk))
    expect(bytesFrom(chunk, writes)).toBe(0)
  })

  it('by writeSync, whose caller may use the memory again at once', async () => {
    const chunk = aligned(2 * smallBuffer)
    const expected = Buffer.from(chunk)
    const { path, writes } = await writing(async (writer) => {
      expect(writer.writeSync(chunk)).toBe(true)
      chunk.fill(0)
    })
    expect(bytesFrom(chunk, writes)).toBe(0)
    expectFile(path, expected)
  })
})
