import { describe, expect, it } from 'vitest'
import type { Writer } from '../../src/writer.ts'
import { alignedBytes, someBytes } from '../support/bytes.ts'
import { temporaryFolder } from '../support/folders.ts'
import { block, expectContent, HeldWrites, openOver, poolWatch, rejection, soon } from './disk.ts'

const folder = temporaryFolder()
const buffer = 4 * block

/** As `someBytes`, in an ArrayBuffer of its own, so that it can be transferred. */
function ownBytes(byteLength: number, seed = 1): Uint8Array {
  return Uint8Array.from(someBytes(byteLength, seed))
}

function detach(bytes: Uint8Array): void {
  structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] })
  expect(bytes.byteLength).toBe(0)
}

describe('a chunk that is transferred away while its call waits for its turn', () => {
  it.each([
    ['write', (writer: Writer, bytes: Uint8Array) => writer.write(bytes)],
    ['writev', (writer: Writer, bytes: Uint8Array) => writer.writev(['a', bytes, 'b'])],
  ])('makes %s reject with ERR_BUFFER_DETACHED, nothing of it taken, and writing goes on', async (_, call) => {
    const given = poolWatch()
    const writes = new HeldWrites()
    const { writer, path } = await openOver(folder, writes.faults)
    const first = someBytes(buffer * 3 + 5)
    const before = writer.write(first)
    const held = await writes.first(2)
    const bytes = ownBytes(1000, 2)
    const outcome = rejection(call(writer, bytes), 'the call with the detached chunk')
    detach(bytes)
    writes.letAllThrough()
    for (const write of held) await write.land()
    await before
    expect(await outcome).toMatchObject({ code: 'ERR_BUFFER_DETACHED' })
    expect(writer.acceptedBytes).toBe(first.byteLength)
    await soon(writer.write('more'), 'a later write')
    await soon(writer.end(), 'end')
    expectContent(path, Buffer.concat([first, Buffer.from('more')]))
    given()
  })
})

describe('a chunk that is transferred away in the midst of its call', () => {
  it.each([1, 2])('while it is copied: nothing of it is taken, and writing goes on (depth %i)', async (queueDepth) => {
    const given = poolWatch()
    const writes = new HeldWrites()
    const { writer, path } = await openOver(folder, writes.faults, { queueDepth })
    await writer.write('first')
    const bytes = ownBytes(buffer * 5)
    const outcome = rejection(writer.write(bytes))
    const held = await writes.first(queueDepth)
    detach(bytes)
    writes.letAllThrough()
    for (const write of held) await write.land()
    expect(await outcome).toMatchObject({ code: 'ERR_BUFFER_DETACHED' })
    expect(writer.acceptedBytes).toBe(5)
    await soon(writer.write(' second'), 'a later write')
    await soon(writer.end(), 'end')
    expectContent(path, Buffer.from('first second'))
    given()
  })

  it('a later one of writev, while an earlier one is copied: nothing is taken', async () => {
    const writes = new HeldWrites()
    const { writer, path } = await openOver(folder, writes.faults)
    const later = ownBytes(100, 2)
    const outcome = rejection(writer.writev([someBytes(buffer * 5), later]))
    const held = await writes.first(2)
    detach(later)
    writes.letAllThrough()
    for (const write of held) await write.land()
    expect(await outcome).toMatchObject({ code: 'ERR_BUFFER_DETACHED' })
    expect(writer.acceptedBytes).toBe(0)
    await soon(writer.end(), 'end')
    expectContent(path, Buffer.alloc(0))
  })

  it('while it waits to be borrowed: nothing is taken, and writing goes on', async () => {
    const given = poolWatch()
    const writes = new HeldWrites()
    const { writer, path } = await openOver(folder, writes.faults, { queueDepth: 1 })
    const before = someBytes(buffer)
    expect(writer.writeSync(before)).toBe(true)
    const [first] = await writes.first(1)
    const bytes = alignedBytes(buffer * 3 + 5, 2)
    const outcome = rejection(writer.write(bytes))
    // The buffer before it is in flight: the chunk waits inside its own turn.
    await new Promise((resolve) => setTimeout(resolve, 20))
    detach(bytes)
    writes.letAllThrough()
    await first?.land()
    expect(await outcome).toMatchObject({ code: 'ERR_BUFFER_DETACHED' })
    expect(writer.acceptedBytes).toBe(before.byteLength)
    await soon(writer.write('more'), 'a later write')
    await soon(writer.end(), 'end')
    expectContent(path, Buffer.concat([before, Buffer.from('more')]))
    given()
  })

  it('while the kernel reads it: the writer ends, for nobody knows what was read', async () => {
    const given = poolWatch()
    const writes = new HeldWrites()
    const { writer, path } = await openOver(folder, writes.faults, { queueDepth: 2 })
    const before = someBytes(block)
    await writer.write(before)
    const bytes = alignedBytes(buffer * 4, 2)
    const outcome = rejection(writer.write(bytes))
    const held = await writes.first(2)
    const lands = held.map((write) => write.land())
    detach(bytes)
    await Promise.all(lands)
    const error = await outcome
    expect(error).toMatchObject({ code: 'ERR_BUFFER_DETACHED', retryable: false })
    expect(await rejection(writer.end())).toBe(error)
    await soon(writer[Symbol.asyncDispose](), 'disposal')
    expectContent(path, before.subarray(0, writer.writtenBytes))
    given()
  })

  it('between two parts of a short write: the writer ends as well', async () => {
    const writes = new HeldWrites()
    const { writer } = await openOver(folder, writes.faults, { queueDepth: 1 })
    const bytes = alignedBytes(buffer, 2)
    const outcome = rejection(writer.write(bytes))
    const [first] = await writes.first(1)
    await first?.landShort(block)
    const [rest] = await writes.first(1)
    detach(bytes)
    await rest?.land().catch(() => undefined)
    rest?.fail(Object.assign(new Error('detached'), { code: 'ERR_BUFFER_DETACHED' }))
    expect(await outcome).toMatchObject({ code: 'ERR_BUFFER_DETACHED', retryable: false })
  })
})

describe('a buffer of the writer', () => {
  it('can’t be transferred away through a slot', async () => {
    const { writer, path } = await openOver(folder, {})
    const slot = writer.reserve(100) as Uint8Array
    try {
      structuredClone(slot.buffer, { transfer: [slot.buffer as ArrayBuffer] })
    } catch {
      // Newer versions of Node refuse it, older ones copy the memory.
    }
    expect(slot.byteLength).toBe(100)
    slot.set(someBytes(100))
    writer.commit(100)
    await writer.end()
    expectContent(path, someBytes(100))
  })
})
