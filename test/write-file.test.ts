import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Content, pageCacheOf, type WriteFileOptions, writeFile } from '../src/index.ts'
import { someBytes } from './support/bytes.ts'
import { freshPath, temporaryFolder } from './support/folders.ts'
import { codeFrom } from './writer/tools.ts'

const folder = temporaryFolder()
const content = someBytes(3_000_001)

async function* slowly(chunks: readonly (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  for (const chunk of chunks) {
    await setTimeout(1)
    yield chunk
  }
}

async function* breaking(chunk: string | Uint8Array): AsyncGenerator<string | Uint8Array> {
  yield chunk
  await setTimeout(1)
  throw new Error('the source broke')
}

/** Gives one chunk and no more; `onTaken` is called when it was taken. */
async function* hanging(onTaken: () => void): AsyncGenerator<string> {
  yield 'text'
  onTaken()
  await new Promise(() => undefined)
}

const forms: [name: string, make: () => Content, expected: Buffer][] = [
  ['bytes', () => content, content],
  ['text', () => 'é', Buffer.from('é')],
  ['an ArrayBuffer', () => Uint8Array.from([1, 2, 3]).buffer, Buffer.from([1, 2, 3])],
  ['nothing', () => '', Buffer.alloc(0)],
  ['an array of chunks', () => ['a', Buffer.from('b'), 'c'], Buffer.from('abc')],
  ['a generator', () => slowly(['a', content]), Buffer.concat([Buffer.from('a'), content])],
  ['a Readable', () => Readable.from([content, content]), Buffer.concat([content, content])],
  ['a WHATWG stream', () => new Blob([Uint8Array.from(content)]).stream(), content],
]

describe.each<WriteFileOptions>([{}, { atomic: true }, { durable: false }, { atomic: true, durable: false }])(
  'with %o',
  (options) => {
    test.each(forms)('%s is what is in the file', async (_name, make, expected) => {
      const path = freshPath(folder)
      expect(await writeFile(path, make(), options)).toBe(expected.byteLength)
      expect(readFileSync(path).equals(expected)).toBe(true)
      writeFileSync(path, 'older and longer'.repeat(1_000_000))
      await writeFile(path, make(), options)
      expect(readFileSync(path).equals(expected)).toBe(true)
    })

    test('leaves nothing beside it, and nothing in the page cache', async () => {
      const own = temporaryFolder()
      await writeFile(join(own, 'file'), content, { ...options, strategy: 'direct' })
      expect(readdirSync(own)).toEqual(['file'])
      // Without a sync the page in which the file was cut stays.
      const { residentBytes } = await pageCacheOf(join(own, 'file'))
      expect(residentBytes).toBeLessThanOrEqual(options.durable === false ? 4096 : 0)
    })
  },
)

describe('atomic', () => {
  const atomic = true

  test('the old content stays until the new one is complete', async () => {
    const path = freshPath(folder)
    writeFileSync(path, 'old')
    const source = async function* (): AsyncGenerator<string> {
      yield 'new '
      await setTimeout(20)
      expect(readFileSync(path, 'utf8')).toBe('old')
      yield 'content'
    }
    await writeFile(path, source(), { atomic })
    expect(readFileSync(path, 'utf8')).toBe('new content')
  })

  test('a source that fails leaves the old content and nothing beside it', async () => {
    const own = temporaryFolder()
    const path = join(own, 'file')
    writeFileSync(path, 'old')
    await expect(writeFile(path, breaking('new'), { atomic })).rejects.toThrow('the source broke')
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(own)).toEqual(['file'])
  })

  test('permissions and owner stay, and so does a symbolic link', async () => {
    const path = freshPath(folder)
    writeFileSync(path, 'old')
    chownSync(path, 12, 34)
    chmodSync(path, 0o4751)
    symlinkSync(path, `${path}-link`)
    await writeFile(`${path}-link`, 'new', { atomic })
    expect(lstatSync(`${path}-link`).isSymbolicLink()).toBe(true)
    expect(readFileSync(path, 'utf8')).toBe('new')
    const { mode, uid, gid } = statSync(path)
    expect([mode & 0o7777, uid, gid]).toEqual([0o4751, 12, 34])
  })

  test('a new file has the mode that was asked for', async () => {
    const path = freshPath(folder)
    await writeFile(path, 'new', { atomic, mode: 0o640 })
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })

  test('wx refuses what is there, also what comes meanwhile', async () => {
    const own = temporaryFolder()
    const path = join(own, 'file')
    writeFileSync(path, 'old')
    await expect(writeFile(path, 'new', { atomic, flags: 'wx' })).rejects.toMatchObject({ code: 'EEXIST', path })
    const late = join(own, 'late')
    const source = async function* (): AsyncGenerator<string> {
      yield 'new'
      await setTimeout(1)
      writeFileSync(late, 'somebody else')
    }
    await expect(writeFile(late, source(), { atomic, flags: 'wx' })).rejects.toMatchObject({ code: 'EEXIST' })
    expect(readFileSync(late, 'utf8')).toBe('somebody else')
    expect(readdirSync(own).toSorted()).toEqual(['file', 'late'])
  })

  test('a folder is no file to be replaced', async () => {
    const path = freshPath(folder)
    mkdirSync(path)
    expect(await codeFrom(() => writeFile(path, 'new', { atomic }))).toBe('ERR_NOT_REGULAR_FILE')
    expect(await codeFrom(() => writeFile(join(folder, 'missing', 'file'), 'new', { atomic }))).toBe('ENOENT')
  })

  test.each([{ flags: 'a' }, { flags: 'r+' }, { start: 5 }])('goes not with %o', async (options) => {
    const path = freshPath(folder)
    expect(await codeFrom(() => writeFile(path, 'x', { atomic, ...options }))).toBe('ERR_INVALID_ARG_VALUE')
    expect(existsSync(path)).toBe(false)
  })

  test('a path without a folder stands in the present one', async () => {
    const before = process.cwd()
    process.chdir(folder)
    try {
      await writeFile('in-the-present-folder', 'x', { atomic })
    } finally {
      process.chdir(before)
    }
    expect(readFileSync(join(folder, 'in-the-present-folder'), 'utf8')).toBe('x')
  })
})

