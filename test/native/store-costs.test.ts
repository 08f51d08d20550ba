import { describe, expect, test } from 'vitest'
import { binding } from '../../src/binding.ts'

const native = binding()

describe('storeCosts', () => {
  test('tells two times, and touches nothing behind the length', () => {
    const memory = Buffer.alloc(100_000, 0xee)
    const { plainNs, streamedNs } = native.storeCosts(memory.subarray(100), 32 * 1024)
    for (const ns of [plainNs, streamedNs]) {
      expect(ns).toBeGreaterThan(0)
      // A second: not a test of speed, but of the unit.
      expect(ns).toBeLessThan(1e9)
    }
    const untouched = [memory.subarray(0, 100), memory.subarray(100 + 32 * 1024)]
    for (const part of untouched) expect(part.every((byte) => byte === 0xee)).toBe(true)
  })

  test('refuses more than the memory has, and memory that was transferred away', () => {
    const gone = new Uint8Array(32 * 1024)
    structuredClone(gone, { transfer: [gone.buffer] })
    const refusal = expect.objectContaining({ code: 'ERR_BUFFER_DETACHED' }) as Error
    expect(() => native.storeCosts(Buffer.alloc(16383), 16384)).toThrow(refusal)
    expect(() => native.storeCosts(gone, 32 * 1024)).toThrow(refusal)
  })
})
