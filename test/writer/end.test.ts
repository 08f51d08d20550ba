import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sharedPool } from '../../src/buffer-pool.ts'
import type { Writer } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import {
  codeFrom,
  errorFrom,
  everyStrategy,
  expectFile,
  gatedBinding,
  idle,
  notingBinding,
  openSmall,
  smallBuffer,
} from './tools.ts'

const folder = temporaryFolder()

describe.each(everyStrategy)('end under %s', (strategy) => {
  it.each([0, 1, 512, 4096, 8192, 20_001])('gives the total and the exact file, %i bytes', async (byteLength) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy)
    await writer.write(someBytes(byteLength))
    expect(writer.endSync()).toBe(-1)
    expect(await writer.end()).toBe(byteLength)
    expect(writer.endSync()).toBe(byteLength)
    expect([writer.acceptedBytes, writer.writtenBytes, writer.syncedBytes, writer.droppedBytes]).toEqual([
      byteLength,
      byteLength,
      byteLength,
      0,
    ])
    expectFile(path, someBytes(byteLength))
  })
})

describe('end', () => {
  it('gives the same answer again, also when called twice at once', async () => {
    const { native, calls } = notingBinding()
    const writer = await openSmall(freshPath(folder), 'direct', {}, { binding: native })
    await writer.write(someBytes(1000))
    expect(await Promise.all([writer.end(), writer.end(), writer.end()])).toEqual([1000, 1000, 1000])
    expect(await writer.end()).toBe(1000)
    expect(calls).toEqual(['pwrite', 'ftruncate', 'fdatasync', 'syncFolder', 'close'])
  })

  it('cuts, then syncs, then syncs the folder of a new file, then closes', async () => {
    const path = freshPath(folder)
    for (const folderSyncs of [['syncFolder'], []]) {
      const { native, calls } = notingBinding()
      const writer = await openSmall(path, 'direct', {}, { binding: native })
      await writer.write(someBytes(1000))
      calls.length = 0
      await writer.end()
      expect(calls).toEqual(['pwrite', 'ftruncate', 'fdatasync', ...folderSyncs, 'close'])
    }
  })

  it('gives all buffers back', async () => {
    const before = sharedPool.usedBytes
    const writer = await openSmall(freshPath(folder))
    await writer.write(someBytes(9 * smallBuffer + 1))
    writer.reserve(100)
    await writer.end()
    expect(sharedPool.usedBytes).toBe(before)
  })

  it('does nothing and leaves the writer open when its signal was aborted before', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write('a')
    await expect(writer.end({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    await writer.write('b')
    expect(await writer.end({ signal: new AbortController().signal })).toBe(2)
    expectFile(path, Buffer.from('ab'))
  })

  it.each([42, {}, 'now'])('refuses the signal %j', async (signal) => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    const wrong = { signal: signal as unknown as AbortSignal }
    expect(await codeFrom(() => writer.write('a', wrong))).toBe('ERR_INVALID_ARG_TYPE')
    expect(await codeFrom(() => writer.end(wrong))).toBe('ERR_INVALID_ARG_TYPE')
    await writer.end()
    expectFile(path, Buffer.alloc(0))
  })

  it('takes no more from the moment it is called', async () => {
    const path = freshPath(folder)
    const { native, open } = gatedBinding()
    const writer = await openSmall(path, 'direct', {}, { binding: native })
    await writer.write('kept')
    const ended = writer.end()
    expect(writer.desiredSize).toBeNull()
    expect(writer.endSync()).toBe(-1)
    expect(writer.writeSync('late')).toBe(false)
    expect(await codeFrom(() => writer.write('late'))).toBe('ERR_WRITER_CLOSED')
    await idle()
    open()
    expect(await ended).toBe(4)
    expectFile(path, Buffer.from('kept'))
  })
})

describe('an ended writer', () => {
  const closedCalls: Record<string, (writer: Writer) => unknown> = {
    write: (writer) => writer.write('x'),
    'write of nothing': (writer) => writer.write(''),
    'write of a large chunk': (writer) => writer.write(someBytes(3 * smallBuffer)),
    writev: (writer) => writer.writev(['x', 'y']),
    reserve: (writer) => writer.reserve(1),
    commit: (writer) => writer.commit(0),
    drain: (writer) => writer.drain(),
    writeAt: (writer) => writer.writeAt('x', 0),
    flush: (writer) => writer.flush(),
    sync: (writer) => writer.sync(),
    reset: (writer) => writer.reset(freshPath(folder)),
    residentBytes: (writer) => writer.residentBytes(),
  }

  it.each(Object.entries(closedCalls))('refuses %s', async (_, call) => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write('done')
    await writer.end()
    const error = await errorFrom(() => call(writer))
    expect(error).toMatchObject({ name: 'UncachedIOError', code: 'ERR_WRITER_CLOSED' })
    expect(writer.endSync()).toBe(4)
    expectFile(path, Buffer.from('done'))
  })

  it('names its file in the error', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.end()
    expect(await errorFrom(() => writer.flush())).toMatchObject({ path })
  })

  it('answers writeSync and writevSync with false', async () => {
    const writer = await openSmall(freshPath(folder))
    await writer.end()
    expect(writer.writeSync('x')).toBe(false)
    expect(writer.writeSync(Buffer.from('x'))).toBe(false)
    expect(writer.writevSync(['x'])).toBe(false)
    expect(writer.acceptedBytes).toBe(0)
    expect(writer.desiredSize).toBeNull()
  })

  it('does nothing on fail or disposal', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write('done')
    await writer.end()
    writer.fail(new Error('too late'))
    writer[Symbol.dispose]()
    await writer[Symbol.asyncDispose]()
    expect(await writer.end()).toBe(4)
    expect(statSync(path).size).toBe(4)
  })
})
