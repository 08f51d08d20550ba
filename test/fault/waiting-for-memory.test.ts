import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { binding } from '../../src/binding.ts'
import { setMemoryCap } from '../../src/budget.ts'
import { memoryUse } from '../../src/buffer-pool.ts'
import type { Writer } from '../../src/writer.ts'
import { alignedBytes, someBytes } from '../support/bytes.ts'
import { temporaryFolder } from '../support/folders.ts'
import { block, expectContent, isPending, openOver, poolWatch, soon } from './disk.ts'

const folder = temporaryFolder()

/** Buffers of these tests, as the process counts them. */
const bufferSize = 4 * block
const bufferBytes = bufferSize + block

const usualCapBytes = memoryUse().capBytes
let given: () => void
const opened: Writer[] = []

beforeEach(() => {
  given = poolWatch()
})

afterEach(async () => {
  setMemoryCap(usualCapBytes)
  // After a test that failed in the middle, so that the next one starts as it expects.
  for (const writer of opened.splice(0)) await writer[Symbol.asyncDispose]()
  given()
  expect(memoryUse().heldBytes).toBe(0)
})

interface Opened {
  writer: Writer
  path: string
}

async function open(): Promise<Opened> {
  const one = await openOver(folder, {}, { bufferSize, queueDepth: 4 })
  opened.push(one.writer)
  return one
}

/** More than the two buffers that everybody gets. */
function large(seed: number): Buffer {
  return someBytes(3 * bufferSize, seed)
}

describe('a cap of 0', () => {
  it('leaves every writer two buffers, in which all calls work', async () => {
    setMemoryCap(0)
    const writers = await Promise.all([1, 2, 3].map(open))
    await Promise.all(
      writers.map(async ({ writer, path }, i) => {
        const parts = [someBytes(100, i), large(i), someBytes(bufferSize, i + 5)]
        for (const part of parts) await soon(writer.write(part), 'write')
        expect(memoryUse().heldBytes).toBeLessThanOrEqual(writers.length * 2 * bufferBytes)
        await soon(writer.writeAt('patched', 10), 'writeAt')
        const slot = writer.reserve(bufferSize) ?? (await soon(writer.drain(), 'drain'), writer.reserve(bufferSize))
        expect(slot?.byteLength).toBe(bufferSize)
        slot?.set(someBytes(bufferSize, i + 9))
        writer.commit(bufferSize)
        await soon(writer.sync(), 'sync')
        expect(await soon(writer.end(), 'end')).toBe(100 + 5 * bufferSize)
        const content = Buffer.concat([...parts, someBytes(bufferSize, i + 9)])
        content.write('patched', 10)
        expectContent(path, content)
      }),
    )
  })

  it('lets who waits for more than two go on when it is raised', async () => {
    setMemoryCap(0)
    const { writer, path } = await open()
    expect(writer.writeSync(large(1))).toBe(false)
    const drained = writer.drain()
    expect(await isPending(drained)).toBe(true)
    setMemoryCap(usualCapBytes)
    await soon(drained, 'drain')
    expect(writer.writeSync(large(1))).toBe(true)
    await writer.end()
    expectContent(path, large(1))
  })
})

/** Many more than it takes to find out that there is no room. */
const looksMax = 1000

/** How often writers look for memory before the event loop has its turn; after too often the cap is raised. */
async function looksBeforeEventLoop(): Promise<number> {
  const native = binding()
  const takeMemory = native.takeMemory.bind(native)
  let looks = 0
  const spy = vi.spyOn(native, 'takeMemory').mockImplementation((...parameters) => {
    if (++looks === looksMax) setMemoryCap(usualCapBytes)
    return takeMemory(...parameters)
  })
  await setImmediate()
  spy.mockRestore()
  return looks
}

