import { readFileSync, statSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { directIsForced } from '../../src/force.ts'
import { openWriter, pageCacheOf, type Strategy } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { faultyBinding, kernelError, openForTest } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectMode, strategiesInEffect } from '../support/mode.ts'
import { codeFrom, everyStrategy, expectFile } from './tools.ts'

const folder = temporaryFolder()
// tmpfs is the page cache: it takes O_DIRECT all the same.
const cached = temporaryFolder('/dev/shm')

const mebibyte = 1024 * 1024
const content = someBytes(3 * mebibyte + 333)

describe.each(strategiesInEffect(...everyStrategy))('%s on a disk', (strategy) => {
  it('is looked at while it writes and at its end, and found to be as it says', async () => {
    const path = freshPath(folder)
    const writer = await openWriter(path, { strategy, verify: true, bufferSize: 256 * 1024 })
    expectMode(writer, strategy)
    for (let i = 0; i < 8; i++) await writer.write(content)
    await writer.end()
    const { footprint, inEffect } = writer.mode
    expect(inEffect).toBe(strategy)
    expect(footprint?.checks).toBeGreaterThan(1)
    const whole = Math.ceil((8 * content.byteLength) / 4096) * 4096
    expect(footprint?.residentBytes).toBe(strategy === 'buffered' ? whole : 0)
    expect(footprint?.peakBytes).toBeGreaterThanOrEqual(footprint?.residentBytes as number)
    expect((await pageCacheOf(path)).residentBytes).toBe(footprint?.residentBytes)
  })
})

it('is not looked at unless that was asked for', async () => {
  const writer = await openWriter(freshPath(folder))
  await writer.write(content)
  await writer.end()
  expect(writer.mode.footprint).toBeNull()
})

describe('a file system that takes O_DIRECT and uses the cache', () => {
  it('is refused with the figure when direct is required, and the file keeps what was written', async () => {
    const path = freshPath(cached)
    // A look begins with the write: this one sees what the write has done.
    let wrote: (() => void) | undefined
    const written = new Promise<void>((resolve) => (wrote = resolve))
    const native = faultyBinding({
      pwrite: (real, ...parameters) => real.pwrite(...parameters).finally(wrote),
      cachestat: (real) => written.then(() => real.cachestat()),
    })
    const writer = await openForTest(path, { strategy: 'direct', verify: true }, { binding: native })
    await writer.write(content)
    const error = await writer.end().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'UncachedIOError', code: 'ERR_FOOTPRINT', path })
    const { residentBytes, message } = error as { residentBytes: number; message: string }
    expect(residentBytes).toBeGreaterThan(1_000_000)
    expect(message).toMatch(/^direct does not keep '.*' out of the page cache: \d+ bytes of it are in the page cache/)
    expect(statSync(path).size).toBe(writer.writtenBytes)
    expect(await codeFrom(() => writer.write('more'))).toBe('ERR_FOOTPRINT')
  })

  it('is refused while it is being written, not only in the end', async () => {
    const writer = await openWriter(freshPath(cached), { strategy: 'direct', verify: true, bufferSize: 64 * 1024 })
    const write = async (): Promise<void> => {
      for (let i = 0; i < 1000; i++) await writer.write(content.subarray(0, 64 * 1024))
    }
    expect(await codeFrom(write)).toBe('ERR_FOOTPRINT')
    expect(writer.acceptedBytes).toBeLessThan(1000 * 64 * 1024)
    await writer[Symbol.asyncDispose]()
  })

  test.skipIf(directIsForced())('is gone on with when direct is preferred, as evict and then as buffered', async () => {
    const path = freshPath(cached)
    const writer = await openWriter(path, { strategy: 'direct', policy: 'prefer', verify: true })
    expect(writer.mode).toMatchObject({ asked: 'direct', policy: 'prefer', inEffect: 'direct', why: null })
    for (let i = 0; i < 4; i++) await writer.write(content)
    expect(await writer.end()).toBe(4 * content.byteLength)
    const { inEffect, why, transferredBytes } = writer.mode
    expect(inEffect).toBe('buffered')
    expect(why).toMatch(/^direct: \d+ bytes of it are in the page cache, \d+ may be; evict: \d+ bytes of it are/)
    const { direct, dontcache, evict, buffered } = transferredBytes
    expect(dontcache).toBe(0)
    expect(direct).toBeGreaterThan(0)
    expect(direct + evict + buffered).toBeGreaterThanOrEqual(4 * content.byteLength)
    expect(readFileSync(path).equals(Buffer.concat([content, content, content, content]))).toBe(true)
  })
})

it('a kernel that will not say what is in the cache fails an end that was to be verified', async () => {
  const path = freshPath(folder)
  const native = faultyBinding({
    cachestat: async () => {
      throw kernelError('EIO', 5, 'cachestat')
    },
  })
  const strategy: Strategy = 'direct'
  const writer = await openForTest(path, { strategy, verify: true }, { binding: native })
  await writer.write(content)
  await expect(writer.end()).rejects.toMatchObject({
    code: 'EIO',
    syscall: 'cachestat',
    syncedBytes: content.byteLength,
  })
  expectFile(path, content)
})

it('what others had in the cache before is not held against the writer', async () => {
  const path = freshPath(folder)
  const before = await openWriter(path, { strategy: 'direct', keepCached: [{ offset: 0 }] })
  await before.write(content)
  await before.end()
  expect((await pageCacheOf(path)).residentBytes).toBeGreaterThan(3 * mebibyte)
  const writer = await openWriter(path, { strategy: 'direct', flags: 'a', verify: true })
  await writer.write('more')
  await writer.end()
  // All but the last page, which was written past the cache now.
  expect(writer.mode.footprint?.residentBytes).toBe(3 * mebibyte)
})
