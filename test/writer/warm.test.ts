import { constants } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { binding } from '../../src/binding.ts'
import { openWriter, pageCacheOf } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { faultyBinding, kernelError, openForTest } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectMode, strategiesInEffect } from '../support/mode.ts'
import { codeFrom, everyStrategy, expectFile } from './tools.ts'

const folder = temporaryFolder()
const page = 4096
const content = someBytes(3 * 1024 * 1024 + 333)
const wholeBytes = Math.ceil(content.byteLength / page) * page

/** Whether each of these pages is in the page cache: a file cut off behind it has one page less there. */
async function residentBelow(path: string, length: number): Promise<number> {
  const file = await binding().open(path, constants.O_RDONLY, 0)
  try {
    return (await file.mincore(length)) * page
  } finally {
    await file.close()
  }
}

describe.each(strategiesInEffect(...everyStrategy))('under %s', (strategy) => {
  const rest = strategy === 'buffered' ? wholeBytes : 0

  it('keepCached leaves these ranges for the next reader, and the rest uncached', async () => {
    const path = freshPath(folder)
    const keepCached = [{ offset: -5000 }, { offset: 100_000, length: 50_000 }]
    const writer = await openWriter(path, { strategy, keepCached })
    expectMode(writer, strategy)
    await writer.write(content)
    await writer.end()
    const footer = wholeBytes - Math.floor((content.byteLength - 5000) / page) * page
    const middle = 13 * page
    expect((await pageCacheOf(path)).residentBytes).toBe(rest || footer + middle)
    expect(await residentBelow(path, 98_304)).toBe(rest && 98_304)
    expect(await residentBelow(path, 98_304 + middle)).toBe(rest ? 98_304 + middle : middle)
    expectFile(path, content)
  })

  it('warm brings a range in at once, where it stays when the rest is dropped', async () => {
    const path = freshPath(folder)
    const writer = await openWriter(path, { strategy, bufferSize: 64 * 1024 })
    await writer.write(content)
    await writer.warm(0, 10)
    expect(await residentBelow(path, page)).toBe(page)
    await writer.warm(content.byteLength - 10, 10)
    await writer.sync()
    await writer.write(content)
    await writer.end()
    const twice = Math.ceil((2 * content.byteLength) / page) * page
    const { residentBytes } = await pageCacheOf(path)
    // The second one was written again since, when more came behind it.
    if (strategy === 'buffered') expect(residentBytes).toBe(twice)
    else expect([page, 2 * page]).toContain(residentBytes)
    expect(await residentBelow(path, page)).toBe(page)
    expectFile(path, Buffer.concat([content, content]))
  })
})

it('does not flush for what is in the file already', async () => {
  const path = freshPath(folder)
  const writer = await openWriter(path, { strategy: 'direct', bufferSize: 64 * 1024 })
  await writer.write(content)
  await writer.flush()
  await writer.write('tail')
  await writer.warm(0, page)
  expect(writer.writtenBytes).toBe(content.byteLength)
  await writer.warm(0, content.byteLength + 4)
  expect(writer.writtenBytes).toBe(content.byteLength + 4)
  await writer.end()
})

it('does not read ahead of what is asked for', async () => {
  const path = freshPath(folder)
  const writer = await openWriter(path, { strategy: 'direct' })
  await writer.write(content)
  await writer.warm(page, page)
  expect(await writer.residentBytes()).toBeLessThanOrEqual(2 * page)
  await writer.end()
  expect((await pageCacheOf(path)).residentBytes).toBe(page)
})

it('refuses what was not accepted, and wrong numbers', async () => {
  const writer = await openWriter(freshPath(folder), { strategy: 'direct', start: 4096 })
  await writer.write('0123456789')
  expect(await codeFrom(() => writer.warm(0, 10))).toBe('ERR_NOT_ACCEPTED')
  expect(await codeFrom(() => writer.warm(4096, 11))).toBe('ERR_NOT_ACCEPTED')
  expect(await codeFrom(() => writer.warm(-1, 1))).toBe('ERR_OUT_OF_RANGE')
  expect(await codeFrom(() => writer.warm(4096, 0.5))).toBe('ERR_OUT_OF_RANGE')
  await writer.warm(4096, 10)
  await writer.end()
  expect(await codeFrom(() => writer.warm(4096, 10))).toBe('ERR_WRITER_CLOSED')
})

it.each([
  [{ keepCached: 5 }, 'keepCached must be an array, not 5'],
  [{ keepCached: [{ offset: 1.5 }] }, 'keepCached.offset must be a whole number'],
  [{ keepCached: [{ offset: 0, length: -1 }] }, 'keepCached.length must be a whole number'],
  [{ keepCached: [{ from: 0 }] }, "unknown option 'from'; known: offset, length"],
  [{ keepCached: [null] }, 'options must be an object, not null'],
  [{ verify: 'yes' }, "verify must be true or false, not 'yes'"],
])('wrong options are refused: %o', async (options, message) => {
  await expect(openWriter(freshPath(folder), options as object)).rejects.toThrow(message)
})

it('on a kernel that can only begin to read, warm resolves when it has', async () => {
  const native = faultyBinding({
    populate: async () => {
      throw kernelError('EINVAL', 22, 'madvise')
    },
  })
  const writer = await openForTest(freshPath(folder), { strategy: 'direct' }, { binding: native })
  await writer.write(content)
  await writer.warm(0, page)
  await writer.end()
})

it('a range that can’t be read is an error of warm, and the writer goes on', async () => {
  const native = faultyBinding({
    populate: async () => {
      throw kernelError('EIO', 5, 'madvise')
    },
  })
  const path = freshPath(folder)
  const writer = await openForTest(path, { strategy: 'direct' }, { binding: native })
  await writer.write(content)
  expect(await codeFrom(() => writer.warm(0, page))).toBe('EIO')
  expect(await writer.end()).toBe(content.byteLength)
  expectFile(path, content)
})
