import { describe, expect, it } from 'vitest'
import { pageCacheOf } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { strategyInEffect } from '../support/mode.ts'
import { everyStrategy, openSmall, openUsual } from './tools.ts'

const folder = temporaryFolder()
const mebibyte = 1024 * 1024
const fileBytes = 32 * mebibyte

async function residentBytes(path: string): Promise<number> {
  return (await pageCacheOf(path)).residentBytes
}

describe.each(everyStrategy)('a file of 32 MiB under %s', (strategy) => {
  it.each([0, 1001])('leaves in the page cache what the strategy says, %i bytes more', async (more) => {
    const path = freshPath(folder)
    const writer = await openUsual(path, strategy)
    const chunk = someBytes(mebibyte)
    for (let i = 0; i < fileBytes / mebibyte; i++) await writer.write(chunk)
    await writer.write(chunk.subarray(0, more))
    await writer.end()
    const left = await residentBytes(path)
    switch (strategyInEffect(strategy)) {
      case 'direct':
        expect(left).toBe(0)
        break
      case 'dontcache':
      case 'evict':
        expect(left).toBeLessThan(0.05 * fileBytes)
        break
      case 'buffered':
        expect(left).toBeGreaterThan(0.95 * fileBytes)
        break
    }
  })

  it('written as small records leaves no more', async () => {
    const path = freshPath(folder)
    const writer = await openUsual(path, strategy)
    const record = someBytes(157)
    for (let written = 0; written < fileBytes; written += record.byteLength) {
      if (!writer.writeSync(record)) await writer.write(record)
    }
    await writer.end()
    const left = await residentBytes(path)
    if (strategyInEffect(strategy) === 'buffered') expect(left).toBeGreaterThan(0.95 * fileBytes)
    else expect(left).toBeLessThan(strategyInEffect(strategy) === 'direct' ? 1 : 0.05 * fileBytes)
  })
})

describe('a direct writer', () => {
  it.each([1, 511, 512, 4095, 4096, 4097, 20_001])('leaves no page of %i bytes', async (byteLength) => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write(someBytes(byteLength))
    await writer.end()
    expect(await residentBytes(path)).toBe(0)
  })

  it.each([
    [100, 50],
    [100, 412],
    [1000, 3096],
    [5001, 3191],
    [4096, 1],
    [20_001, 40_000],
  ])('leaves no page after a flush at %i and %i bytes more', async (first, more) => {
    for (const call of ['flush', 'sync'] as const) {
      const path = freshPath(folder)
      const writer = await openSmall(path)
      await writer.write(someBytes(first))
      await writer[call]()
      await writer.write(someBytes(more))
      await writer[call]()
      await writer.end()
      expect(await residentBytes(path)).toBe(0)
    }
  })

  it('leaves no page when syncs that nobody awaits overlap with what follows', async () => {
    const left: number[] = []
    for (let i = 0; i < 20; i++) {
      const path = freshPath(folder)
      const writer = await openSmall(path)
      await writer.write(someBytes(1001))
      const synced = writer.sync()
      const written = writer.write(someBytes(1000 + i))
      const flushed = i % 2 === 0 ? writer.flush() : undefined
      await writer.end()
      await Promise.all([synced, written, flushed])
      left.push(await residentBytes(path))
    }
    expect(left).toEqual(left.map(() => 0))
  })

  it('leaves no page after writeAt', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write(someBytes(50_001))
    await writer.flush()
    for (const offset of [0, 777, 8191, 49_990]) await writer.writeAt('patched', offset)
    await writer.end()
    expect(await residentBytes(path)).toBe(0)
  })

  it('leaves no page of a file that was preallocated', async () => {
    for (const byteLength of [0, 1, 10_001, 100_001]) {
      const path = freshPath(folder)
      const writer = await openSmall(path, 'direct', { preallocate: 65_537 })
      await writer.write(someBytes(byteLength))
      await writer.end()
      expect(await residentBytes(path)).toBe(0)
    }
  })

  it('leaves no page of a file that it replaces', async () => {
    const path = freshPath(folder)
    for (const strategy of ['buffered', 'direct'] as const) {
      const writer = await openUsual(path, strategy)
      await writer.write(someBytes(100_001))
      await writer.end()
    }
    expect(await residentBytes(path)).toBe(0)
  })

  it('has no more than the page that was cut in the cache while it writes', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    for (let i = 0; i < 10; i++) {
      await writer.write(someBytes(30_001, i))
      expect(await writer.residentBytes()).toBeLessThanOrEqual(4096)
      await writer.flush()
      expect(await writer.residentBytes()).toBeLessThanOrEqual(4096)
    }
    await writer.end()
    expect(await residentBytes(path)).toBe(0)
  })
})
