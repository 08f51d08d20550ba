import { describe, expect, it } from 'vitest'
import { binding } from '../src/binding.ts'
import { BufferPool } from '../src/buffer-pool.ts'
import { allocAligned } from '../src/index.ts'
import { largePageBytes } from '../src/memory.ts'
import { TestBudget } from './support/budget.ts'

/** Bytes past a multiple of `alignment`; of an empty view there is nothing to ask. */
function misalignment(view: Uint8Array, alignment: number): number {
  return binding().misalignment(view, alignment)
}

describe('allocAligned', () => {
  it.each([1, 2, 512, 4096, 65_536, 2 ** 20])('gives zeroed memory at a multiple of %i', (alignment) => {
    for (let i = 0; i < 5; i++) {
      const bytes = allocAligned(10_001, alignment)
      expect(bytes).toBeInstanceOf(Uint8Array)
      expect(bytes.byteLength).toBe(10_001)
      expect(misalignment(bytes, alignment)).toBe(0)
      expect(bytes.every((byte) => byte === 0)).toBe(true)
      bytes.fill(255)
    }
  })

  it('aligns to 4096 when nothing is said', () => {
    expect(misalignment(allocAligned(1), 4096)).toBe(0)
  })

  it.each([2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20 - 1, 3 * 2 ** 20, 5_000_001])(
    'gives exactly %i bytes, zeroed, at any alignment',
    (byteLength) => {
      for (const alignment of [1, 4096, 2 ** 21, 2 ** 23]) {
        const bytes = allocAligned(byteLength, alignment)
        expect(bytes.byteLength).toBe(byteLength)
        expect(misalignment(bytes, alignment)).toBe(0)
        expect(Buffer.alloc(byteLength).equals(bytes)).toBe(true)
        bytes.fill(255)
      }
    },
  )

  it('lays memory of 1 MiB and more on large pages', () => {
    expect(misalignment(allocAligned(2 ** 20), largePageBytes)).toBe(0)
    expect(misalignment(allocAligned(2 ** 20, 512), largePageBytes)).toBe(0)
  })

  it('gives no memory for 0 bytes', () => {
    expect(allocAligned(0).byteLength).toBe(0)
  })

  it.each([
    [-1, 512],
    [0.5, 512],
    [Number.NaN, 512],
    [2 ** 53, 512],
    [1, 0],
    [1, 3],
    [1, 4095],
    [1, -512],
    [1, 1.5],
    [1, 2 ** 31],
  ])('refuses %d bytes at %d', (byteLength, alignment) => {
    expect(() => allocAligned(byteLength, alignment)).toThrow(
      expect.objectContaining({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }),
    )
  })

  it.each([
    ['1', 512],
    [1, '512'],
    [1, null],
    [undefined, 512],
  ])('refuses what is no number: %j, %j', (byteLength, alignment) => {
    expect(() => allocAligned(byteLength as number, alignment as number)).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }),
    )
  })
})

/** What the pool of the process may keep. */
const retainedBytesMax = 16 * 1024 * 1024

describe('BufferPool', () => {
  it('gives out buffers at their alignment and counts them', () => {
    const budget = new TestBudget(100_000)
    const pool = new BufferPool(budget, retainedBytesMax)
    for (const alignment of [512, 4096, 65_536]) {
      const buffer = pool.take(8192, alignment, false) as Buffer
      expect(buffer.byteLength).toBe(8192)
      expect(misalignment(buffer, alignment)).toBe(0)
      expect([pool.usedBytes, budget.heldBytes]).toEqual([8192, 8192])
      pool.give(buffer, 8192)
      expect([pool.usedBytes, budget.heldBytes]).toEqual([0, 0])
    }
  })

  it('gives the same memory again, only for the same size and alignment', () => {
    const pool = new BufferPool(new TestBudget(), retainedBytesMax)
    const buffer = pool.take(8192, 4096, false) as Buffer
    pool.give(buffer, 8192)
    expect(pool.retainedBytes).toBeGreaterThanOrEqual(8192)
    expect(pool.take(4096, 4096, false)?.buffer).not.toBe(buffer.buffer)
    expect(pool.take(8192, 65_536, false)?.buffer).not.toBe(buffer.buffer)
    expect(pool.retainedBytes).toBeGreaterThanOrEqual(8192)
    expect(pool.take(8192, 4096, false)).toBe(buffer)
    expect(pool.retainedBytes).toBe(0)
    expect(pool.take(8192, 4096, false)).not.toBe(buffer)
  })

  it('stops at its cap, but for those who need a buffer to go on', () => {
    const pool = new BufferPool(new TestBudget(10_000), 0)
    const first = pool.take(8192, 512, false) as Buffer
    expect(first).not.toBeNull()
    expect(pool.take(8192, 512, false)).toBeNull()
    expect(pool.usedBytes).toBe(8192)
    const second = pool.take(8192, 512, true) as Buffer
    expect(second).not.toBeNull()
    expect(pool.usedBytes).toBe(16_384)
    pool.give(first, 8192)
    expect(pool.take(8192, 512, false)).toBeNull()
    pool.give(second, 8192)
    expect(pool.take(8192, 512, false)).not.toBeNull()
  })

  it('makes buffers one by one where no more may be kept', () => {
    const pool = new BufferPool(new TestBudget(), 10_000)
    const buffers = [1, 2, 3].map(() => pool.take(4096, 512, false) as Buffer)
    expect(new Set(buffers.map(({ buffer }) => buffer)).size).toBe(3)
    for (const buffer of buffers) pool.give(buffer, 4096)
    // All three were used a moment ago.
    expect(pool.retainedBytes).toBe(3 * 4096)
    expect(pool.usedBytes).toBe(0)
  })

  it('does not count what could not be allocated', () => {
    const budget = new TestBudget()
    const pool = new BufferPool(budget, 0)
    expect(() => pool.take(2 ** 52, 512, false)).toThrow(RangeError)
    expect([pool.usedBytes, budget.heldBytes]).toEqual([0, 0])
    expect(pool.take(4096, 512, false)?.byteLength).toBe(4096)
  })

  it('does not let a buffer be transferred away', () => {
    const pool = new BufferPool(new TestBudget(), retainedBytesMax)
    const buffer = pool.take(8192, 512, false) as Buffer
    try {
      structuredClone(buffer, { transfer: [buffer.buffer as ArrayBuffer] })
    } catch {
      // Later versions of Node refuse; Node 20 copies.
    }
    expect(buffer.byteLength).toBe(8192)
  })

  it('tells who waits when a buffer comes back, and lets them look for themselves now and then', async () => {
    const pool = new BufferPool(new TestBudget(8192), 0)
    const buffer = pool.take(8192, 512, false) as Buffer
    const told: string[] = []
    const both = ['first', 'second'].map((name) => pool.given().then(() => told.push(name)))
    pool.give(buffer, 8192)
    await Promise.all(both)
    expect(told).toEqual(['first', 'second'])
    // Nothing comes back here: it may have in another thread.
    await pool.given()
  })
})
