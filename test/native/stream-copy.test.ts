import { fc, test as prop } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { binding } from '../../src/binding.ts'
import { someBytes } from '../support/bytes.ts'

const native = binding()
const memoryBytes = 3000

describe('streamCopy', () => {
  // Around lines of 64 bytes: heads and tails of every length, and lengths below one line.
  prop.prop([fc.nat(200), fc.nat(200), fc.oneof(fc.nat(300), fc.nat(2500))], { numRuns: 500 })(
    'puts exactly the range where set would, whatever the offsets',
    (intoOffset, fromOffset, byteLength) => {
      const from = someBytes(memoryBytes)
      const into = Buffer.alloc(memoryBytes, 0xee)
      const expected = Buffer.from(into)
      expected.set(from.subarray(fromOffset, fromOffset + byteLength), intoOffset)
      native.streamCopy(into, intoOffset, from, fromOffset, byteLength)
      expect(into.equals(expected)).toBe(true)
    },
  )

  prop.prop([fc.nat(1000), fc.nat(1000), fc.nat(1500)], { numRuns: 300 })(
    'moves within one memory as set does, also where the ranges overlap',
    (intoOffset, fromOffset, byteLength) => {
      const memory = someBytes(memoryBytes)
      const expected = Buffer.from(memory)
      expected.set(expected.subarray(fromOffset, fromOffset + byteLength), intoOffset)
      native.streamCopy(memory, intoOffset, memory, fromOffset, byteLength)
      expect(memory.equals(expected)).toBe(true)
    },
  )

  test('takes views that begin inside their memory, shared memory too', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(1000), 100, 500)
    shared.set(someBytes(500))
    const into = Buffer.alloc(1000)
    native.streamCopy(into.subarray(37), 3, shared, 10, 400)
    expect(into.subarray(40, 440).equals(someBytes(500).subarray(10, 410))).toBe(true)
    expect(into.subarray(0, 40).every((byte) => byte === 0)).toBe(true)
    expect(into.subarray(440).every((byte) => byte === 0)).toBe(true)
  })

  test.each([
    ['into', 901, 0],
    ['from', 0, 901],
    ['both', 1000, 1000],
  ])('refuses a range that is not inside: %s', (_, intoOffset, fromOffset) => {
    const [into, from] = [Buffer.alloc(1000), Buffer.alloc(1000, 1)]
    const copy = () => native.streamCopy(into, intoOffset, from, fromOffset, 100)
    expect(copy).toThrow(expect.objectContaining({ code: 'ERR_BUFFER_DETACHED' }))
    expect(into.every((byte) => byte === 0)).toBe(true)
  })

  test('refuses memory that was transferred away', () => {
    const from = new Uint8Array(1000)
    structuredClone(from, { transfer: [from.buffer] })
    const copy = () => native.streamCopy(new Uint8Array(1000), 0, from, 0, 100)
    expect(copy).toThrow(expect.objectContaining({ code: 'ERR_BUFFER_DETACHED' }))
  })
})
