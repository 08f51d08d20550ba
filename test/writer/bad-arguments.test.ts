import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Chunk, DirectIOWriter, type OpenWriterOptions, openWriter, type PathLike } from '../../src/index.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { codeFrom, errorFrom, expectFile, openSmall } from './tools.ts'

const folder = temporaryFolder()

const notChunks: unknown[] = [undefined, null, 0, 1n, true, {}, [], [1, 2], Symbol('s'), () => 1, new Date()]

describe('what is not a chunk', () => {
  it('is refused by every method that takes one, and nothing is taken', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write('kept')
    for (const value of notChunks) {
      const chunk = value as Chunk
      for (const call of [
        () => writer.writeSync(chunk),
        () => writer.write(chunk),
        () => writer.writevSync(['a', chunk]),
        () => writer.writev(['a', chunk]),
        () => writer.writeAt(chunk, 0),
      ]) {
        const error = await errorFrom(call)
        expect(error).toBeInstanceOf(TypeError)
        expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
      }
    }
    await writer.end()
    expectFile(path, Buffer.from('kept'))
  })

  it.each(['text', Buffer.from('bytes'), new Set(['a']), undefined, null, { length: 1, 0: 'a' }])(
    'is refused as a list of chunks (%#)',
    async (value) => {
      const writer = await openSmall(freshPath(folder))
      const chunks = value as unknown as Chunk[]
      expect(await codeFrom(() => writer.writevSync(chunks))).toBe('ERR_INVALID_ARG_TYPE')
      expect(await codeFrom(() => writer.writev(chunks))).toBe('ERR_INVALID_ARG_TYPE')
      expect(await writer.end()).toBe(0)
    },
  )
})

/** With the value as text first, for the name of the test: `%j` knows no bigint. */
function named<T extends readonly unknown[]>(cases: readonly T[]): [string, ...T][] {
  return cases.map((one) => [inspect(one[0]), ...one])
}

const badOptions: [unknown, string][] = [
  [null, 'ERR_INVALID_ARG_TYPE'],
  ['w', 'ERR_INVALID_ARG_TYPE'],
  [{ flags: 'r' }, 'ERR_INVALID_ARG_VALUE'],
  [{ flags: '' }, 'ERR_INVALID_ARG_VALUE'],
  [{ flags: 'toString' }, 'ERR_INVALID_ARG_VALUE'],
  [{ flags: 0 }, 'ERR_INVALID_ARG_VALUE'],
  [{ mode: '0888' }, 'ERR_INVALID_ARG_VALUE'],
  [{ mode: -1 }, 'ERR_OUT_OF_RANGE'],
  [{ mode: 0o10000 }, 'ERR_OUT_OF_RANGE'],
  [{ start: -1 }, 'ERR_OUT_OF_RANGE'],
  [{ start: 0.5 }, 'ERR_OUT_OF_RANGE'],
  [{ start: 2 ** 53 }, 'ERR_OUT_OF_RANGE'],
  [{ start: 10n }, 'ERR_INVALID_ARG_TYPE'],
  [{ start: 0, flags: 'a' }, 'ERR_INVALID_ARG_VALUE'],
  [{ bufferSize: 0 }, 'ERR_OUT_OF_RANGE'],
  [{ bufferSize: -4096 }, 'ERR_OUT_OF_RANGE'],
  [{ bufferSize: 4096.5 }, 'ERR_OUT_OF_RANGE'],
  [{ bufferSize: Number.NaN }, 'ERR_OUT_OF_RANGE'],
  [{ bufferSize: Number.POSITIVE_INFINITY }, 'ERR_OUT_OF_RANGE'],
  [{ bufferSize: 2 ** 31 }, 'ERR_OUT_OF_RANGE'],
  [{ bufferSize: '1MiB' }, 'ERR_INVALID_ARG_TYPE'],
  [{ queueDepth: 0 }, 'ERR_OUT_OF_RANGE'],
  [{ queueDepth: 65 }, 'ERR_OUT_OF_RANGE'],
  [{ queueDepth: 1.5 }, 'ERR_OUT_OF_RANGE'],
  [{ queueDepth: true }, 'ERR_INVALID_ARG_TYPE'],
  [{ preallocate: -1 }, 'ERR_OUT_OF_RANGE'],
  [{ preallocate: '1' }, 'ERR_INVALID_ARG_TYPE'],
  [{ engine: 'libuv' }, 'ERR_INVALID_ARG_VALUE'],
  [{ engine: '' }, 'ERR_INVALID_ARG_VALUE'],
  [{ engine: 'IO_URING' }, 'ERR_INVALID_ARG_VALUE'],
  [{ engine: 1 }, 'ERR_INVALID_ARG_TYPE'],
  [{ signal: {} }, 'ERR_INVALID_ARG_TYPE'],
  [{ buffersize: 4096 }, 'ERR_INVALID_ARG_VALUE'],
]

describe('an option that is wrong', () => {
  it.each(named(badOptions))('is refused before a file is made: %s', async (_, options, code) => {
    const path = freshPath(folder)
    expect(await codeFrom(() => openWriter(path, options as OpenWriterOptions))).toBe(code)
    expect(await codeFrom(() => DirectIOWriter.open(path, options as OpenWriterOptions))).toBe(code)
    expect(existsSync(path)).toBe(false)
  })

  it.each([
    [{ strategy: 'fast' }, 'ERR_INVALID_ARG_VALUE'],
    [{ strategy: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ policy: 'maybe' }, 'ERR_INVALID_ARG_VALUE'],
    [{ policy: true }, 'ERR_INVALID_ARG_TYPE'],
  ])('is refused by openWriter: %j', async (options, code) => {
    const path = freshPath(folder)
    expect(await codeFrom(() => openWriter(path, options as OpenWriterOptions))).toBe(code)
    expect(existsSync(path)).toBe(false)
  })

  it.each([{ strategy: 'buffered' }, { policy: 'prefer' }])(
    'is one that only openWriter knows, for a DirectIOWriter: %j',
    async (options) => {
      const path = freshPath(folder)
      expect(await codeFrom(() => DirectIOWriter.open(path, options as object))).toBe('ERR_INVALID_ARG_VALUE')
      expect(existsSync(path)).toBe(false)
    },
  )
})

describe('a path that is wrong', () => {
  it.each([
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
    [3, 'ERR_INVALID_ARG_TYPE'],
    [{}, 'ERR_INVALID_ARG_TYPE'],
    [Uint8Array.of(47), 'ERR_INVALID_ARG_TYPE'],
    ['', 'ERR_INVALID_ARG_VALUE'],
    [Buffer.alloc(0), 'ERR_INVALID_ARG_VALUE'],
    ['/tmp/null\0byte', 'ERR_INVALID_ARG_VALUE'],
    [Buffer.from('/tmp/null\0byte'), 'ERR_INVALID_ARG_VALUE'],
    [new URL('https://example.org/file'), 'ERR_INVALID_URL_SCHEME'],
    ['x'.repeat(5000), 'ENAMETOOLONG'],
  ])('is refused: %s', async (path, code) => {
    expect(await codeFrom(() => openWriter(path as PathLike))).toBe(code)
    expect(await codeFrom(() => DirectIOWriter.open(path as PathLike))).toBe(code)
  })

  it('is none that Node takes', async () => {
    const path = freshPath(folder)
    for (const form of [path, Buffer.from(path), new URL(`file://${path}`), relative(process.cwd(), path)]) {
      const writer = await openWriter(form, { flags: 'a' })
      await writer.write('x')
      await writer.end()
    }
    expectFile(path, Buffer.from('xxxx'))
  })
})
