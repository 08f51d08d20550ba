import { writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Binding } from '../../src/binding.ts'
import type { Writer } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { faultyBinding, kernelError } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { dropFromCache, expectFile, idle, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()

interface Held {
  readonly native: Binding
  /** Lets the first write, which waits, fail for lack of space. Later writes succeed. */
  readonly fail: () => void
  /** Lets the call go on that `name` stands for. */
  readonly release: () => void
  /** Holds what `name` stands for from now on. */
  readonly hold: () => void
}

/** The first write waits, then fails; opening and reading back can be held meanwhile. */
function heldBinding(): Held {
  let failFirst: (() => void) | undefined
  let isFirst = true
  let isHeld = false
  const held: (() => void)[] = []
  const held1 = async (): Promise<void> => {
    if (isHeld) await new Promise<void>((resolve) => held.push(resolve))
  }
  const plain = faultyBinding({
    pwrite: async (real, ...parameters) => {
      if (isFirst) {
        isFirst = false
        await new Promise<void>((_, reject) => {
          failFirst = () => reject(kernelError('ENOSPC', 28, 'pwritev2'))
        })
      }
      return await real.pwrite(...parameters)
    },
    pread: async (real, ...parameters) => {
      await held1()
      return await real.pread(...parameters)
    },
  })
  return {
    native: {
      ...plain,
      open: async (...parameters) => {
        await held1()
        return await plain.open(...parameters)
      },
    },
    fail: () => failFirst?.(),
    hold: () => {
      isHeld = true
    },
    release: () => {
      isHeld = false
      for (const resolve of held.splice(0)) resolve()
    },
  }
}

/** What a call rejects with, or that it never settles. */
async function outcome(call: Promise<unknown>): Promise<unknown> {
  const settled = call.then(
    () => 'resolved',
    (error: unknown) => error,
  )
  return await Promise.race([settled, setTimeout(3000, 'never settles')])
}

describe('a write behind that fails while a call has its turn', () => {
  it('is told by reset, which was opening the next file', async () => {
    const path = freshPath(folder)
    const { native, fail, hold, release } = heldBinding()
    const writer = await openSmall(path, 'direct', {}, { binding: native })
    expect(writer.writeSync(someBytes(smallBuffer))).toBe(true)
    hold()
    const reset = outcome(writer.reset(freshPath(folder)))
    await idle()
    fail()
    await idle()
    release()
    expect(await reset).toMatchObject({ code: 'ENOSPC', retryable: true })
    expect(await writer.end()).toBe(smallBuffer)
    expectFile(path, someBytes(smallBuffer))
  })

  it('is told by flush, which was reading what stands behind the tail', async () => {
    const path = freshPath(folder)
    const old = someBytes(100_000, 9)
    writeFileSync(path, old)
    await dropFromCache(path)
    const { native, fail, hold, release } = heldBinding()
    const writer = await openSmall(path, 'direct', { flags: 'r+' }, { binding: native })
    expect(writer.writeSync(someBytes(smallBuffer + 100))).toBe(true)
    hold()
    const flushed = outcome(writer.flush())
    await idle()
    fail()
    await idle()
    release()
    expect(await flushed).toMatchObject({ code: 'ENOSPC', retryable: true })
    expect(await writer.end()).toBe(smallBuffer + 100)
    old.set(someBytes(smallBuffer + 100))
    expectFile(path, old)
  })

  const calls: Record<string, (writer: Writer) => Promise<unknown>> = {
    flush: (writer) => writer.flush(),
    sync: (writer) => writer.sync(),
    writeAt: (writer) => writer.writeAt('x', 0),
    write: (writer) => writer.write(someBytes(10 * smallBuffer)),
    drain: (writer) => {
      writer.writeSync(someBytes(smallBuffer + 1))
      return writer.drain()
    },
    end: (writer) => writer.end(),
  }

  it.each(Object.entries(calls))('never leaves %s waiting, however close it comes', async (_, call) => {
    for (let ticks = 0; ticks < 12; ticks++) {
      const { native, fail } = heldBinding()
      const writer = await openSmall(freshPath(folder), 'direct', { queueDepth: 2 }, { binding: native })
      expect(writer.writeSync(someBytes(smallBuffer))).toBe(true)
      await idle()
      fail()
      for (let i = 0; i < ticks; i++) await Promise.resolve()
      const first = await outcome(call(writer))
      expect([ticks, first]).not.toEqual([ticks, 'never settles'])
      expect(await outcome(writer.end())).toBe('resolved')
    }
  })

  it.each([1, 512])('loses nothing that was buffered before, however close it comes (%i bytes)', async (bytes) => {
    for (let ticks = 0; ticks < 40; ticks++) {
      const path = freshPath(folder)
      const { native, fail } = heldBinding()
      const writer = await openSmall(path, 'direct', { queueDepth: 4 }, { binding: native })
      const first = someBytes(smallBuffer + 2000)
      expect(writer.writeSync(first)).toBe(true)
      const chunks = Array.from({ length: smallBuffer / 512 }, (_, index) => someBytes(512 + bytes, index))
      await idle()
      const written = outcome(writer.writev(chunks))
      for (let i = 0; i < ticks; i++) await Promise.resolve()
      fail()
      const told = await written
      expect([ticks, told]).not.toEqual([ticks, 'never settles'])
      if (told !== 'resolved') await writer.writev(chunks)
      await writer.end().catch(async () => await writer.end())
      expectFile(path, Buffer.concat([first, ...chunks]))
    }
  })
})
