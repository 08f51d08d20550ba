import { describe, expect, it } from 'vitest'
import type { Writer } from '../../src/writer.ts'
import { alignedBytes, someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import {
  block,
  expectContent,
  FullDisk,
  failing,
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

/** Chunks of a buffer each, which go out of their own memory. */
function lent(count: number, seed = 1): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => alignedBytes(buffer, seed + i))
}

/** A writer whose writes wait, and three lent chunks on their way to it. */
async function underWay(): Promise<{
  writer: Writer
  path: string
  writes: HeldWrites
  chunks: Uint8Array[]
  written: Promise<void>[]
}> {
  const writes = new HeldWrites()
  const { writer, path } = await openOver(folder, writes.faults, { queueDepth: 4 })
  const chunks = lent(3)
  const written = chunks.map((chunk) => writer.write(chunk))
  await quiet()
  expect(writes.held).toHaveLength(3)
  return { writer, path, writes, chunks, written }
}

describe('the promise of a lent chunk', () => {
  it.each([1, 2, 4])('is pending until its bytes are in the file (%i buffers)', async (queueDepth) => {
    const writes = new HeldWrites()
    const { writer, path } = await openOver(folder, writes.faults, { queueDepth })
    const chunks = lent(4)
    const written = chunks.map((chunk) => writer.write(chunk))
    for (const [i, chunk] of chunks.entries()) {
      const [write] = await writes.first(1)
      expect(await isPending(written[i] as Promise<void>)).toBe(true)
      expect(writer.writtenBytes).toBe(i * buffer)
      await write?.land()
      await soon(written[i] as Promise<void>, 'the chunk')
      expect(writer.writtenBytes).toBe((i + 1) * buffer)
      chunk.fill(0)
    }
    await writer.end()
    expectContent(path, Buffer.concat(lent(4)))
  })

  it('waits for what comes before it: a hole may have to be written again', async () => {
    const { writer, path, writes, chunks, written } = await underWay()
    const held = await writes.first(3)
    for (const i of [2, 1]) {
      await held[i]?.land()
      expect(await isPending(written[i] as Promise<void>)).toBe(true)
    }
    expect(writer.writtenBytes).toBe(0)
    await held[0]?.land()
    await Promise.all(written)
    expect(writer.writtenBytes).toBe(3 * buffer)
    await writer.end()
    expectContent(path, Buffer.concat(chunks))
  })

  it('waits for every piece of it, and for the rest of a short write', async () => {
    const writes = new HeldWrites()
    const { writer, path } = await openOver(folder, writes.faults, { queueDepth: 4 })
    const chunk = alignedBytes(3 * buffer)
    const written = writer.write(chunk)
    const [first, second, third] = await writes.first(3)
    await first?.land()
    await third?.land()
    await second?.landShort(block)
    expect(await isPending(written)).toBe(true)
    expect(writer.writtenBytes).toBe(buffer)
    const [rest] = await writes.first(1)
    expect(rest).toMatchObject({ position: buffer + block, length: buffer - block })
    await rest?.land()
    await soon(written, 'the chunk')
    await writer.end()
    expectContent(path, chunk)
  })
})

describe('when the disk is full under several lent chunks', () => {
  it.each([0, 1, 4, 6, 9])(
    'each that rejects took nothing, and the same calls succeed later (%i blocks)',
    async (room) => {
      const given = poolWatch()
      const disk = new FullDisk(room * block)
      const { writer, path } = await openOver(folder, disk.faults, { queueDepth: 4 })
      const chunks = lent(3)
      const outcomes = await Promise.allSettled(chunks.map((chunk) => writer.write(chunk)))
      const taken = outcomes.filter(({ status }) => status === 'fulfilled').length
      // In order: what landed behind the gap did not count.
      expect(outcomes.map(({ status }) => status)).toEqual(chunks.map((_, i) => (i < taken ? 'fulfilled' : 'rejected')))
      expect(taken).toBe(Math.floor((room * block) / buffer))
      expect(writer.acceptedBytes).toBe(taken * buffer)
      for (const outcome of outcomes.slice(taken)) {
        expect(outcome).toMatchObject({ reason: { code: 'ENOSPC', retryable: true } })
      }
      // The memory is the caller's: nothing of it may reach the file any more.
      const expected = chunks.map((chunk) => Buffer.from(chunk))
      for (const chunk of chunks.slice(taken)) chunk.fill(0)
      expect(writer.writeSync('x')).toBe(false)
      disk.makeSpace()
      for (const [i, chunk] of chunks.entries()) {
        if (i < taken) continue
        chunk.set(expected[i] as Buffer)
        await soon(writer.write(chunk), 'the second try')
      }
      await soon(writer.end(), 'end')
      expectContent(path, Buffer.concat(expected))
      given()
    },
  )

  it('a short last piece of room is found again, and other chunks may come instead', async () => {
    const disk = new FullDisk(5 * block)
    const { writer, path } = await openOver(folder, disk.faults, { queueDepth: 4 })
    const copied = someBytes(3 * block + 100, 9)
    const [first, second] = lent(2) as [Uint8Array, Uint8Array]
    const outcomes = Promise.allSettled([writer.write(first), writer.write(second), writer.write(copied)])
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(writer.acceptedBytes).toBe(buffer)
    disk.makeSpace()
    await soon(writer.write(copied), 'write')
    await soon(writer.end(), 'end')
    expectContent(path, Buffer.concat([first, copied]))
  })
})

