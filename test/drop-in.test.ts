import {
  closeSync,
  constants,
  createReadStream,
  createWriteStream as fsCreateWriteStream,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { createWriteStream, type WriteStreamOptions } from '../src/index.ts'
import { someBytes } from './support/bytes.ts'
import { freshPath, temporaryFolder } from './support/folders.ts'

const folder = temporaryFolder()

/** The part of the two streams that programs use. */
type Either = Writable & {
  path: unknown
  fd: unknown
  bytesWritten: number
  pending: boolean
  close: (callback: () => void) => void
}
type Options = WriteStreamOptions | BufferEncoding
type Make = (path: string, options?: Options) => Either

const ours: Make = (path, options) => createWriteStream(path, options)
const theirs: Make = (path, options) =>
  fsCreateWriteStream(path, options as Parameters<typeof fsCreateWriteStream>[1]) as unknown as Either

/** What happens to a stream, in order, with what is known of it at each event. */
async function story(make: Make, path: string, use: (stream: Either) => void, options?: Options): Promise<unknown[]> {
  const stream = make(path, options)
  const events: unknown[] = [['made', stream.pending, stream.path === path]]
  for (const name of ['open', 'ready', 'drain', 'finish', 'error', 'close'] as const) {
    stream.on(name, (detail: unknown) => {
      const shown = detail instanceof Error ? (detail as NodeJS.ErrnoException).code : typeof detail
      events.push([name, shown, stream.pending, stream.destroyed])
    })
  }
  use(stream)
  await new Promise<void>((resolve) => stream.once('close', resolve))
  events.push(stream.bytesWritten, stream.writableFinished, stream.closed)
  try {
    events.push(readFileSync(path, 'latin1'), (statSync(path).mode & 0o777).toString(8))
  } catch (error) {
    events.push((error as NodeJS.ErrnoException).code)
  }
  return events
}

const cases: [name: string, before: string | null, use: (stream: Either) => void, options?: Options][] = [
  ['a text', null, (stream) => stream.end('text')],
  ['nothing', 'old', (stream) => stream.end()],
  ['an encoding as the options', null, (stream) => stream.end('é'), 'latin1'],
  ['an encoding among the options', null, (stream) => stream.end('6869'), { encoding: 'hex' }],
  ['flags a', 'old ', (stream) => stream.end('new'), { flags: 'a' }],
  ['flags a with a start, which is ignored', 'old ', (stream) => stream.end('new'), { flags: 'a', start: 1 }],
  ['flags as', 'old ', (stream) => stream.end('new'), { flags: 'as' }],
  ['flags r+ with a start', '0123456789', (stream) => stream.end('new'), { flags: 'r+', start: 3 }],
  ['flags r+ of a file that is missing', null, (stream) => stream.end('new'), { flags: 'r+' }],
  ['flags wx of a file that is there', 'old', (stream) => stream.end('new'), { flags: 'wx' }],
  ['flags xw of a new one', null, (stream) => stream.end('new'), { flags: 'xw' }],
  ['flags as a number', 'older', (stream) => stream.end('new'), { flags: constants.O_WRONLY | constants.O_CREAT }],
  ['a start', 'old', (stream) => stream.end('new'), { start: 5 }],
  ['a mode', null, (stream) => stream.end('new'), { mode: 0o640 }],
  ['a mode as text', null, (stream) => stream.end('new'), { mode: '0600' }],
  ['emitClose', null, (stream) => stream.end('new'), { emitClose: true }],
  ['close', null, (stream) => stream.write('text', () => stream.close(() => undefined))],
  [
    'a water mark of 1',
    null,
    (stream) => {
      stream.write('ab')
      stream.once('drain', () => stream.end('c'))
    },
    { highWaterMark: 1 },
  ],
]

describe('as with fs.createWriteStream goes', () => {
  test.each(cases)('%s', async (_name, before, use, options) => {
    const run = async (make: Make): Promise<unknown[]> => {
      const path = freshPath(folder)
      if (before !== null) writeFileSync(path, before)
      return await story(make, path, use, options)
    }
    expect(await run(ours)).toEqual(await run(theirs))
  })

  test('a stream destroyed before its file was opened leaves the file alone, which fs would still empty', async () => {
    const path = freshPath(folder)
    writeFileSync(path, 'old')
    const stream = createWriteStream(path)
    stream.destroy()
    await new Promise((resolve) => stream.once('close', resolve))
    expect(readFileSync(path, 'utf8')).toBe('old')
  })

  test('a path that is a URL or a Buffer', async () => {
    for (const form of [(path: string) => pathToFileURL(path), (path: string) => Buffer.from(path)]) {
      const path = freshPath(folder)
      await pipeline(Readable.from(['text']), createWriteStream(form(path)))
      expect(readFileSync(path, 'utf8')).toBe('text')
    }
  })

  test('the descriptor of open is that of the file', async () => {
    const path = freshPath(folder)
    const stream = createWriteStream(path)
    const fd = await new Promise<number>((resolve) => stream.once('open', resolve))
    expect(fd).toBe(stream.fd)
    expect(fstatSync(fd).ino).toBe(statSync(path).ino)
    stream.end()
    await finished(stream)
  })

  test('what is piped from a file', async () => {
    const [from, to] = [freshPath(folder), freshPath(folder)]
    const content = someBytes(1_234_567)
    writeFileSync(from, content)
    const stream = createWriteStream(to)
    await pipeline(createReadStream(from), stream)
    expect(stream.bytesWritten).toBe(content.byteLength)
    expect(readFileSync(to).equals(content)).toBe(true)
  })
})

describe('a file that is open already', () => {
  test('as a number: written from where it stands, which moves on, and closed', async () => {
    for (const make of [createWriteStream, fsCreateWriteStream]) {
      const path = freshPath(folder)
      writeFileSync(path, 'old content')
      const fd = openSync(path, 'r+')
      readSync(fd, Buffer.alloc(4), 0, 4, null)
      const stream = make('', { fd, autoClose: false })
      expect(stream.pending).toBe(false)
      stream.end('NEW')
      await finished(stream)
      writeSync(fd, '!')
      expect(readFileSync(path, 'utf8')).toBe('old NEW!ent')
      closeSync(fd)
    }
  })

  test('is closed by the stream unless it is not to be', async () => {
    const path = freshPath(folder)
    const fd = openSync(path, 'w')
    const stream = createWriteStream(path, { fd, start: 2 })
    stream.end('text')
    await new Promise((resolve) => stream.once('close', resolve))
    expect(() => fstatSync(fd)).toThrow('EBADF')
    expect(readFileSync(path, 'utf8')).toBe('\0\0text')
  })

  test('opened for appending: written at its end', async () => {
    const path = freshPath(folder)
    writeFileSync(path, 'old ')
    const stream = createWriteStream(null, { fd: openSync(path, 'a') })
    stream.end('new')
    await finished(stream)
    expect(readFileSync(path, 'utf8')).toBe('old new')
  })

  test('as a FileHandle: closed with the stream; the stream is destroyed when it is closed', async () => {
    const path = freshPath(folder)
    const handle = await open(path, 'w')
    const stream = createWriteStream(path, { fd: handle })
    stream.end('text')
    await new Promise((resolve) => stream.once('close', resolve))
    expect(handle.fd).toBe(-1)
    expect(readFileSync(path, 'utf8')).toBe('text')

    const other = await open(path, 'r+')
    const second = createWriteStream(path, { fd: other })
    await new Promise((resolve) => second.write('T', resolve))
    const closed = new Promise((resolve) => second.once('close', resolve))
    await other.close()
    await closed
    expect(second.destroyed).toBe(true)
  })

  test('refused: one that is not open, only read, or no file', async () => {
    const path = freshPath(folder)
    writeFileSync(path, '')
    const readOnly = openSync(path, 'r')
    for (const [fd, code] of [
      [99_999, 'EBADF'],
      [readOnly, 'EBADF'],
    ] as const) {
      const error = await new Promise((resolve) => createWriteStream('', { fd }).once('error', resolve))
      expect(error).toMatchObject({ code })
    }
    const pipe = openSync('/dev/null', 'w')
    const error = await new Promise((resolve) => createWriteStream('', { fd: pipe }).once('error', resolve))
    expect(error).toMatchObject({ code: 'ERR_NOT_REGULAR_FILE' })
    expect(() => createWriteStream('', { fd: '3' as unknown as number })).toThrow('fd must be a number or a FileHandle')
  })
})

test('Writable.toWeb gives a WHATWG stream of it', async () => {
  const path = freshPath(folder)
  const stream = createWriteStream(path)
  const content = someBytes(1_000_001)
  await new Blob([Uint8Array.from(content)]).stream().pipeTo(Writable.toWeb(stream))
  expect(readFileSync(path).equals(content)).toBe(true)
})

test('an end that fails is an error, and the stream is closed', async () => {
  const stream = createWriteStream(join(folder, 'is-a-folder', '..'))
  const error = await new Promise((resolve) => stream.once('error', resolve))
  expect(error).toMatchObject({ code: 'EISDIR' })
  expect(stream.destroyed).toBe(true)
})
