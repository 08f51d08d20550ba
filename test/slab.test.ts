import { fc, test } from '@fast-check/vitest'
import { describe, expect, it, vi } from 'vitest'
import { binding } from '../src/binding.ts'
import { BufferPool } from '../src/buffer-pool.ts'
import { Slab, slabOf } from '../src/slab.ts'
import { TestBudget } from './support/budget.ts'
import { detachByForce } from './support/detach.ts'

const MiB = 1024 * 1024

/** What the pool of the process may keep. */
const retainedBytesMax = 16 * MiB

/** Several buffers are made at once up to about so many bytes. */
const slabBytes = 4 * MiB

const byteLengths = [1, 512, 4096, 65_536 + 512, MiB, 2 * MiB + 4096, 5 * MiB]
const alignments = [512, 1024, 4096, 16_384, 65_536]

function pool(budget = new TestBudget()): BufferPool {
  return new BufferPool(budget, retainedBytesMax)
}

/** Whether no two of the views share a byte. */
function apart(views: readonly Uint8Array[]): boolean {
  const byMemory = new Map<ArrayBufferLike, Uint8Array[]>()
  for (const view of views) byMemory.set(view.buffer, [...(byMemory.get(view.buffer) ?? []), view])
  return [...byMemory.values()].every((group) => {
    const sorted = group.toSorted((a, b) => a.byteOffset - b.byteOffset)
    return sorted.every((view, i) => i === 0 || view.byteOffset >= ends(sorted[i - 1] as Uint8Array))
  })
}

function ends(view: Uint8Array): number {
  return view.byteOffset + view.byteLength
}

/** Each view full of its own number, whichever were filled later. */
function expectIndependent(views: readonly Uint8Array[]): void {
  for (const [i, view] of views.entries()) view.fill(1 + (i % 255))
  const wrong = views.filter((view, i) => Buffer.compare(view, Buffer.alloc(view.byteLength, 1 + (i % 255))) !== 0)
  expect(wrong).toHaveLength(0)
}

describe.each(byteLengths)('buffers of %i bytes', (byteLength) => {
  it.each(alignments)('are aligned to %i, distinct, whole, and independent', (alignment) => {
    const source = pool()
    const first = source.take(byteLength, alignment, false) as Buffer
    const slab = slabOf.get(first) as Slab
    // One slab and a bit, so that the seam between two is seen too; of tiny ones not all of thousands.
    const more = Math.min(slab.count + 1, 300)
    const buffers = [first, ...Array.from({ length: more }, () => source.take(byteLength, alignment, false) as Buffer)]
    expect(new Set(buffers).size).toBe(buffers.length)
    expect(buffers.every((buffer) => buffer.byteLength === byteLength)).toBe(true)
    expect(buffers.every((buffer) => binding().misalignment(buffer, alignment) === 0)).toBe(true)
    expect(apart(buffers)).toBe(true)
    expectIndependent(buffers)
    expect(source.usedBytes).toBe(buffers.length * byteLength)
  })

  it.each(alignments)('come from a slab of a sane size (alignment %i)', (alignment) => {
    const source = pool()
    const slab = slabOf.get(source.take(byteLength, alignment, false) as Buffer) as Slab
    expect(slab.count).toBeGreaterThanOrEqual(1)
    expect(slab.bytes).toBeLessThanOrEqual(Math.max(byteLength, slabBytes + byteLength + alignment))
    expect(slab.bytes).toBeGreaterThanOrEqual(slab.count * byteLength)
  })
})