describe('when the disk fails under several lent chunks', () => {
  it('all of them reject with the same error, and so does every later call', async () => {
    const given = poolWatch()
    const { writer, path, writes, chunks, written } = await underWay()
    const outcomes = written.slice(1).map((promise) => rejection(promise))
    const later = rejection(writer.write(chunks[0] as Uint8Array))
    const [first, second, third, fourth] = await writes.first(4)
    await first?.land()
    await soon(written[0] as Promise<void>, 'the first chunk')
    second?.fail(failing('EIO', 'pwritev2'))
    await third?.land()
    // The kernel still reads the memory of the last one.
    expect(await isPending(written[1] as Promise<void>)).toBe(true)
    await fourth?.land()
    const error = await outcomes[0]
    expect(error).toMatchObject({ code: 'EIO', retryable: false, writtenBytes: buffer })
    expect(await outcomes[1]).toBe(error)
    expect(await later).toBe(error)
    expect(await rejection(writer.write(chunks[0] as Uint8Array))).toBe(error)
    expect(await rejection(writer.flush())).toBe(error)
    expect(await rejection(writer.end())).toBe(error)
    await writer[Symbol.asyncDispose]()
    expectContent(path, chunks[0] as Uint8Array)
    given()
  })
})

describe('with lent chunks under way', () => {
  it.each([
    ['flush', (writer: Writer) => writer.flush()],
    ['sync', (writer: Writer) => writer.sync()],
    ['end', (writer: Writer) => writer.end()],
  ])('%s waits for all of them', async (_, call) => {
    const { writer, path, writes, chunks, written } = await underWay()
    const called = call(writer)
    const held = await writes.first(3)
    for (const write of held.toReversed()) {
      expect(await isPending(called)).toBe(true)
      await write.land()
    }
    await soon<unknown>(called, 'the call')
    await Promise.all(written)
    expect(writer.writtenBytes).toBe(3 * buffer)
    await writer.end()
    expectContent(path, Buffer.concat(chunks))
  })

  it('writeAt waits for them and patches the file, not the memory of the caller', async () => {
    const { writer, path, writes, chunks, written } = await underWay()
    const expected = Buffer.concat(chunks)
    const patched = writer.writeAt('patched', buffer - 3)
    const held = await writes.first(3)
    writes.letAllThrough()
    for (const write of held) await write.land()
    await soon(patched, 'writeAt')
    await Promise.all(written)
    expect(Buffer.concat(chunks).equals(expected)).toBe(true)
    expected.write('patched', buffer - 3)
    await writer.end()
    expectContent(path, expected)
  })

  it('reset ends their file with them, and later ones go to the next', async () => {
    const { writer, path, writes, chunks, written } = await underWay()
    const nextPath = freshPath(folder)
    const reset = writer.reset(nextPath)
    const next = lent(2, 7)
    const later = next.map((chunk) => writer.write(chunk))
    const held = await writes.first(3)
    writes.letAllThrough()
    for (const write of held) await write.land()
    expect(await soon(reset, 'reset')).toBe(3 * buffer)
    await Promise.all([...written, ...later])
    await writer.end()
    expectContent(path, Buffer.concat(chunks))
    expectContent(nextPath, Buffer.concat(next))
  })

  it('fail rejects those that do not get to the file, when the kernel is done with their memory', async () => {
    const given = poolWatch()
    const { writer, path, writes, chunks, written } = await underWay()
    const outcomes = written.slice(1).map((promise) => rejection(promise))
    const [first, second, third] = await writes.first(3)
    await first?.land()
    await soon(written[0] as Promise<void>, 'the first chunk')
    const reason = new Error('on purpose')
    writer.fail(reason)
    expect(await isPending(written[1] as Promise<void>)).toBe(true)
    await third?.land()
    expect(await isPending(written[2] as Promise<void>)).toBe(true)
    second?.fail(failing('EIO', 'pwritev2'))
    expect(await Promise.all(outcomes)).toEqual([reason, reason])
    await writer[Symbol.asyncDispose]()
    expectContent(path, chunks[0] as Uint8Array)
    given()
  })

  it('fail lets those resolve whose bytes the kernel had', async () => {
    const given = poolWatch()
    const { writer, path, writes, chunks, written } = await underWay()
    const held = await writes.first(3)
    writer.fail()
    for (const write of held) await write.land()
    await soon(Promise.all(written), 'the calls')
    await writer[Symbol.asyncDispose]()
    expect([writer.writtenBytes, writer.droppedBytes]).toEqual([3 * buffer, 0])
    expectContent(path, Buffer.concat(chunks))
    given()
  })

  it('writeSync is refused, and what is written behind them by write keeps its place', async () => {
    const { writer, path, writes, chunks, written } = await underWay()
    expect(writer.writeSync('x')).toBe(false)
    const small = writer.write('small')
    const odd = alignedBytes(buffer + 77, 9)
    const last = writer.write(odd)
    expect(await isPending(small)).toBe(true)
    const held = await writes.first(3)
    writes.letAllThrough()
    for (const write of held) await write.land()
    await soon(Promise.all([...written, small, last]), 'the calls')
    await writer.end()
    expectContent(path, Buffer.concat([...chunks, Buffer.from('small'), odd]))
  })
})
