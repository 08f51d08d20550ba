import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { pageCacheOf } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { strategyInEffect } from '../support/mode.ts'
import { codeFrom, dropFromCache, everyStrategy, expectFile, notingBinding, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()

/** A file of `byteLength` bytes, on the disk and not in the page cache. */
async function existing(byteLength: number): Promise<{ path: string; old: Buffer }> {
  const path = freshPath(folder)
  const old = someBytes(byteLength, 77)
  writeFileSync(path, old)
  await dropFromCache(path)
  return { path, old }
}

/** The file after `bytes` were written to `start`; zeros where it had nothing. */
function patched(old: Uint8Array, bytes: Uint8Array, start: number): Buffer {
  const result = Buffer.alloc(Math.max(old.byteLength, bytes.byteLength === 0 ? 0 : start + bytes.byteLength))
  result.set(old)
  if (bytes.byteLength > 0) result.set(bytes, start)
  return result
}

const ends = [0, 1, 511, 512, 513, 4095, 4096, 4097, 8191, 8192, 20_000]

describe.each(everyStrategy)("flags 'a' under %s", (strategy) => {
  it.each(ends)('continue a file that ends at %i', async (end) => {
    const { path, old } = await existing(end)
    const writer = await openSmall(path, strategy, { flags: 'a' })
    expect(writer.position).toBe(end)
    expect(writer.acceptedBytes).toBe(0)
    const bytes = someBytes(9000)
    await writer.write(bytes.subarray(0, 100))
    await writer.flush()
    expectFile(path, Buffer.concat([old, bytes.subarray(0, 100)]))
    await writer.write(bytes.subarray(100))
    expect(await writer.end()).toBe(9000)
    expectFile(path, Buffer.concat([old, bytes]))
    if (strategyInEffect(strategy) === 'direct') {
      // readFileSync above brought pages in; what this looks at is the next test's subject.
      expect(writer.writtenBytes).toBe(9000)
    }
  })

  it('make a file that is not there', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { flags: 'a' })
    await writer.write('new')
    await writer.end()
    expectFile(path, Buffer.from('new'))
  })

  it('leave a file alone to which nothing was written', async () => {
    const { path, old } = await existing(777)
    const writer = await openSmall(path, strategy, { flags: 'a' })
    await writer.flush()
    expect(await writer.end()).toBe(0)
    expectFile(path, old)
  })
})

describe.each(everyStrategy)("flags 'r+' under %s", (strategy) => {
  const starts = [0, 1, 511, 512, 513, 4096, 5000, 9999, 10_000, 10_001, 20_000]
  const sizes = [0, 1, 300, 512, 3000, 8192, 12_000]

  it.each(starts)('keep what is before and behind when they start at %i', async (start) => {
    for (const size of sizes) {
      const { path, old } = await existing(10_000)
      const writer = await openSmall(path, strategy, { flags: 'r+', start })
      expect(writer.position).toBe(start)
      const bytes = someBytes(size)
      const half = Math.floor(size / 2)
      await writer.write(bytes.subarray(0, half))
      await writer.flush()
      expectFile(path, patched(old, bytes.subarray(0, half), start))
      await writer.write(bytes.subarray(half))
      expect(await writer.end()).toBe(size)
      expectFile(path, patched(old, bytes, start))
    }
  })

  it('need a file', async () => {
    const path = freshPath(folder)
    expect(await codeFrom(() => openSmall(path, strategy, { flags: 'r+' }))).toBe('ENOENT')
    expect(existsSync(path)).toBe(false)
  })

  it('keep what is behind when the writer fails', async () => {
    const { path, old } = await existing(10_000)
    const writer = await openSmall(path, strategy, { flags: 'r+', start: 3000 })
    await writer.write(someBytes(700))
    await writer.flush()
    await writer.write(someBytes(10))
    writer.fail()
    await writer[Symbol.asyncDispose]()
    expectFile(path, patched(old, someBytes(700), 3000))
  })

  it('let writeAt patch from start on, not before', async () => {
    const { path, old } = await existing(10_000)
    const writer = await openSmall(path, strategy, { flags: 'r+', start: 1000 })
    await writer.write(someBytes(100))
    expect(await codeFrom(() => writer.writeAt('x', 999))).toBe('ERR_NOT_ACCEPTED')
    await writer.writeAt('x', 1000)
    await writer.end()
    const bytes = someBytes(100)
    bytes.write('x')
    expectFile(path, patched(old, bytes, 1000))
  })
})

describe.each(everyStrategy)('other flags under %s', (strategy) => {
  it("'w' empties the file", async () => {
    const { path } = await existing(10_000)
    const writer = await openSmall(path, strategy)
    await writer.write('short')
    await writer.end()
    expectFile(path, Buffer.from('short'))
  })

  it("'w' with a start leaves zeros before it", async () => {
    for (const start of [1, 513, 4096, 10_001]) {
      const { path } = await existing(20_000)
      const writer = await openSmall(path, strategy, { start })
      await writer.write(someBytes(600))
      await writer.end()
      expectFile(path, patched(Buffer.alloc(0), someBytes(600), start))
    }
  })

  it.each(['wx', 'ax'] as const)("'%s' makes a file and refuses one that is there", async (flags) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { flags })
    await writer.write('first')
    await writer.end()
    expect(await codeFrom(() => openSmall(path, strategy, { flags }))).toBe('EEXIST')
    expectFile(path, Buffer.from('first'))
  })

  it.each(['w+', 'wx+', 'a+', 'ax+'] as const)("'%s' is as without the plus", async (flags) => {
    const path = freshPath(folder)
    if (!flags.includes('x')) writeFileSync(path, 'old')
    const writer = await openSmall(path, strategy, { flags })
    await writer.write('new')
    await writer.end()
    expect(readFileSync(path, 'utf8')).toBe(flags === 'a+' ? 'oldnew' : 'new')
  })

  it('a new file gets the mode asked for', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { mode: 0o600 })
    await writer.end()
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })
})

describe('a direct writer', () => {
  it('reads a partly filled last block back past the cache', async () => {
    const { path, old } = await existing(5000)
    const { native, calls } = notingBinding()
    const writer = await openSmall(path, 'direct', { flags: 'a' }, { binding: native })
    expect(calls).toEqual(['pread'])
    expect((await pageCacheOf(path)).residentBytes).toBe(0)
    await writer.write(someBytes(3 * smallBuffer + 1))
    await writer.end()
    expect((await pageCacheOf(path)).residentBytes).toBe(0)
    expectFile(path, Buffer.concat([old, someBytes(3 * smallBuffer + 1)]))
  })

  it('leaves no page behind where it goes on in the middle of a file', async () => {
    for (const start of [0, 100, 5000, 20_001]) {
      const { path, old } = await existing(20_001)
      const writer = await openSmall(path, 'direct', { flags: 'r+', start })
      await writer.write(someBytes(3001))
      await writer.end()
      expect((await pageCacheOf(path)).residentBytes).toBe(0)
      expectFile(path, patched(old, someBytes(3001), start))
    }
  })

  it('leaves no page behind where it starts past the end', async () => {
    for (const start of [5001, 8192, 30_001]) {
      for (const size of [1, 100, 4096]) {
        const { path, old } = await existing(5000)
        const writer = await openSmall(path, 'direct', { flags: 'r+', start })
        await writer.write(someBytes(size))
        await writer.end()
        expect((await pageCacheOf(path)).residentBytes).toBe(0)
        expectFile(path, patched(old, someBytes(size), start))
      }
    }
  })
})