describe('a slab', () => {
  it('is one ArrayBuffer, given out from its beginning', () => {
    const slab = new Slab(65_536, 4096, 8)
    const buffers = Array.from({ length: 8 }, () => slab.take() as Buffer)
    expect(new Set(buffers.map(({ buffer }) => buffer)).size).toBe(1)
    const offsets = buffers.map(({ byteOffset }) => byteOffset)
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
    expect(slab.take()).toBeNull()
  })

  it('is idle when all of its buffers are there', () => {
    const slab = new Slab(4096, 4096, 3)
    expect(slab.idle).toBe(true)
    const [first, second] = [slab.take() as Buffer, slab.take() as Buffer]
    slab.give(first)
    expect(slab.idle).toBe(false)
    slab.give(second)
    expect(slab.idle).toBe(true)
  })

  it('lays what fills large pages on one', () => {
    expect(binding().misalignment(new Slab(MiB, 4096, 4).take() as Buffer, 2 * MiB)).toBe(0)
  })

  it('is zeroed memory again after it was released', () => {
    const slab = new Slab(MiB, 4096, 4)
    const buffer = slab.take() as Buffer
    buffer.fill(7)
    slab.give(buffer)
    slab.release()
    expect(buffer.equals(Buffer.alloc(MiB))).toBe(true)
    expect(slab.take()).toBeNull()
  })

  it('whose memory was taken away is never given out again', () => {
    const budget = new TestBudget()
    const source = pool(budget)
    const buffer = source.take(65_536, 4096, false) as Buffer
    const kept = source.take(65_536, 4096, false) as Buffer
    expect(kept.buffer).toBe(buffer.buffer)
    source.give(buffer, 65_536)
    detachByForce(buffer.buffer)
    const others = Array.from({ length: 100 }, () => source.take(65_536, 4096, false) as Buffer)
    expect(others.every(({ byteLength }) => byteLength === 65_536)).toBe(true)
    expect(apart(others)).toBe(true)
    // What was out when it happened still counts until it comes back.
    for (const one of [...others, kept]) source.give(one, 65_536)
    expect([source.usedBytes, budget.heldBytes]).toEqual([0, 0])
    expect(source.take(65_536, 4096, false)?.byteLength).toBe(65_536)
  })
})

it('frees the place in the ring of memory that was taken away', () => {
  const slab = new Slab(65_536, 4096, 1)
  const buffer = slab.take() as Buffer
  slab.give(buffer)
  slab.place = 5
  detachByForce(buffer.buffer)
  const released = vi.spyOn(binding(), 'releaseMemory').mockReturnValue()
  slab.release()
  expect(released.mock.calls.map(([, place]) => place)).toEqual([5])
  released.mockRestore()
})

describe('memory of other sizes', () => {
  it('makes room when nobody uses it, so that buffers still come several at a time', () => {
    const source = pool()
    for (let i = 0; i < 20; i++) {
      const byteLength = 65_536 + i * 4096
      const buffer = source.take(byteLength, 4096, false) as Buffer
      expect((slabOf.get(buffer) as Slab).count).toBeGreaterThan(1)
      source.give(buffer, byteLength)
      expect(source.retainedBytes).toBeLessThanOrEqual(retainedBytesMax)
    }
  })

  it('that is in use keeps slabs of several within what may be retained', () => {
    const source = pool()
    const held = Array.from({ length: 30 }, (_, i) => source.take(65_536 + i * 4096, 4096, false) as Buffer)
    const slabs = held.map((buffer) => slabOf.get(buffer) as Slab)
    const shared = slabs.filter(({ count }) => count > 1)
    expect(shared.length).toBeGreaterThan(1)
    expect(shared.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(retainedBytesMax)
    expect(slabs.at(-1)?.count).toBe(1)
  })

  test.prop([
    fc.array(
      fc.record({
        give: fc.boolean(),
        which: fc.nat(20),
        byteLength: fc.constantFrom(512, 4096, 65_536 + 512, MiB, 2 * MiB + 4096, 5 * MiB),
        alignment: fc.constantFrom(...alignments),
      }),
      { maxLength: 60 },
    ),
  ])('are given and taken in any order, never two at one place', (steps) => {
    const budget = new TestBudget(64 * MiB)
    const source = pool(budget)
    const held: Buffer[] = []
    for (const { give, which, byteLength, alignment } of steps) {
      if (give && held.length > 0) {
        const [buffer] = held.splice(which % held.length, 1) as [Buffer]
        source.give(buffer, buffer.byteLength)
      } else {
        const buffer = source.take(byteLength, alignment, false)
        if (buffer === null) continue
        expect(buffer.byteLength).toBe(byteLength)
        expect(binding().misalignment(buffer, alignment)).toBe(0)
        held.push(buffer)
      }
      expect(apart(held)).toBe(true)
      const heldBytes = held.reduce((sum, buffer) => sum + buffer.byteLength, 0)
      expect([source.usedBytes, budget.heldBytes]).toEqual([heldBytes, heldBytes])
    }
  })
})
