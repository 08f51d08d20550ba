import { describe, expect, it } from 'vitest'
import { binding } from '../../src/binding.ts'
import { processBudget } from '../../src/budget.ts'
import { BufferPool, memoryUse, sharedPool } from '../../src/buffer-pool.ts'
import { TestBudget } from '../support/budget.ts'
import { randomNumbers, someBytes } from '../support/bytes.ts'
import { temporaryFolder } from '../support/folders.ts'
import { block, expectContent, openOver, poolWatch, soon } from './disk.ts'

const folder = temporaryFolder()

describe('BufferPool', () => {
  it('gives null beyond its cap, except to those who have none', () => {
    const budget = new TestBudget(3 * block)
    const pool = new BufferPool(budget, 0)
    const taken = [1, 2, 3].map(() => pool.take(block, block, false))
    expect(taken.every((buffer) => buffer?.byteLength === block)).toBe(true)
    expect(pool.take(block, block, false)).toBeNull()
    expect(pool.usedBytes).toBe(3 * block)
    const beyond = pool.take(block, block, true)
    expect(beyond).not.toBeNull()
    expect(pool.usedBytes).toBe(4 * block)
    for (const buffer of [...taken, beyond]) if (buffer !== null) pool.give(buffer, block)
    expect([pool.usedBytes, budget.heldBytes]).toEqual([0, 0])
    expect(pool.take(block, block, false)).not.toBeNull()
  })

  it('gives aligned buffers, and keeps no more than it may or than was used lately', () => {
    const pool = new BufferPool(new TestBudget(), 4 * block)
    const next = randomNumbers(5)
    const held: { buffer: Buffer; bytes: number }[] = []
    let used = 0
    let peak = 0
    for (let i = 0; i < 500; i++) {
      if (next(2) === 0 && held.length > 0) {
        const [one] = held.splice(next(held.length), 1)
        if (one === undefined) continue
        pool.give(one.buffer, one.bytes)
        used -= one.bytes
      } else {
        const bytes = block * (1 + next(3))
        const alignment = 512 << next(8)
        const buffer = pool.take(bytes, alignment, false) as Buffer
        expect(buffer.byteLength).toBe(bytes)
        expect(binding().misalignment(buffer, alignment)).toBe(0)
        expect(held.some((one) => one.buffer === buffer)).toBe(false)
        held.push({ buffer, bytes })
        used += bytes
      }
      expect(pool.usedBytes).toBe(used)
      peak = Math.max(peak, used)
      expect(pool.retainedBytes).toBeLessThanOrEqual(Math.max(4 * block, peak))
    }
  })
})

/** A writer of its own that takes chunks of all sizes, most by writeSync. */
async function writeRandomly(seed: number): Promise<void> {
  const { writer, path } = await openOver(folder, {}, { queueDepth: 4 })
  const next = randomNumbers(seed)
  const parts = Array.from({ length: 30 }, (_, i) => someBytes(next(next(3) === 0 ? 9 * block : 500), i))
  for (const part of parts) {
    if (writer.writeSync(part)) continue
    if (part.byteLength <= writer.bufferSize) {
      // A chunk of one buffer finds room once drained, however few buffers there are.
      await soon(writer.drain(), 'drain')
      expect(writer.writeSync(part)).toBe(true)
    } else {
      await soon(writer.write(part), 'write')
    }
  }
  await soon(writer.end(), 'end')
  expectContent(path, Buffer.concat(parts))
}

describe('writers over a pool that is used up', () => {
  it('get two buffers each and still finish', async () => {
    const given = poolWatch()
    // All that the process may have is taken by somebody else.
    const { capBytes, heldBytes } = memoryUse()
    const rest = capBytes - heldBytes
    processBudget.take(rest, true)
    try {
      expect(sharedPool.take(1, 1, false)).toBeNull()
      await Promise.all([1, 2, 3, 4, 5].map(writeRandomly))
      expect(memoryUse().heldBytes).toBe(capBytes)
    } finally {
      processBudget.give(rest)
    }
    given()
  })

  it('hold no more than queueDepth buffers each', async () => {
    const before = sharedPool.usedBytes
    const { writer } = await openOver(folder, {}, { queueDepth: 3 })
    const each = writer.bufferSize + block
    for (let i = 0; i < 300; i++) {
      await writer.write(someBytes(900, i))
      if (i % 7 === 0) await writer.writeAt('patch', i)
      expect(sharedPool.usedBytes - before).toBeLessThanOrEqual(3 * each)
    }
    await writer.flush()
    expect(sharedPool.usedBytes).toBe(before)
    await writer.end()
  })
})
