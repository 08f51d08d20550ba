import { describe, expect, it } from 'vitest'
import { alignedBytes, someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import {
  block,
  CallLog,
  expectContent,
  FullDisk,
  HeldWrites,
  isPending,
  openOver,
  poolWatch,
  quiet,
  rejection,
  soon,
} from './disk.ts'

const folder = temporaryFolder()
const buffer = 4 * block

describe('fail() while writes are in flight', () => {
  it.each([1, 2, 3, 4])('keeps borrowed memory until the kernel is done with it, %i at a time', async (queueDepth) => {
    const given = poolWatch()
    const writes = new HeldWrites()
    const { writer, path } = await openOver(folder, writes.faults, { queueDepth })
    const chunk = alignedBytes(buffer * 6)
    const written = writer.write(chunk)
    written.catch(() => undefined)
    const held = await writes.first(queueDepth)
    // The memory is really the caller's.
    expect(held.every(({ view }) => view.buffer === chunk.buffer)).toBe(true)
    const reason = new Error('enough')
    writer.fail(reason)
    for (const write of held) {
      expect(await isPending(written)).toBe(true)
      await write.land()
    }
    expect(await rejection(written)).toBe(reason)
    await soon(writer[Symbol.asyncDispose](), 'disposal')
    // Nothing more went out, and nothing of the call that was rejected is counted.
    expect(writes.held).toEqual([])
    expectContent(path, Buffer.from(chunk.subarray(0, writer.writtenBytes)))
    given()
  })

  it('keeps all memory of several borrowed chunks until then', async () => {
    const writes = new HeldWrites()
    const { writer } = await openOver(folder, writes.faults, { queueDepth: 4 })
    const calls = [1, 2].map((seed) => writer.write(alignedBytes(buffer * 2, seed)))
    for (const call of calls) call.catch(() => undefined)
    const held = await writes.first(4)
    writer.fail(new Error('enough'))
    for (const write of held.toReversed()) {
      for (const call of calls) expect(await isPending(call)).toBe(true)
      await write.land()
    }
    // All of it is in the file by then: a call may say so.
    for (const outcome of await soon(Promise.allSettled(calls), 'the writes')) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ message: 'enough' })
    }
    await soon(writer[Symbol.asyncDispose](), 'disposal')
    expect(writer.writtenBytes).toBe(buffer * 4)
  })

  it('rejects every call under way with the reason, and closes once after the last write', async () => {
    const given = poolWatch()
    const writes = new HeldWrites()
    const log = new CallLog()
    const { writer } = await openOver(folder, log.over(writes.faults))
    const calls = [
      writer.write(someBytes(buffer * 5)),
      writer.write('x'),
      writer.flush(),
      writer.sync(),
      writer.writeAt('x', 0),
      writer.reset(freshPath(folder)),
      writer.end(),
    ]
    const errors = calls.map((call) => rejection(call))
    const held = await writes.first(2)
    const reason = new Error('enough')
    writer.fail(reason)
    writer.fail(new Error('later'))
    await quiet()
    expect(log.count('close')).toBe(0)
    for (const write of held) await write.land()
    for (const error of errors) expect(await error).toBe(reason)
    await soon(writer[Symbol.asyncDispose](), 'disposal')
    expect(log.count('close')).toBe(1)
    given()
  })

  it('leaves the file with exactly what was written without a gap', async () => {
    const writes = new HeldWrites()
    const { writer, path } = await openOver(folder, writes.faults, { queueDepth: 4, preallocate: 50 * block })
    const content = someBytes(buffer * 3 + 99)
    writer.writeSync(content)
    const [a, b, c] = await writes.first(3)
    await c?.land()
    await a?.land()
    writer.fail()
    await b?.land()
    await soon(writer[Symbol.asyncDispose](), 'disposal')
    expect(writer.writtenBytes).toBe(3 * buffer)
    expect(writer.droppedBytes).toBe(99)
    expectContent(path, content.subarray(0, 3 * buffer))
  })

  it('while a patch is in flight closes only when that has landed', async () => {
    const writes = new HeldWrites()
    const log = new CallLog()
    const { writer } = await openOver(folder, log.over(writes.faults))
    await writer.write(someBytes(20))
    const flushed = writer.flush()
    await (await writes.first(1))[0]?.land()
    await flushed
    await writer.write(someBytes(3 * block))
    const second = writer.flush()
    await (await writes.first(1))[0]?.land()
    await second
    const patched = writer.writeAt('y', 5).catch(() => undefined)
    const [patch] = await writes.first(1)
    writer.fail(new Error('enough'))
    await quiet()
    expect(log.count('close')).toBe(0)
    await patch?.land()
    await soon(patched, 'writeAt')
    await soon(writer[Symbol.asyncDispose](), 'disposal')
    expect(log.count('close')).toBe(1)
  })

  it('while stalled drops what waited for space and gives its memory back', async () => {
    const given = poolWatch()
    const disk = new FullDisk(block)
    const { writer, path } = await openOver(folder, disk.faults, { queueDepth: 4 })
    const content = someBytes(buffer * 3)
    writer.writeSync(content)
    await rejection(writer.flush())
    writer.fail()
    await soon(writer[Symbol.asyncDispose](), 'disposal')
    expect(writer.droppedBytes).toBe(buffer * 3 - block)
    expectContent(path, content.subarray(0, block))
    given()
  })

  it('after end does nothing', async () => {
    const { writer, path } = await openOver(folder, {})
    await writer.write('kept')
    await writer.end()
    writer.fail(new Error('late'))
    expect(await writer.end()).toBe(4)
    expect(writer.droppedBytes).toBe(0)
    expectContent(path, Buffer.from('kept'))
  })

  it.each(['ftruncate', 'fdatasync', 'close'] as const)('in the midst of end, at %s, closes once', async (syscall) => {
    const given = poolWatch()
    const log = new CallLog()
    const { writer } = await openOver(
      folder,
      log.over({
        [syscall]: async (real: Record<string, (...rest: unknown[]) => Promise<void>>, ...rest: unknown[]) => {
          writer.fail(new Error('enough'))
          await quiet()
          await real[syscall]?.(...rest)
        },
      }),
    )
    await writer.write(someBytes(100))
    const outcome = await soon(
      writer.end().then(
        () => null,
        (error: Error) => error.message,
      ),
      'end',
    )
    expect(outcome).toBe('enough')
    await soon(writer[Symbol.asyncDispose](), 'disposal')
    expect(log.count('close')).toBe(1)
    given()
  })
})
