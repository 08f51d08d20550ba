import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sharedPool } from '../../src/buffer-pool.ts'
import { allocAligned, type Writer } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { codeFrom, errorFrom, everyStrategy, expectFile, gatedBinding, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()

let warnings: (Error & { code?: string })[] = []
const note = (warning: Error): void => {
  warnings.push(warning)
}

beforeEach(() => {
  warnings = []
  process.on('warning', note)
})

afterEach(async () => {
  // Warnings come a tick later.
  await setTimeout(1)
  process.off('warning', note)
})

async function dropWarnings(): Promise<string[]> {
  await setTimeout(1)
  return warnings.filter(({ code }) => code === 'UNCACHED_IO_DROPPED').map(({ message }) => message)
}

/** A writer that has flushed 1000 bytes and holds 234 more. */
async function halfFlushed(path: string, strategy?: 'direct'): Promise<Writer> {
  const writer = await openSmall(path, strategy)
  await writer.write(someBytes(1000))
  await writer.flush()
  await writer.write(someBytes(234))
  return writer
}

describe.each(everyStrategy)('disposal without end under %s', (strategy) => {
  it('keeps what was written, drops the rest and says how many bytes', async () => {
    const path = freshPath(folder)
    let forgotten: Writer
    {
      await using writer = await openSmall(path, strategy)
      forgotten = writer
      await writer.write(someBytes(1000))
      await writer.flush()
      await writer.write(someBytes(234))
    }
    expect(forgotten.droppedBytes).toBe(234)
    expect(forgotten.writtenBytes).toBe(1000)
    expectFile(path, someBytes(1000))
    const told = await dropWarnings()
    expect(told).toHaveLength(1)
    expect(told[0]).toContain('234 bytes')
    expect(told[0]).toContain(path)
  })

  it('of much in flight leaves exactly writtenBytes', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy)
    const bytes = someBytes(50_000)
    let accepted = 0
    while (writer.writeSync(bytes.subarray(accepted, accepted + 777))) accepted += 777
    await writer[Symbol.asyncDispose]()
    expect(writer.acceptedBytes).toBe(accepted)
    expect(writer.droppedBytes).toBe(accepted - writer.writtenBytes)
    expectFile(path, bytes.subarray(0, writer.writtenBytes))
  })
})

describe('disposal', () => {
  it('after end says nothing', async () => {
    const path = freshPath(folder)
    {
      await using writer = await openSmall(path)
      await writer.write('x')
      await writer.end()
    }
    expect(await dropWarnings()).toEqual([])
    expectFile(path, Buffer.from('x'))
  })

  it('of a writer with nothing buffered says nothing', async () => {
    const path = freshPath(folder)
    {
      await using writer = await openSmall(path)
      await writer.write('x')
      await writer.flush()
    }
    expect(await dropWarnings()).toEqual([])
    expectFile(path, Buffer.from('x'))
  })

  it('waits for an end that is under way', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write('x')
    const ended = writer.end()
    await writer[Symbol.asyncDispose]()
    expect(await ended).toBe(1)
    expect(await dropWarnings()).toEqual([])
    expectFile(path, Buffer.from('x'))
  })

  it('is idempotent, and warns once', async () => {
    const writer = await halfFlushed(freshPath(folder))
    await Promise.all([writer[Symbol.asyncDispose](), writer[Symbol.asyncDispose]()])
    await writer[Symbol.asyncDispose]()
    expect(await dropWarnings()).toHaveLength(1)
    expect(writer.droppedBytes).toBe(234)
  })

  it('by `using` closes, too', async () => {
    const path = freshPath(folder)
    let forgotten: Writer
    {
      using writer = await halfFlushed(path)
      forgotten = writer
    }
    expect(await codeFrom(() => forgotten.write('x'))).toBe('ERR_WRITER_CLOSED')
    await forgotten[Symbol.asyncDispose]()
    expect(forgotten.droppedBytes).toBe(234)
    expectFile(path, someBytes(1000))
  })

  it('gives all buffers back', async () => {
    const before = sharedPool.usedBytes
    const writer = await openSmall(freshPath(folder))
    while (writer.writeSync(someBytes(1000)));
    await writer[Symbol.asyncDispose]()
    expect(sharedPool.usedBytes).toBe(before)
  })
})

