import { setImmediate } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { binding } from '../src/binding.ts'
import { giveStage, linesAreFar, stageBytesFor, takeStage } from '../src/stage.ts'
import { someBytes } from './support/bytes.ts'
import { freshPath, temporaryFolder } from './support/folders.ts'
import { expectFile, openSmall } from './writer/tools.ts'

const folder = temporaryFolder()

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

function measured(plainNs: number, streamedNs: number) {
  return vi.spyOn(binding(), 'storeCosts').mockReturnValue({ plainNs, streamedNs })
}

describe('linesAreFar', () => {
  const buffer = Buffer.alloc(256 * 1024, 1)

  it.each([
    [100, 100, false],
    [400, 100, false],
    [401, 100, true],
  ])('with %i ns for fetching and %i ns past the caches: %s', (plainNs, streamedNs, far) => {
    measured(plainNs, streamedNs)
    expect(linesAreFar(buffer)).toBe(far)
  })

  it('asks no small buffer', () => {
    const asked = measured(100, 100)
    expect(linesAreFar(buffer.subarray(1))).toBe(true)
    expect(asked).not.toHaveBeenCalled()
  })
})

describe('a stage', () => {
  it.each([
    [1, 0],
    [4096, 1024],
    [256 * 1024, 64 * 1024],
    [2 ** 30, 64 * 1024],
  ])('for a buffer of %i bytes has %i', (bufferSize, byteLength) => {
    expect(stageBytesFor(bufferSize)).toBe(byteLength)
  })

  it('is used again, of the usual size, and can not be transferred away', () => {
    const { port1 } = new MessageChannel()
    const stages = Array.from({ length: 6 }, () => takeStage(64 * 1024))
    const small = takeStage(1024)
    for (const stage of [small, ...stages]) giveStage(stage!)
    const again = Array.from({ length: 6 }, () => takeStage(64 * 1024))
    expect(again.filter((stage) => stages.includes(stage))).toHaveLength(4)
    // Some versions of Node copy instead, others throw.
    expect(() => {
      port1.postMessage(again[0], [again[0]!.buffer as ArrayBuffer])
      if (again[0]!.byteLength > 0) throw new Error('copied')
    }).toThrow()
    port1.close()
    for (const stage of again) giveStage(stage!)
  })
})

describe.each([true, false])('a direct writer, with far buffers: %s', (far) => {
  it.each([
    [157, true],
    [4000, true],
    [65_537, false],
  ])('brings pieces of up to %i bytes and slots to the file, in order', async (most, areSmall) => {
    const asked = measured(far ? 1000 : 1, 100)
    const path = freshPath(folder)
    const writer = await openSmall(path, 'direct', { bufferSize: 512 * 1024, queueDepth: 4 })
    const parts: Buffer[] = []
    for (let i = 0; writer.position < 6 * 1024 * 1024; i++) {
      const part = someBytes(1 + ((i * 6151) % most), i % 251)
      parts.push(part)
      const slot = i % 3 === 0 ? writer.reserve(part.byteLength) : null
      if (slot !== null) {
        slot.set(part)
        writer.commit(part.byteLength)
      } else if (!writer.writeSync(part)) {
        await writer.write(part)
      }
      if (i % 1000 === 0) {
        await setImmediate()
        await writer.writeAt(part.subarray(0, 1), writer.position - part.byteLength)
      }
    }
    await writer.end()
    expectFile(path, Buffer.concat(parts))
    expect(asked.mock.calls.length > 5).toBe(areSmall)
  })
})

/** A direct writer, `before` written, whose next buffer is far if it was filled by it. */
async function openFar(path: string, before: Buffer) {
  measured(1000, 100)
  const writer = await openSmall(path, 'direct', { bufferSize: 512 * 1024, queueDepth: 4 })
  for (let from = 0; from < before.byteLength; from += 1000) await writer.write(before.subarray(from, from + 1000))
  await setImmediate()
  await setImmediate()
  return writer
}

function failNextStage(): () => boolean {
  let failed = false
  vi.stubGlobal(
    'ArrayBuffer',
    class extends ArrayBuffer {
      constructor(byteLength: number) {
        if (!failed && byteLength === 64 * 1024 + 64) {
          failed = true
          throw new RangeError('Array buffer allocation failed')
        }
        super(byteLength)
      }
    },
  )
  return () => failed
}

describe('without memory for a stage', () => {
  it.each(['writeSync', 'write', 'reserve'] as const)('%s fills the buffer itself', async (name) => {
    const held = Array.from({ length: 4 }, () => takeStage(64 * 1024))
    const path = freshPath(folder)
    const before = someBytes(512 * 1024 - 1000, 1)
    const chunk = someBytes(3000, 2)
    const writer = await openFar(path, before)
    const failed = failNextStage()
    if (name === 'reserve') {
      expect(writer.writeSync(chunk.subarray(0, 1000))).toBe(true)
      const slot = writer.reserve(2000)
      slot!.set(chunk.subarray(1000))
      writer.commit(2000)
    } else {
      await writer[name](chunk)
    }
    expect(failed()).toBe(true)
    expect(writer.position).toBe(before.byteLength + chunk.byteLength)
    vi.unstubAllGlobals()
    await writer.end()
    expectFile(path, Buffer.concat([before, chunk]))
    for (const stage of held) giveStage(stage!)
  })
})

describe.each([true, false])('a slot, with far buffers: %s', (far) => {
  it.each([0, 10])('behind %i bytes, ends with a call that takes nothing', async (pieceBytes) => {
    const writer = await openFar(freshPath(folder), someBytes(512 * 1024))
    measured(far ? 1000 : 1, 100)
    const calls: (() => unknown)[] = [
      // More than all buffers hold: with four of them, it was taken when the disk was quick and all of them were empty.
      () => expect(writer.writeSync(Buffer.alloc(5 * 512 * 1024))).toBe(false),
      () => expect(writer.writeSync('')).toBe(true),
      async () => await writer.write(''),
      () => expect(writer.writevSync([])).toBe(true),
      () => expect(() => writer.reserve(2 ** 40)).toThrow(RangeError),
    ]
    for (const call of calls) {
      await setImmediate()
      await setImmediate()
      if (pieceBytes > 0) expect(writer.writeSync(someBytes(pieceBytes))).toBe(true)
      expect(writer.reserve(100)).not.toBeNull()
      await call()
      expect(() => writer.commit(100)).toThrow(expect.objectContaining({ code: 'ERR_NOT_RESERVED' }) as Error)
    }
    await writer.end()
  })
})
