import { describe, expect, it } from 'vitest'
import type { Writer } from '../../src/index.ts'
import { randomNumbers, someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { codeFrom, everyStrategy, expectFile, gatedBinding, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()

async function slotOf(writer: Writer, byteLength: number): Promise<Uint8Array> {
  let slot = writer.reserve(byteLength)
  while (slot === null) {
    await writer.drain()
    slot = writer.reserve(byteLength)
  }
  expect(slot.byteLength).toBe(byteLength)
  return slot
}

describe.each(everyStrategy)('reserve and commit under %s', (strategy) => {
  it.each([1, 2, 3, 4])('take what was filled in, with %i buffers', async (queueDepth) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { queueDepth })
    const next = randomNumbers(queueDepth)
    const expected: Uint8Array[] = []
    for (let i = 0; i < 50; i++) {
      const byteLength = [1, 100, 513, 4096, smallBuffer - 1, smallBuffer][next(6)] as number
      const used = [0, 1, byteLength, next(byteLength)][next(4)] as number
      const bytes = someBytes(byteLength, i)
      const slot = await slotOf(writer, byteLength)
      slot.set(bytes)
      writer.commit(used)
      expected.push(bytes.subarray(0, used))
    }
    await writer.end()
    expectFile(path, Buffer.concat(expected))
  })

  it.each([0, 1, 511, 512, 513, 4095, 4096, 8190, 8191])(
    'give a whole bufferSize behind a tail of %i bytes, with one buffer',
    async (tailBytes) => {
      const path = freshPath(folder)
      const writer = await openSmall(path, strategy, { queueDepth: 1 })
      await writer.write(someBytes(tailBytes))
      for (const seed of [2, 3]) {
        const slot = await slotOf(writer, smallBuffer)
        slot.set(someBytes(smallBuffer, seed))
        writer.commit(smallBuffer)
      }
      await writer.end()
      expectFile(path, Buffer.concat([someBytes(tailBytes), someBytes(smallBuffer, 2), someBytes(smallBuffer, 3)]))
    },
  )
})

describe('a slot', () => {
  it('goes on with the same memory after a smaller commit', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    const first = writer.reserve(100) as Uint8Array
    first.fill(1)
    writer.commit(10)
    const second = writer.reserve(100) as Uint8Array
    expect(second.buffer).toBe(first.buffer)
    expect(second.byteOffset).toBe(first.byteOffset + 10)
    second.fill(2)
    writer.commit(5)
    expect(writer.acceptedBytes).toBe(15)
    await writer.end()
    expectFile(path, Buffer.concat([Buffer.alloc(10, 1), Buffer.alloc(5, 2)]))
  })

  it('that nothing was committed of leaves nothing', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    writer.reserve(100)?.fill(255)
    writer.commit(0)
    writer.reserve(100)?.fill(255)
    await writer.write('x')
    await writer.end()
    expectFile(path, Buffer.from('x'))
  })

  it('is refused and drained like a chunk when all buffers are out', async () => {
    const path = freshPath(folder)
    const { native, open } = gatedBinding()
    const writer = await openSmall(path, 'direct', { queueDepth: 2 }, { binding: native })
    expect(writer.writeSync(someBytes(2 * smallBuffer))).toBe(true)
    expect(writer.reserve(1)).toBeNull()
    const drained = writer.drain()
    open()
    await drained
    writer.reserve(smallBuffer)?.fill(7)
    writer.commit(smallBuffer)
    await writer.end()
    expectFile(path, Buffer.concat([someBytes(2 * smallBuffer), Buffer.alloc(smallBuffer, 7)]))
  })

  it('is refused while another call is under way', async () => {
    const writer = await openSmall(freshPath(folder))
    await writer.write('x')
    const flushed = writer.flush()
    expect(writer.reserve(1)).toBeNull()
    await flushed
    expect(writer.reserve(1)).not.toBeNull()
    await writer.end()
  })

  const otherCalls: Record<string, (writer: Writer) => unknown> = {
    writeSync: (writer) => writer.writeSync('a'),
    writevSync: (writer) => writer.writevSync(['a']),
    write: (writer) => writer.write('a'),
    writeAt: (writer) => writer.writeAt('A', 0),
    flush: (writer) => writer.flush(),
    sync: (writer) => writer.sync(),
    drain: (writer) => writer.drain(),
    residentBytes: (writer) => writer.residentBytes(),
    commit: (writer) => writer.commit(1),
  }

  it.each(Object.entries(otherCalls))('is no longer valid after %s', async (_, call) => {
    const writer = await openSmall(freshPath(folder))
    await writer.write('start')
    expect(writer.reserve(10)).not.toBeNull()
    await call(writer)
    const accepted = writer.acceptedBytes
    expect(await codeFrom(() => writer.commit(10))).toBe('ERR_NOT_RESERVED')
    expect(writer.acceptedBytes).toBe(accepted)
    await writer.end()
  })

  it('is no longer valid after reset', async () => {
    const writer = await openSmall(freshPath(folder))
    writer.reserve(10)
    await writer.reset(freshPath(folder))
    expect(await codeFrom(() => writer.commit(10))).toBe('ERR_NOT_RESERVED')
    await writer.end()
  })

  it('cannot be committed without reserve, or past it', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    expect(await codeFrom(() => writer.commit(0))).toBe('ERR_NOT_RESERVED')
    writer.reserve(10)?.fill(1)
    expect(await codeFrom(() => writer.commit(11))).toBe('ERR_NOT_RESERVED')
    writer.commit(10)
    expect(await codeFrom(() => writer.commit(1))).toBe('ERR_NOT_RESERVED')
    await writer.end()
    expectFile(path, Buffer.alloc(10, 1))
  })

  it('keeps its memory when someone transfers it away', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    const slot = writer.reserve(10) as Uint8Array
    slot.fill(5)
    try {
      structuredClone(slot, { transfer: [slot.buffer as ArrayBuffer] })
    } catch {
      // Later versions of Node refuse; Node 20 copies.
    }
    expect(slot.byteLength).toBe(10)
    writer.commit(10)
    await writer.end()
    expectFile(path, Buffer.alloc(10, 5))
  })

  it('has a size from 1 to bufferSize', async () => {
    const writer = await openSmall(freshPath(folder))
    for (const byteLength of [0, -1, 1.5, Number.NaN, smallBuffer + 1, 2 ** 60]) {
      expect(await codeFrom(() => writer.reserve(byteLength))).toBe('ERR_OUT_OF_RANGE')
    }
    for (const used of [-1, 0.5, Number.POSITIVE_INFINITY]) {
      expect(await codeFrom(() => writer.commit(used))).toBe('ERR_OUT_OF_RANGE')
    }
    expect(await codeFrom(() => writer.reserve('10' as unknown as number))).toBe('ERR_INVALID_ARG_TYPE')
    expect(await codeFrom(() => writer.commit(10n as unknown as number))).toBe('ERR_INVALID_ARG_TYPE')
    await writer.end()
  })
})
