import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import { createWriteStream, pageCacheOf, type Strategy } from '../src/index.ts'
import { someBytes } from './support/bytes.ts'
import { freshPath, temporaryFolder } from './support/folders.ts'
import { expectMode, strategyInEffect } from './support/mode.ts'

const folder = temporaryFolder()

describe.each<Strategy>(['direct', 'dontcache', 'evict', 'buffered'])('under %s', (strategy) => {
  test('what is piped in is the file when the stream has finished', async () => {
    const path = freshPath(folder)
    const chunks = [someBytes(3_000_001, 1), someBytes(1, 2), someBytes(70_000, 3)]
    const stream = createWriteStream(path, { strategy })
    await pipeline(Readable.from(chunks), stream)
    expectMode(stream.writer as NonNullable<typeof stream.writer>, strategy)
    expect(readFileSync(path).equals(Buffer.concat(chunks))).toBe(true)
    expect(stream.bytesWritten).toBe(3_070_002)
  })

  test('the page cache is left as the strategy says', async () => {
    const path = freshPath(folder)
    await pipeline(Readable.from([someBytes(8 * 1024 * 1024)]), createWriteStream(path, { strategy }))
    const { residentBytes } = await pageCacheOf(path)
    if (strategyInEffect(strategy) === 'buffered') expect(residentBytes).toBe(8 * 1024 * 1024)
    else expect(residentBytes).toBe(0)
  })
})

test('open, ready, finish and close come in this order', async () => {
  const stream = createWriteStream(freshPath(folder))
  const events: string[] = []
  for (const name of ['open', 'ready', 'finish', 'close']) stream.on(name, () => events.push(name))
  expect(stream.pending).toBe(true)
  stream.end('text')
  await finished(stream)
  await new Promise((resolve) => setImmediate(resolve))
  // Closed, as of fs.WriteStream.
  expect(stream.pending).toBe(true)
  expect(events).toEqual(['open', 'ready', 'finish', 'close'])
})

test('strings are written in their encoding, and corked writes together', async () => {
  const path = freshPath(folder)
  const stream = createWriteStream(path, { encoding: 'latin1' })
  stream.cork()
  stream.write('é')
  stream.write('é', 'utf8')
  stream.write('6869', 'hex')
  stream.uncork()
  stream.end()
  await finished(stream)
  expect(readFileSync(path)).toEqual(Buffer.from([0xe9, 0xc3, 0xa9, 0x68, 0x69]))
})

test('flags a go on at the end of the file, at any offset', async () => {
  const path = freshPath(folder)
  writeFileSync(path, someBytes(777))
  await pipeline(Readable.from(['more']), createWriteStream(path, { flags: 'a' }))
  expect(readFileSync(path).equals(Buffer.concat([someBytes(777), Buffer.from('more')]))).toBe(true)
})

test('destroy without end keeps what write has called back for, and closes without an error', async () => {
  const path = freshPath(folder)
  const stream = createWriteStream(path)
  await new Promise((resolve) => stream.write('text', resolve))
  stream.destroy()
  await new Promise((resolve) => stream.once('close', resolve))
  expect(readFileSync(path, 'utf8')).toBe('text')
  expect(stream.errored).toBeNull()
})

test('a folder that is missing is an error event, and close follows', async () => {
  const stream = createWriteStream(join(folder, 'missing', 'file'))
  const error = await new Promise((resolve) => stream.once('error', resolve))
  expect(error).toMatchObject({ code: 'ENOENT', syscall: 'open' })
  expect(stream.destroyed).toBe(true)
})

test('an aborted signal destroys the stream with its reason', async () => {
  const abort = new AbortController()
  const stream = createWriteStream(freshPath(folder), { signal: abort.signal })
  stream.write('text')
  const error = new Promise((resolve) => stream.once('error', resolve))
  abort.abort()
  expect(await error).toMatchObject({ name: 'AbortError' })
})

test('wrong options throw at once', () => {
  const path = freshPath(folder)
  expect(() => createWriteStream(path, { bufferSize: -1 })).toThrow(
    expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
  )
  expect(() => createWriteStream(path, { colour: 'red' } as object)).toThrow(/unknown option 'colour'; known: flags/)
})