describe('fail', () => {
  it('makes every later call reject with its reason', async () => {
    const path = freshPath(folder)
    const writer = await halfFlushed(path)
    const reason = new Error('given up')
    writer.fail(reason)
    writer.fail(new Error('second'))
    expect(writer.desiredSize).toBeNull()
    expect(writer.writeSync('x')).toBe(false)
    expect(writer.endSync()).toBe(-1)
    for (const call of [
      () => writer.write('x'),
      () => writer.writev(['x']),
      () => writer.flush(),
      () => writer.sync(),
      () => writer.drain(),
      () => writer.writeAt('x', 0),
      () => writer.reset(freshPath(folder)),
      () => writer.reserve(1),
      () => writer.commit(0),
      () => writer.end(),
    ]) {
      expect(await errorFrom(call)).toBe(reason)
    }
    await writer[Symbol.asyncDispose]()
    expect(writer.droppedBytes).toBe(234)
    expect(await dropWarnings()).toEqual([])
    expectFile(path, someBytes(1000))
  })

  it.each([undefined, 'text', 42])('with the reason %j gives an error of its own', async (reason) => {
    const writer = await openSmall(freshPath(folder))
    writer.fail(reason)
    const error = await errorFrom(() => writer.flush())
    expect(error).toMatchObject({ name: 'UncachedIOError', code: 'ERR_WRITER_FAILED' })
    expect(error.cause).toBe(reason)
    await writer[Symbol.asyncDispose]()
  })

  it('rejects calls under way with its reason, and leaves exactly writtenBytes', async () => {
    const path = freshPath(folder)
    const { native, open } = gatedBinding()
    const writer = await openSmall(path, 'direct', { queueDepth: 2 }, { binding: native })
    const bytes = someBytes(10 * smallBuffer)
    const chunk = allocAligned(4 * smallBuffer)
    const calls = [
      writer.write(bytes),
      writer.write(chunk),
      writer.flush(),
      writer.writeAt('x', 0),
      writer.sync(),
      writer.drain(),
      writer.reset(freshPath(folder)),
      writer.end(),
    ].map(async (call) => await errorFrom(() => call))
    await setTimeout(5)
    const reason = new Error('stop')
    writer.fail(reason)
    open()
    expect(await Promise.all(calls)).toEqual(Array.from(calls, () => reason))
    await writer[Symbol.asyncDispose]()
    expect(writer.acceptedBytes).toBeGreaterThanOrEqual(writer.writtenBytes)
    expectFile(path, bytes.subarray(0, writer.writtenBytes))
  })

  it.each([true, false])(
    'counts a rejected write neither as accepted nor as dropped (aligned: %s)',
    async (aligned) => {
      const { native, open } = gatedBinding()
      const writer = await openSmall(freshPath(folder), 'direct', { queueDepth: 2 }, { binding: native })
      const memory = allocAligned(6 * smallBuffer)
      const written = writer.write(aligned ? memory : memory.subarray(1)).catch((error: unknown) => error)
      await setTimeout(5)
      writer.fail(new Error('stop'))
      open()
      expect(await written).toMatchObject({ message: 'stop' })
      await writer[Symbol.asyncDispose]()
      expect([writer.acceptedBytes, writer.writtenBytes, writer.droppedBytes]).toEqual([0, 0, 0])
    },
  )

  it('closes a writer in which nothing happened, and keeps the file', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    writer.fail()
    await writer[Symbol.asyncDispose]()
    expect(writer.droppedBytes).toBe(0)
    expectFile(path, Buffer.alloc(0))
  })
})
