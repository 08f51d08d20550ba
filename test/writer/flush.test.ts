import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { randomNumbers, someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { everyStrategy, expectFile, notingBinding, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()
const lengths = [0, 1, 511, 512, 513, 4095, 4096, 4097, 8191, 8192, 8193, 20_001]

describe.each(everyStrategy)('flush and sync under %s', (strategy) => {
  it.each(lengths)('make the file exact at %i bytes, and writing goes on', async (byteLength) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy)
    const bytes = someBytes(byteLength + 10_000)
    await writer.write(bytes.subarray(0, byteLength))
    await writer.flush()
    expectFile(path, bytes.subarray(0, byteLength))
    expect(writer.writtenBytes).toBe(byteLength)

    await writer.write(bytes.subarray(byteLength, byteLength + 1))
    await writer.sync()
    expectFile(path, bytes.subarray(0, byteLength + 1))
    expect(writer.syncedBytes).toBe(byteLength + 1)

    await writer.write(bytes.subarray(byteLength + 1))
    await writer.end()
    expectFile(path, bytes)
  })

  it.each([1, 2, 3])('make the file exact at any length, run %i', async (seed) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { queueDepth: seed })
    const next = randomNumbers(seed)
    const bytes = someBytes(150_000, seed)
    let position = 0
    for (let i = 0; i < 40; i++) {
      const count = next(2) === 0 ? next(600) : next(9000)
      const chunk = bytes.subarray(position, position + count)
      if (position + count > bytes.byteLength) break
      if (!writer.writeSync(chunk)) await writer.write(chunk)
      position += count
      if (next(3) === 0) await writer.sync()
      else await writer.flush()
      expect(statSync(path).size).toBe(position)
      expectFile(path, bytes.subarray(0, position))
    }
    await writer.end()
    expectFile(path, bytes.subarray(0, position))
  })
})

describe('flush', () => {
  it('takes reserved bytes along', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    writer.reserve(700)?.set(someBytes(700))
    writer.commit(600)
    await writer.flush()
    expectFile(path, someBytes(700).subarray(0, 600))
    await writer.end()
  })

  it.each([0, 512, 4096, 777])('does not write again when nothing is new at %i bytes', async (byteLength) => {
    const { native, writes, calls } = notingBinding()
    const writer = await openSmall(freshPath(folder), 'direct', {}, { binding: native })
    await writer.write(someBytes(byteLength))
    await writer.flush()
    const before = [...calls]
    await writer.flush()
    expect(calls).toEqual(before)
    await writer.sync()
    expect(calls).toEqual([...before, 'fdatasync', 'syncFolder'])
    await writer.sync()
    expect(calls).toEqual([...before, 'fdatasync', 'syncFolder', 'fdatasync'])
    const written = writes.length
    await writer.end()
    expect(writes.length).toBe(written)
  })

  it('writes no block again but the last, partly filled one', async () => {
    const { native, writes } = notingBinding()
    const writer = await openSmall(freshPath(folder), 'direct', {}, { binding: native })
    await writer.write(someBytes(1000))
    await writer.flush()
    await writer.write(someBytes(1000))
    await writer.flush()
    const block = writer.alignment?.offset as number
    expect(writes.map(({ position }) => position)).toEqual([0, 1000 - (1000 % block)])
    await writer.end()
  })

  it('comes back to whole pages with the writes behind it', async () => {
    const { native, writes } = notingBinding()
    const writer = await openSmall(freshPath(folder), 'direct', {}, { binding: native })
    await writer.write(someBytes(700))
    await writer.flush()
    await writer.write(someBytes(10 * smallBuffer))
    await writer.end()
    const inner = writes.slice(2, -1)
    expect(inner.length).toBeGreaterThan(5)
    for (const { position, length } of inner) expect([position % 4096, length % 4096]).toEqual([0, 0])
  })

  it('rejects nothing and loses nothing when called many times at once', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    const expected: Uint8Array[] = []
    const calls: Promise<void>[] = []
    for (let i = 0; i < 30; i++) {
      expected.push(someBytes(333, i))
      calls.push(writer.write(someBytes(333, i)), i % 2 === 0 ? writer.flush() : writer.sync())
    }
    await Promise.all(calls)
    expectFile(path, Buffer.concat(expected))
    await writer.end()
  })
})

describe('sync', () => {
  it('cuts the padding off before fdatasync, and makes the name of a new file durable', async () => {
    const { native, calls } = notingBinding()
    const writer = await openSmall(freshPath(folder), 'direct', {}, { binding: native })
    await writer.write(someBytes(1000))
    await writer.sync()
    expect(calls).toEqual(['pwrite', 'ftruncate', 'fdatasync', 'syncFolder'])
    await writer.end()
  })

  it('lets writing go on while the disk syncs', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write(someBytes(1000, 1))
    const synced = writer.sync()
    await writer.write(someBytes(1000, 2))
    await writer.flush()
    await synced
    expect(writer.syncedBytes).toBe(1000)
    await writer.end()
    expectFile(path, Buffer.concat([someBytes(1000, 1), someBytes(1000, 2)]))
  })
})