describe('several writers that wait for more than there is', () => {
  it('leave the event loop to others', async () => {
    setMemoryCap(0)
    const writers = await Promise.all([open(), open()])
    const drained = writers.map(({ writer }) => {
      expect(writer.writeSync(large(1))).toBe(false)
      return writer.drain()
    })
    // Writers that wake each other for ever would let nothing else run, not even what they wait for.
    const looks = await looksBeforeEventLoop()
    setMemoryCap(usualCapBytes)
    await soon(Promise.all(drained), 'drain')
    await Promise.all(writers.map(({ writer }) => writer.end()))
    expect(looks, 'looks for memory before the event loop had its turn').toBeLessThan(looksMax)
  })

  it('go on when another writer of the thread has written what it held', async () => {
    setMemoryCap(4 * bufferBytes)
    const [holder, ...waiters] = await Promise.all([open(), open(), open()])
    const content = someBytes(4 * bufferSize - 1)
    expect(holder.writer.writeSync(content)).toBe(true)
    const drained = waiters.map(({ writer }) => {
      expect(writer.writeSync(large(1))).toBe(false)
      return writer.drain()
    })
    const flushed = holder.writer.flush()
    const looks = await looksBeforeEventLoop()
    await soon(flushed, 'flush')
    await soon(Promise.race(drained), 'the first drain')
    // Who drained holds what it was promised until it writes.
    await soon(Promise.all(waiters.map(({ writer }) => writer.write(large(1)))), 'write')
    await soon(Promise.all(drained), 'drain')
    for (const { writer } of [holder, ...waiters]) await soon(writer.end(), 'end')
    expect(looks, 'looks for memory before the event loop had its turn').toBeLessThan(looksMax)
    expectContent(holder.path, content)
    for (const { path } of waiters) expectContent(path, large(1))
  })
})

describe('a cap that is lowered', () => {
  it('while writers hold more takes nothing from them, and holds for what they take later', async () => {
    const writers = await Promise.all([open(), open(), open()])
    const content = someBytes(4 * bufferSize - 1)
    for (const { writer } of writers) expect(writer.writeSync(content)).toBe(true)
    const { heldBytes } = memoryUse()
    expect(heldBytes).toBeGreaterThanOrEqual(3 * bufferBytes)
    setMemoryCap(bufferBytes)
    expect(memoryUse()).toMatchObject({ capBytes: bufferBytes, heldBytes })
    for (const { writer } of writers) await writer.flush()
    expect(memoryUse().heldBytes).toBe(0)
    // Two each, and no more.
    for (const { writer } of writers) expect(writer.writeSync(large(2))).toBe(false)
    for (const { writer } of writers) expect(writer.writeSync(someBytes(bufferSize))).toBe(true)
    expect(memoryUse().heldBytes).toBeLessThanOrEqual(6 * bufferBytes)
    for (const { writer, path } of writers) {
      await writer.end()
      expectContent(path, Buffer.concat([content, someBytes(bufferSize)]))
    }
  })
})

const farewells = {
  ends: (writer: Writer) => writer.end(),
  fails: async (writer: Writer) => {
    writer.fail(new Error('on purpose'))
    await writer[Symbol.asyncDispose]()
  },
  'is disposed of': async (writer: Writer) => {
    // Says that bytes were dropped.
    await writer[Symbol.asyncDispose]()
  },
  'is disposed of at once, in the midst of calls': async (writer: Writer) => {
    const calls = [writer.write(large(3)), writer.flush(), writer.write(alignedBytes(2 * bufferSize)), writer.sync()]
    writer[Symbol.dispose]()
    await Promise.allSettled(calls)
    await writer[Symbol.asyncDispose]()
  },
  'fails after a refused call': async (writer: Writer) => {
    expect(writer.writeSync(someBytes(20 * bufferSize))).toBe(false)
    writer.fail()
    await writer[Symbol.asyncDispose]()
  },
}

describe('a writer gives all its memory back', () => {
  it.each(Object.entries(farewells))('when it %s, first or last', async (_, farewell) => {
    for (const reversed of [false, true]) {
      const writers = await Promise.all([open(), open()])
      for (const { writer } of writers) {
        expect(writer.writeSync(large(1))).toBe(true)
        expect(writer.reserve(100)?.byteLength).toBe(100)
      }
      const [first, second] = (reversed ? writers.toReversed() : writers) as [Opened, Opened]
      await soon<unknown>(farewell(first.writer), 'the first farewell')
      expect(memoryUse().heldBytes).toBeLessThanOrEqual(4 * bufferBytes)
      await soon(second.writer.end(), 'end')
      expectContent(second.path, large(1))
      expect(memoryUse().heldBytes).toBe(0)
    }
  })
})
