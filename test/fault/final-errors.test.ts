import { describe, expect, it } from 'vitest'
import type { Writer } from '../../src/writer.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import {
  block,
  CallLog,
  expectContent,
  failing,
  HeldWrites,
  openOver,
  poolWatch,
  quiet,
  rejection,
  soon,
} from './disk.ts'

const folder = temporaryFolder()
const ioError = (): Error => failing('EIO', 'pwritev2')

/** Every call that a failed writer has to reject. */
const laterCalls: [string, (writer: Writer) => Promise<unknown>][] = [
  ['write', (writer) => writer.write('x')],
  ['write of a large chunk', (writer) => writer.write(someBytes(20 * block))],
  ['writev', (writer) => writer.writev(['x', 'y'])],
  ['drain', (writer) => writer.drain()],
  ['flush', (writer) => writer.flush()],
  ['sync', (writer) => writer.sync()],
  ['writeAt', (writer) => writer.writeAt('x', 0)],
  ['reset', (writer) => writer.reset(freshPath(folder))],
  ['residentBytes', (writer) => writer.residentBytes()],
  ['end', (writer) => writer.end()],
]

describe('EIO on a write', () => {
  it('is final: every later call rejects with the same error', async () => {
    const { writer } = await openOver(folder, { pwrite: () => Promise.reject(ioError()) })
    await writer.write(someBytes(10))
    const error = await rejection(writer.flush())
    expect(error).toMatchObject({ code: 'EIO', errno: -5, retryable: false, position: 0, acceptedBytes: 10 })
    for (const [name, call] of laterCalls) expect(await rejection(call(writer), name)).toBe(error)
    expect(writer.writeSync('x')).toBe(false)
    expect(writer.writevSync(['x'])).toBe(false)
    expect(writer.desiredSize).toBeNull()
    expect(writer.endSync()).toBe(-1)
    expect(() => writer.reserve(1)).toThrow(error)
    expect(() => writer.commit(1)).toThrow(error)
  })

  it('tells how much is written and durable, cuts the file there, closes it once, gives all memory back', async () => {
    const given = poolWatch()
    const log = new CallLog()
    let broken = false
    const faults = log.over({
      pwrite: (real, ...parameters) =>
        broken && parameters[3] >= 11 * block ? Promise.reject(ioError()) : real.pwrite(...parameters),
    })
    const { writer, path } = await openOver(folder, faults, { queueDepth: 3, preallocate: 50 * block })
    const content = someBytes(40 * block)
    await writer.write(content.subarray(0, 3 * block + 1))
    await writer.sync()
    broken = true
    // One that is taken back would take its written part with it: many small ones.
    const writeOn = async (): Promise<never> => {
      for (let at = 3 * block + 1; ; at += 100) await writer.write(content.subarray(at, at + 100))
    }
    const error = await rejection(writeOn())
    expect(error).toMatchObject({
      code: 'EIO',
      retryable: false,
      syncedBytes: 3 * block + 1,
      position: 11 * block,
      writtenBytes: 11 * block,
    })
    await writer[Symbol.asyncDispose]()
    expectContent(path, content.subarray(0, 11 * block))
    expect(log.count('close')).toBe(1)
    expect(writer.droppedBytes).toBe(writer.acceptedBytes - 11 * block)
    expect(writer.syncedBytes).toBe(3 * block + 1)
    expect(writer.writtenBytes).toBe(11 * block)
    given()
  })

  it('never takes back what a sync had made durable in the last block', async () => {
    let broken = false
    const { writer, path } = await openOver(folder, {
      pwrite: (real, ...parameters) => (broken ? Promise.reject(ioError()) : real.pwrite(...parameters)),
    })
    const content = someBytes(block + 900)
    await writer.write(content)
    await writer.sync()
    broken = true
    await writer.write('more')
    const error = await rejection(writer.flush())
    expect(error).toMatchObject({
      syncedBytes: block + 900,
      writtenBytes: block + 900,
      position: block + 900,
    })
    await writer[Symbol.asyncDispose]()
    expectContent(path, content)
  })

  it('rejects all calls that wait', async () => {
    const writes = new HeldWrites()
    const { writer } = await openOver(folder, writes.faults)
    const calls = [
      writer.write(someBytes(30 * block)),
      writer.write('x'),
      writer.flush(),
      writer.sync(),
      writer.writeAt('x', 0),
      writer.end(),
    ].map((call) => rejection(call))
    const [first, second] = await writes.first(2)
    first?.fail(ioError())
    await second?.land()
    const errors = await Promise.all(calls)
    expect(new Set(errors).size).toBe(1)
    expect(errors[0]).toMatchObject({ code: 'EIO', position: 0, writtenBytes: 0 })
  })

  it.each([
    ['write', 1, (writer: Writer) => writer.write(someBytes(40 * block))],
    ['writev', 1, (writer: Writer) => writer.writev([someBytes(40 * block), 'x'])],
    ['end', 1, (writer: Writer) => writer.end()],
    ['sync', 1, (writer: Writer) => writer.sync()],
    ['reset', 2, (writer: Writer) => writer.reset(freshPath(folder))],
  ])('during %s is its error and the writer’s, and %i file is closed', async (_, files, call) => {
    const given = poolWatch()
    const log = new CallLog()
    const { writer } = await openOver(folder, log.over({ pwrite: () => Promise.reject(ioError()) }))
    writer.writeSync(someBytes(5000))
    const error = await rejection(call(writer))
    expect(error).toMatchObject({ code: 'EIO', retryable: false })
    await writer[Symbol.asyncDispose]()
    expect(await rejection(writer.end())).toBe(error)
    expect(log.count('close')).toBe(files)
    given()
  })

  it('in a patch of the file is final as well', async () => {
    let broken = false
    const { writer, path } = await openOver(folder, {
      pwrite: (real, ...parameters) => (broken ? Promise.reject(ioError()) : real.pwrite(...parameters)),
    })
    const content = someBytes(9 * block)
    await writer.write(content)
    await writer.flush()
    broken = true
    const error = await rejection(writer.writeAt('x', 0))
    expect(error).toMatchObject({ code: 'EIO', retryable: false, writtenBytes: 9 * block })
    expect(await rejection(writer.end())).toBe(error)
    expectContent(path, content)
  })

  it('that nobody waits for is told to the next call', async () => {
    const writes = new HeldWrites()
    const { writer } = await openOver(folder, writes.faults, { queueDepth: 4 })
    writer.writeSync(someBytes(5 * block))
    const [first] = await writes.first(1)
    first?.fail(ioError())
    await quiet()
    await soon(writer[Symbol.asyncDispose](), 'disposal')
    expect(await rejection(writer.flush())).toMatchObject({ code: 'EIO' })
  })

  it('after a full disk is final: what waited for space is dropped and counted', async () => {
    let code = 'ENOSPC'
    const { writer, path } = await openOver(folder, {
      pwrite: () => Promise.reject(failing(code, 'pwritev2')),
    })
    await writer.write(someBytes(300))
    await rejection(writer.flush())
    code = 'EIO'
    expect(await rejection(writer.flush())).toMatchObject({ code: 'EIO', retryable: false })
    await writer[Symbol.asyncDispose]()
    expect(writer.droppedBytes).toBe(300)
    expectContent(path, Buffer.alloc(0))
  })
})
