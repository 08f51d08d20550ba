import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest'
import { type Binding, binding } from '../src/binding.ts'
import { BufferPool } from '../src/buffer-pool.ts'
import { TestBudget } from './support/budget.ts'

const MiB = 1024 * 1024

/** What the pool of the process may keep. */
const retainedBytesMax = 16 * MiB

/** By when unused memory has to be gone: it is kept for a second and looked at once a second. */
const idleMsMax = 2100

let released: MockInstance<Binding['releaseMemory']>

beforeEach(() => {
  vi.useFakeTimers()
  released = vi.spyOn(binding(), 'releaseMemory')
})

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

function poolOf(bytes = retainedBytesMax): BufferPool {
  return new BufferPool(new TestBudget(), bytes)
}

/** Takes buffers as a writer does, all of one size. */
function takeAll(pool: BufferPool, count: number, byteLength: number): Buffer[] {
  return Array.from({ length: count }, () => pool.take(byteLength, 4096, false) as Buffer)
}

function giveAll(pool: BufferPool, buffers: readonly Buffer[]): void {
  for (const buffer of buffers) pool.give(buffer, buffer.byteLength)
}

describe('memory that writers use again and again', () => {
  it.each([
    ['the defaults', 4, 2 * MiB + 512],
    ['more than the pool keeps for nobody', 8, 8 * MiB],
    ['small ones', 4, 65_536 + 4096],
    ['a great number', 64, MiB + 4096],
  ])('is not given back to the system meanwhile: %s', (_, count, byteLength) => {
    const pool = poolOf()
    const memories = new Set<ArrayBufferLike>()
    giveAll(pool, takeAll(pool, count, byteLength))
    released.mockClear()
    for (let round = 0; round < 50; round++) {
      const buffers = takeAll(pool, count, byteLength)
      for (const { buffer } of buffers) memories.add(buffer)
      // Some rounds are slow, none leaves the memory alone for a second.
      vi.advanceTimersByTime(round % 5 === 0 ? 400 : 1)
      giveAll(pool, buffers)
      vi.advanceTimersByTime(round % 7 === 0 ? 500 : 0)
    }
    expect(released).not.toHaveBeenCalled()
    expect(memories.size).toBeLessThanOrEqual(count)
  })

  it('stays while one writer holds it, however long others pause', () => {
    const pool = poolOf()
    const held = takeAll(pool, 4, 2 * MiB)
    for (let i = 0; i < 10; i++) {
      giveAll(pool, takeAll(pool, 2, 2 * MiB))
      vi.advanceTimersByTime(idleMsMax)
    }
    expect(pool.usedBytes).toBe(8 * MiB)
    for (const [i, buffer] of held.entries()) buffer.fill(1 + i)
    expect(held.every((buffer, i) => buffer.every((byte) => byte === 1 + i))).toBe(true)
    for (const call of released.mock.calls) {
      expect(held.some(({ buffer }) => buffer === call[0].buffer)).toBe(false)
    }
  })
})

describe('memory that nobody uses', () => {
  it.each([
    ['the defaults', 4, 2 * MiB + 512],
    ['large ones', 6, 8 * MiB],
    ['small ones', 30, 65_536 + 4096],
  ])('is all given back to the system a moment later: %s', (_, count, byteLength) => {
    const pool = poolOf()
    const buffers = takeAll(pool, count, byteLength)
    giveAll(pool, buffers)
    expect(pool.retainedBytes).toBeGreaterThan(0)
    vi.advanceTimersByTime(900)
    expect(released).not.toHaveBeenCalled()
    vi.advanceTimersByTime(idleMsMax - 900)
    expect(pool.retainedBytes).toBe(0)
    const gone = new Set(released.mock.calls.map(([view]) => view.buffer))
    expect(buffers.every(({ buffer }) => gone.has(buffer))).toBe(true)
    // Once each.
    expect(released).toHaveBeenCalledTimes(gone.size)
  })

  it('goes in steps, as it was last used', () => {
    const pool = poolOf()
    const buffers = takeAll(pool, 2, 5 * MiB)
    const gone = () => released.mock.calls.map(([view]) => buffers.findIndex(({ buffer }) => buffer === view.buffer))
    pool.give(buffers[0] as Buffer, 5 * MiB)
    vi.advanceTimersByTime(900)
    pool.give(buffers[1] as Buffer, 5 * MiB)
    vi.advanceTimersByTime(600)
    expect(gone()).toEqual([0])
    vi.advanceTimersByTime(idleMsMax)
    expect(gone()).toEqual([0, 1])
  })

  it('goes at once where it is more than was used since the last look, and more than is kept for nobody', () => {
    const pool = poolOf(10 * MiB)
    const buffers = takeAll(pool, 8, 5 * MiB)
    giveAll(pool, buffers.slice(0, 1))
    vi.advanceTimersByTime(900)
    giveAll(pool, buffers.slice(1, 4))
    // The look takes the one that has been unused for a second, and finds 20 MiB in use.
    vi.advanceTimersByTime(200)
    expect([pool.retainedBytes, pool.usedBytes]).toEqual([15 * MiB, 20 * MiB])
    released.mockClear()
    giveAll(pool, buffers.slice(4))
    expect(pool.retainedBytes).toBe(20 * MiB)
    // Those unused the longest.
    const gone = released.mock.calls.map(([view]) => buffers.findIndex(({ buffer }) => buffer === view.buffer))
    expect(gone).toEqual([1, 2, 3])
  })

  it('never exceeds the most that was used lately, or what is kept for nobody', () => {
    const pool = poolOf(10 * MiB)
    giveAll(pool, takeAll(pool, 6, 5 * MiB))
    expect(pool.retainedBytes).toBe(30 * MiB)
    vi.advanceTimersByTime(900)
    giveAll(pool, takeAll(pool, 2, 3 * MiB))
    expect(pool.retainedBytes).toBeLessThanOrEqual(30 * MiB)
    vi.advanceTimersByTime(idleMsMax)
    expect(pool.retainedBytes).toBe(0)
  })

  it('is looked after by one timer that stops with it', () => {
    const pool = poolOf()
    for (let i = 0; i < 20; i++) giveAll(pool, takeAll(pool, 4, MiB))
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(idleMsMax)
    expect(vi.getTimerCount()).toBe(0)
    giveAll(pool, takeAll(pool, 1, MiB))
    expect(vi.getTimerCount()).toBe(1)
  })

  it('can be used again when it is wanted later', () => {
    const pool = poolOf()
    giveAll(pool, takeAll(pool, 4, 2 * MiB))
    vi.advanceTimersByTime(idleMsMax)
    const buffers = takeAll(pool, 4, 2 * MiB)
    for (const [i, buffer] of buffers.entries()) buffer.fill(1 + i)
    expect(buffers.every((buffer, i) => buffer[0] === 1 + i && buffer.at(-1) === 1 + i)).toBe(true)
    expect(pool.usedBytes).toBe(8 * MiB)
  })
})
