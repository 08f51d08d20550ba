import { describe, expect, it } from 'vitest'
import type { Chunk } from '../../src/index.ts'
import { randomNumbers, someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { codeFrom, everyStrategy, expectFile, gatedBinding, idle, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()

/** Where bytes are when the patch comes: 20000 long written, 8192 more in flight or written, then a tail. */
const writtenBytes = 20_000
const allBytes = 33_000

describe.each(everyStrategy)('writeAt under %s', (strategy) => {
  const ranges = [
    [0, 1],
    [0, allBytes],
    [511, 2],
    [512, 512],
    [5000, 9000],
    [writtenBytes - 1, 2],
    [writtenBytes - 700, 9000],
    [allBytes - 1, 1],
    [allBytes - 600, 600],
    [allBytes, 0],
    [4095, 4097],
  ] as const

  it.each(ranges)('replaces from %i on %i bytes, wherever they are', async (offset, byteLength) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy)
    const expected = someBytes(allBytes)
    await writer.write(expected.subarray(0, writtenBytes))
    await writer.flush()
    await writer.write(expected.subarray(writtenBytes))
    const patch = someBytes(byteLength, 99)
    await writer.writeAt(patch, offset)
    expected.set(patch, offset)
    expect(writer.acceptedBytes).toBe(allBytes)
    await writer.flush()
    expectFile(path, expected)
    await writer.write(Buffer.from('more'))
    await writer.end()
    expectFile(path, Buffer.concat([expected, Buffer.from('more')]))
  })

  it.each(ranges)('replaces from %i on %i bytes after a flush', async (offset, byteLength) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { queueDepth: 1 })
    const expected = someBytes(allBytes)
    await writer.write(expected)
    await writer.sync()
    const patch = someBytes(byteLength, 99)
    await writer.writeAt(patch, offset)
    expected.set(patch, offset)
    await writer.end()
    expectFile(path, expected)
  })

  it.each([1, 2, 3])('agrees with a byte array over random operations, run %i', async (seed) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { queueDepth: 1 + (seed % 3) })
    const next = randomNumbers(seed)
    const expected = Buffer.alloc(200_000)
    let position = 0
    for (let i = 0; i < 100; i++) {
      const what = next(10)
      if (what < 4) {
        const chunk = someBytes(next(4000), i)
        await writer.write(chunk)
        expected.set(chunk, position)
        position += chunk.byteLength
      } else if (what < 9) {
        const offset = next(position + 1)
        const patch = someBytes(next(Math.min(position - offset, 12_000) + 1), i)
        await writer.writeAt(patch, offset)
        expected.set(patch, offset)
      } else {
        await writer.flush()
        expectFile(path, expected.subarray(0, position))
      }
    }
    await writer.end()
    expectFile(path, expected.subarray(0, position))
  })
})

describe('writeAt', () => {
  it('waits for what is in flight and comes out on top of it', async () => {
    const path = freshPath(folder)
    const { native, open, waiting } = gatedBinding()
    const writer = await openSmall(path, 'direct', {}, { binding: native })
    const expected = someBytes(3 * smallBuffer)
    expect(writer.writeSync(expected)).toBe(true)
    await idle()
    expect(waiting()).toBe(3)
    const patch = someBytes(smallBuffer + 10, 5)
    const patched = writer.writeAt(patch, 5000)
    await idle()
    expect(waiting()).toBe(3)
    open()
    await patched
    expected.set(patch, 5000)
    await writer.end()
    expectFile(path, expected)
  })

  it('replaces bytes that are only buffered without a call to the kernel', async () => {
    const path = freshPath(folder)
    const { native, open } = gatedBinding()
    const writer = await openSmall(path, 'direct', {}, { binding: native })
    await writer.write('hello world')
    await writer.writeAt('W', 6)
    await writer.writeAt('J', 0)
    open()
    await writer.end()
    expectFile(path, Buffer.from('Jello World'))
  })

  it('keeps its place when nobody awaits', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    const calls = [
      writer.write('aaaa'),
      writer.writeAt('b', 0),
      writer.flush(),
      writer.writeAt('c', 1),
      writer.write('dd'),
      writer.writeAt('ee', 3),
      writer.writeAt('ff', 4),
    ]
    await writer.end()
    await Promise.all(calls)
    expectFile(path, Buffer.from('bcaeff'))
  })

  it('takes every kind of chunk', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write('0123456789'.repeat(3))
    const chunks: [Chunk, number][] = [
      ['€', 0],
      [new DataView(Uint8Array.of(65, 66).buffer, 1), 5],
      [Uint16Array.of(0x4344), 8],
      [new ArrayBuffer(1), 29],
    ]
    for (const [chunk, offset] of chunks) await writer.writeAt(chunk, offset)
    await writer.end()
    expectFile(path, Buffer.from('€34B67DC0123456789012345678\0'))
  })

  it('is refused past what was accepted, and changes nothing', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write('0123456789')
    for (const [chunk, offset] of [
      ['x', 10],
      ['xx', 9],
      ['', 11],
      ['x', 2 ** 50],
    ] as const) {
      expect(await codeFrom(() => writer.writeAt(chunk, offset))).toBe('ERR_NOT_ACCEPTED')
    }
    await writer.writeAt('', 10)
    for (const offset of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(await codeFrom(() => writer.writeAt('x', offset))).toBe('ERR_OUT_OF_RANGE')
    }
    expect(await codeFrom(() => writer.writeAt('x', '0' as unknown as number))).toBe('ERR_INVALID_ARG_TYPE')
    expect(await codeFrom(() => writer.writeAt(5 as unknown as Chunk, 0))).toBe('ERR_INVALID_ARG_TYPE')
    await writer.end()
    expectFile(path, Buffer.from('0123456789'))
  })

  it('reaches bytes that a call before it, not yet done, gives', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await Promise.all([writer.flush(), writer.write('late'), writer.writeAt('G', 0)])
    await writer.end()
    expectFile(path, Buffer.from('Gate'))
  })

  it('is in the file after sync, and durable', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    const expected = someBytes(5000)
    await writer.write(expected)
    await writer.sync()
    for (const offset of [0, 4096, 4990]) {
      await writer.writeAt('patch', offset)
      expected.write('patch', offset)
      await writer.sync()
      expectFile(path, expected)
    }
    await writer.end()
  })
})
