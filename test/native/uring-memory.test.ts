import { constants, readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import { binding } from '../../src/binding.ts'
import { codeOf } from '../../src/errors.ts'
import { allocAligned } from '../../src/index.ts'
import { alignedBytes, someBytes } from '../support/bytes.ts'
import { expectEngine, namedRing, whyNoRing } from '../support/engine.ts'
import { caught, opened, readWrite } from './opened.ts'

const native = binding()
const direct = readWrite | constants.O_DIRECT
const block = 4096

describe.skipIf(whyNoRing() !== null)(namedRing('memory that the ring knows'), () => {
  beforeEach(() => {
    expectEngine('io_uring')
    native.startRing()
  })

  test('is written from, whole, at its edges and across them', async () => {
    const content = alignedBytes(16 * block)
    const known = content.subarray(4 * block, 12 * block)
    const place = native.registerBuffer(known)
    try {
      const ranges = [
        [4, 8],
        [4, 1],
        [11, 1],
        [3, 2],
        [11, 2],
        [0, 16],
        [3, 1],
        [12, 1],
      ] as const
      for (const [from, count] of ranges) {
        await opened(direct, async (file, path) => {
          expect(await file.pwrite(content, from * block, count * block, 0, 0, true, place)).toBe(count * block)
          const expected = content.subarray(from * block, (from + count) * block)
          expect(Buffer.compare(readFileSync(path), expected)).toBe(0)
        })
      }
    } finally {
      native.releaseMemory(known, place)
    }
  })

  test('is written as it is now, not as it was when it was made known', async () => {
    const memory = allocAligned(4 * block)
    const place = native.registerBuffer(memory)
    try {
      for (const seed of [1, 2, 3]) {
        memory.set(someBytes(memory.byteLength, seed))
        await opened(direct, async (file, path) => {
          await file.pwrite(memory, 0, memory.byteLength, 0, 0, true, place)
          expect(readFileSync(path).equals(someBytes(memory.byteLength, seed))).toBe(true)
        })
      }
    } finally {
      native.releaseMemory(memory, place)
    }
  })

  test('that was released is memory like any other', async () => {
    const memory = alignedBytes(4 * block)
    const place = native.registerBuffer(memory)
    native.releaseMemory(memory, place)
    memory.set(someBytes(memory.byteLength, 5))
    await opened(direct, async (file, path) => {
      await file.pwrite(memory, 0, memory.byteLength, 0, 0, true, place)
      expect(readFileSync(path).equals(someBytes(memory.byteLength, 5))).toBe(true)
    })
  })

  test('has a limited number of places, each of which is given again', async () => {
    const memory = alignedBytes(100 * block)
    const parts = Array.from({ length: 100 }, (_, i) => memory.subarray(i * block, (i + 1) * block))
    for (let round = 0; round < 3; round++) {
      const outcomes = parts.map(register)
      const places = outcomes.map((outcome) => (typeof outcome === 'number' ? outcome : -1))
      try {
        expect(new Set(places.slice(0, 64)).size).toBe(64)
        expect(Math.min(...places.slice(0, 64))).toBe(0)
        expect(outcomes.slice(64)).toEqual(Array.from({ length: 36 }, () => 'ENOBUFS'))
        memory.set(someBytes(memory.byteLength, round))
        await opened(direct, async (file, path) => {
          await Promise.all(parts.map((part, i) => file.pwrite(part, 0, block, i * block, 0, true, places[i])))
          expect(readFileSync(path).equals(someBytes(memory.byteLength, round))).toBe(true)
        })
      } finally {
        for (const [i, part] of parts.entries()) native.releaseMemory(part, places[i] as number)
      }
    }
  })

  test.each([-1, 1, 63, 64, 2 ** 31 - 1])(
    'a place that is of other memory, or none, is not taken for it: %i',
    async (wrong) => {
      const memory = alignedBytes(4 * block)
      const known = alignedBytes(4 * block, 2)
      const place = native.registerBuffer(known)
      try {
        await opened(direct, async (file, path) => {
          for (const given of [wrong, place]) {
            expect(await file.pwrite(memory, 0, memory.byteLength, 0, 0, true, given)).toBe(memory.byteLength)
            expect(Buffer.compare(readFileSync(path), memory)).toBe(0)
          }
        })
      } finally {
        native.releaseMemory(known, place)
      }
    },
  )

  test('is refused when the kernel does not take so much at once, and costs no place', () => {
    // Never touched, so it takes no memory.
    const tooMuch = new Uint8Array(2 ** 30 + block)
    for (let i = 0; i < 100; i++) {
      const refused = { code: 'EFAULT', errno: -14, syscall: 'io_uring_register' }
      expect(caught(() => native.registerBuffer(tooMuch))).toMatchObject(refused)
    }
    const memory = alignedBytes(block)
    const place = register(memory)
    expect(place).toBeTypeOf('number')
    native.releaseMemory(memory, place as number)
  })
})

/** The place that memory gets, or the code of what is thrown. */
function register(memory: Uint8Array): number | string {
  try {
    return native.registerBuffer(memory)
  } catch (error) {
    return codeOf(error) ?? String(error)
  }
}