test('without atomic, a source that fails leaves a prefix of the content', async () => {
  const path = freshPath(folder)
  await expect(writeFile(path, breaking(content), { bufferSize: 65_536 })).rejects.toThrow('the source broke')
  const left = readFileSync(path)
  expect(left.equals(content.subarray(0, left.byteLength))).toBe(true)
})

test.each([false, true])(
  'an aborted signal ends it at once, however slow the source is (atomic: %s)',
  async (atomic) => {
    const own = temporaryFolder()
    const abort = new AbortController()
    const source = hanging(() => abort.abort())
    const writing = writeFile(join(own, 'file'), source, { atomic, signal: abort.signal })
    await expect(writing).rejects.toMatchObject({ name: 'AbortError' })
    expect(readdirSync(own)).toEqual(atomic ? [] : ['file'])
    await expect(writeFile(join(own, 'other'), 'x', { signal: abort.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(existsSync(join(own, 'other'))).toBe(false)
  },
)

test.each([
  [5, {}, 'a chunk must be a string'],
  [{}, {}, 'a chunk must be a string'],
  [null, {}, 'a chunk must be a string'],
  [[5], {}, 'a chunk must be a string'],
  ['x', { atomic: 1 }, 'atomic must be true or false, not 1'],
  ['x', { durable: 'no' }, "durable must be true or false, not 'no'"],
  ['x', { colour: 'red' }, "unknown option 'colour'; known: flags"],
])('wrong arguments are refused: %o, %o', async (wrong, options, message) => {
  await expect(writeFile(freshPath(folder), wrong as Content, options as WriteFileOptions)).rejects.toThrow(message)
})
