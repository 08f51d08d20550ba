import { describe, expect, it } from 'vitest'
import { alignedBytes, someBytes } from '../support/bytes.ts'
import { temporaryFolder } from '../support/folders.ts'
import { block, expectContent, FullDisk, openOver, poolWatch, quiet, rejection, soon } from './disk.ts'

const folder = temporaryFolder()

const codes = ['ENOSPC', 'EDQUOT', 'EAGAIN']
const limits = [0, block, 3 * block, 5 * block]

describe.each(codes)('a write on a disk that is full (%s)', (code) => {
  it.each(limits)('larger than all buffers is taken back whole and can be tried again: %i bytes fit', async (limit) => {
    const given = poolWatch()
    const disk = new FullDisk(limit, code)
    const { writer, path } = await openOver(folder, disk.faults)
    const before = someBytes(700, 2)
    const chunk = someBytes(block * 30 + 5)
    expect(writer.writeSync(before)).toBe(true)
    const error = await rejection(writer.write(chunk))
    expect(error).toMatchObject({ code, retryable: true, syscall: 'pwritev2', syncedBytes: 0 })
    expect(error.position).toBe(Math.min(limit, 700))
    expect(writer.acceptedBytes).toBe(700)
    disk.makeSpace()
    await soon(writer.write(chunk), 'the second try')
    expect(await writer.end()).toBe(chunk.byteLength + 700)
    expectContent(path, Buffer.concat([before, chunk]))
    given()
  })

  it.each(limits)('borrowed is taken back whole and can be tried again: %i bytes fit', async (limit) => {
    const given = poolWatch()
    const disk = new FullDisk(limit, code)
    const { writer, path } = await openOver(folder, disk.faults, { queueDepth: 3 })
    const before = someBytes(block, 2)
    const chunk = alignedBytes(block * 30 + 5)
    await writer.write(before)
    const error = await rejection(writer.write(chunk))
    expect(error).toMatchObject({ code, retryable: true, position: Math.min(limit, block) })
    expect(writer.acceptedBytes).toBe(block)
    expect(error.acceptedBytes).toBe(block)
    disk.makeSpace()
    await soon(writer.write(chunk), 'the second try')
    expect(await writer.end()).toBe(chunk.byteLength + block)
    expectContent(path, Buffer.concat([before, chunk]))
    given()
  })

  it('many small ones behind: none that was accepted is lost', async () => {
    const disk = new FullDisk(10 * block, code)
    const { writer, path } = await openOver(folder, disk.faults, { queueDepth: 3 })
    const accepted: Buffer[] = []
    let rejected = 0
    for (let i = 0; i < 400; i++) {
      const piece = someBytes(1 + ((i * 37) % 600), i)
      for (;;) {
        const outcome = await soon(
          writer.write(piece).then(
            () => null,
            (error: { retryable: boolean }) => error,
          ),
          'a small write',
        )
        if (outcome === null) break
        expect(outcome).toMatchObject({ code, retryable: true })
        if (++rejected === 3) disk.makeSpace()
      }
      accepted.push(piece)
    }
    expect(rejected).toBe(3)
    await writer.end()
    expectContent(path, Buffer.concat(accepted))
  })
})

describe('while the writer is stalled by a full disk', () => {
  it('writeSync answers false, reserve null, and desiredSize 0, and nothing is taken', async () => {
    const disk = new FullDisk(0)
    const { writer, path } = await openOver(folder, disk.faults)
    expect(writer.writeSync(someBytes(100))).toBe(true)
    await rejection(writer.flush())
    expect(writer.writeSync(someBytes(1))).toBe(false)
    expect(writer.writevSync([someBytes(1), someBytes(2)])).toBe(false)
    expect(writer.reserve(10)).toBeNull()
    expect(writer.desiredSize).toBe(0)
    expect(writer.acceptedBytes).toBe(100)
    disk.makeSpace()
    await writer.flush()
    expect(writer.writeSync(someBytes(50, 2))).toBe(true)
    await writer.end()
    expectContent(path, Buffer.concat([someBytes(100), someBytes(50, 2)]))
  })

  it('a failure that nobody waited for is tried again by the next call', async () => {
    const disk = new FullDisk(0)
    const { writer, path } = await openOver(folder, disk.faults, { queueDepth: 4 })
    const content = someBytes(block * 5)
    expect(writer.writeSync(content)).toBe(true)
    await quiet()
    expect(disk.refusals).toBe(1)
    expect(writer.writeSync('x')).toBe(false)
    disk.makeSpace()
    await soon(writer.flush(), 'flush')
    expectContent(path, content)
    await writer.end()
  })

  it('a committed slot is kept', async () => {
    const disk = new FullDisk(0)
    const { writer, path } = await openOver(folder, disk.faults, { queueDepth: 4 })
    const content = someBytes(block * 4)
    expect(writer.writeSync(content)).toBe(true)
    const slot = writer.reserve(4 * block)
    expect(slot).not.toBeNull()
    await quiet()
    // The write of the first buffer has failed by now.
    slot?.set(someBytes(4 * block, 2))
    writer.commit(4 * block)
    expect(writer.acceptedBytes).toBe(8 * block)
    expect(await rejection(writer.flush())).toMatchObject({ code: 'ENOSPC', position: 0 })
    disk.makeSpace()
    await soon(writer.end(), 'end')
    expectContent(path, Buffer.concat([content, someBytes(4 * block, 2)]))
  })
})

describe('several calls that nobody awaited', () => {
  it.each([
    ['copied', someBytes],
    ['borrowed', alignedBytes],
  ])('are all rejected, none of their bytes taken: %s', async (_, bytes) => {
    const given = poolWatch()
    const disk = new FullDisk(2 * block)
    const { writer, path } = await openOver(folder, disk.faults)
    const chunks = [1, 2, 3, 4].map((seed) => bytes(block * 4 * seed, seed))
    const small = someBytes(10, 9)
    const calls = [...chunks.map((chunk) => writer.write(chunk)), writer.write(small), writer.flush()]
    const outcomes = await soon(Promise.allSettled(calls), 'the calls')
    // What failed is what the first one had in flight: it and all that waited behind it are told.
    const errors = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : null))
    const firstRejected = errors.findIndex((error) => error !== null)
    expect(firstRejected).toBeGreaterThanOrEqual(0)
    for (const error of errors.slice(firstRejected)) {
      expect(error).toMatchObject({ code: 'ENOSPC', retryable: true })
    }
    const accepted = chunks.slice(0, firstRejected)
    expect(writer.acceptedBytes).toBe(Buffer.concat(accepted).byteLength)
    disk.makeSpace()
    for (const chunk of chunks.slice(firstRejected)) await soon(writer.write(chunk), 'a second try')
    await writer.write(small)
    await writer.end()
    expectContent(path, Buffer.concat([...chunks, small]))
    given()
  })
})
