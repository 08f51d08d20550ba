import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import {
  alignedStart,
  buffersFor,
  ceilTo,
  exactLength,
  floorTo,
  grainOf,
  isPowerOfTwo,
  keepsBehind,
  padded,
  patchPiece,
  positionMax,
  progress,
  remaining,
  roomIn,
  sealAt,
  tailOf,
  wholeBlocks,
} from '../src/plan.ts'

/** Every block that a file can ask for, and 1 for files that ask for none. */
const blocks = [1, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536] as const
const pageBytes = 4096

const anyBlock = fc.constantFrom(...blocks)
/** Positions up to which files are written. */
const anyPosition = fc.oneof(fc.nat(positionMax), fc.nat(200_000))
/** A file's offset and buffer, as the writer has them: whole blocks, the grain at least a page. */
const anyBuffer = fc
  .record({ block: anyBlock, at: anyPosition, blocksInBuffer: fc.integer({ min: 1, max: 16_384 }) })
  .map(({ block, at, blocksInBuffer }) => ({
    block,
    grain: Math.max(block, pageBytes),
    offset: at - (at % block),
    bufferSize: blocksInBuffer * block,
  }))

describe('floorTo and ceilTo', () => {
  test.prop([anyBlock, anyPosition])('give the blocks next to a position', (block, position) => {
    const below = floorTo(position, block)
    const above = ceilTo(position, block)
    expect(BigInt(below)).toBe((BigInt(position) / BigInt(block)) * BigInt(block))
    expect(BigInt(above)).toBe(((BigInt(position) + BigInt(block) - 1n) / BigInt(block)) * BigInt(block))
    expect(above - below).toBe(position % block === 0 ? 0 : block)
  })

  test.prop([anyBlock])('are exact up to the last safe integer', (block) => {
    const last = Number.MAX_SAFE_INTEGER
    expect(floorTo(last, block)).toBe(block === 1 ? last : last - (block - 1))
    expect(ceilTo(last - block, block)).toBe(block === 1 ? last - 1 : last + 1 - block)
  })
})

describe('sealAt', () => {
  test.prop([anyBuffer])('fills whole blocks, at least one, at most the buffer', (buffer) => {
    const { block, grain, offset, bufferSize } = buffer
    const bytes = sealAt(offset, bufferSize, block, grain)
    expect(bytes % block).toBe(0)
    expect(bytes).toBeGreaterThanOrEqual(block)
    expect(bytes).toBeLessThanOrEqual(bufferSize)
  })

  test.prop([anyBuffer])('ends on the grain as soon as the buffer reaches it, and wastes less than one', (b) => {
    const { block, grain, offset, bufferSize } = b
    const end = offset + sealAt(offset, bufferSize, block, grain)
    const reachesGrain = Math.floor((offset + bufferSize) / grain) > Math.floor(offset / grain)
    expect(end % grain === 0 || !reachesGrain).toBe(true)
    expect(offset + bufferSize - end).toBeLessThan(grain)
  })
})

describe('progress', () => {
  test.prop([anyBlock, fc.nat(2 ** 30)])('counts whole blocks only', (block, taken) => {
    const done = progress(taken, block)
    expect(done % block).toBe(0)
    expect(taken - done).toBeGreaterThanOrEqual(0)
    expect(taken - done).toBeLessThan(block)
  })
})

describe('grainOf', () => {
  it.each(blocks)('is the block of %d bytes, and never less than the page of a file system', (block) => {
    expect(grainOf(block)).toBe(block < 4096 ? 4096 : block)
  })
})

describe('remaining', () => {
  test.prop([fc.nat(2 ** 40), fc.nat(2 ** 30), fc.nat(2 ** 30)])(
    'goes on where the bytes that are done end',
    (start, doneBytes, left) => {
      const end = start + doneBytes + left
      expect(remaining(start, end, doneBytes)).toEqual({ from: doneBytes, position: start + doneBytes, length: left })
    },
  )
})

describe('a fill', () => {
  const anyBytes = fc.record({ buffer: anyBuffer, filled: fc.nat(2 ** 30) })

  test.prop([anyBytes])('is whole blocks and a tail', ({ buffer, filled }) => {
    const { offset, block } = buffer
    const fill = { offset, filled, limit: 0 }
    const whole = wholeBlocks(fill, block)
    const tail = tailOf(fill, block)
    expect(whole).toEqual({ start: offset, end: offset + filled - (filled % block), dataEnd: whole.end })
    expect(tail).toEqual({ offset: whole.end, filled: filled % block, limit: 0 })
  })

  test.prop([anyBytes])('is padded to whole blocks', ({ buffer, filled }) => {
    const { offset, block } = buffer
    const { start, end, dataEnd } = padded({ offset, filled, limit: 0 }, block)
    expect({ start, dataEnd }).toEqual({ start: offset, dataEnd: offset + filled })
    expect(end).toBe(ceilTo(dataEnd, block))
  })
})

describe('keepsBehind', () => {
  it.each([
    [0, 4096, false],
    [100, 4096, true],
    [100, 101, true],
    [100, 100, false],
    [100, 99, false],
    [512, 4096, false],
    [513, 4096, true],
  ])('at %d of a file of %d bytes that was there, in blocks of 512: %s', (position, lengthAtOpen, expected) => {
    expect(keepsBehind(position, lengthAtOpen, 512)).toBe(expected)
  })
})

describe('exactLength', () => {
  test.prop([fc.maxSafeNat(), fc.maxSafeNat(), fc.maxSafeNat()])(
    'cuts off nothing that belongs to the file, and keeps nothing else',
    (atOpen, written, preallocated) => {
      const length = exactLength(atOpen, written, preallocated)
      expect([atOpen, written, preallocated]).toContain(length)
      expect(Math.min(length - atOpen, length - written, length - preallocated)).toBe(0)
    },
  )
})

describe('patchPiece', () => {
  const anyPatch = fc.record({
    block: anyBlock,
    offset: anyPosition,
    // Few enough pieces: the length is at most 50 times the longest transfer.
    most: fc.integer({ min: 65536, max: 2 ** 21 }),
    share: fc.double({ min: 0, max: 50, noNaN: true }),
  })

  test.prop([anyPatch])('replaces exactly the range, in order, by whole blocks', (patch) => {
    const { block, offset, most } = patch
    const length = 1 + Math.floor(most * patch.share)
    let replacedTo = offset
    let lastEnd = floorTo(offset, block)
    while (replacedTo < offset + length) {
      const piece = patchPiece(replacedTo, offset + length, block, most)
      expect(piece.start).toBe(lastEnd)
      expect(piece.start % block).toBe(0)
      expect(piece.length % block).toBe(0)
      expect(piece.length).toBeGreaterThan(0)
      expect(piece.length).toBeLessThanOrEqual(most)
      expect(piece.from).toBe(replacedTo)
      expect(piece.from).toBeGreaterThanOrEqual(piece.start)
      expect(piece.to).toBeLessThanOrEqual(piece.start + piece.length)
      expect(piece.to).toBeGreaterThan(piece.from)
      replacedTo = piece.to
      lastEnd = piece.start + piece.length
    }
    expect(replacedTo).toBe(offset + length)
    expect(lastEnd).toBe(ceilTo(offset + length, block))
  })
})

describe('alignedStart', () => {
  test.prop([fc.maxSafeNat().map((n) => Math.floor(n / 2)), fc.integer({ min: 0, max: 30 })])(
    'is the first aligned byte behind an address',
    (address, exponent) => {
      const alignment = 2 ** exponent
      const start = alignedStart(address % alignment, alignment)
      expect((address + start) % alignment).toBe(0)
      expect(start).toBeGreaterThanOrEqual(0)
      expect(start).toBeLessThan(alignment)
    },
  )
})

describe('isPowerOfTwo', () => {
  it('knows every power of two that is a safe integer, and none of their neighbours', () => {
    const powers = Array.from({ length: 53 }, (_, exponent) => 2 ** exponent)
    const neighbours = powers.slice(2).flatMap((power) => [power - 1, power + 1])
    expect(powers.filter((power) => !isPowerOfTwo(power))).toEqual([])
    expect(neighbours.filter((neighbour) => isPowerOfTwo(neighbour))).toEqual([])
  })

  it('refuses what is not a positive safe integer', () => {
    for (const value of [0, -1, -2, 0.5, 0.25, 1.5, Number.NaN, Infinity, -Infinity, 2 ** 53, 2 ** 60]) {
      expect.soft(isPowerOfTwo(value), String(value)).toBe(false)
    }
  })

  test.prop([fc.maxSafeNat()])('agrees with counting bits', (value) => {
    expect(isPowerOfTwo(value)).toBe(/^10*$/.test(value.toString(2)))
  })
})

interface GivenFill {
  buffer: { block: number; grain: number; offset: number; bufferSize: number }
  filledShare: number
  attached: boolean
}

function fillOf({ buffer, filledShare, attached }: GivenFill) {
  const limit = attached ? sealAt(buffer.offset, buffer.bufferSize, buffer.block, buffer.grain) : 0
  return { ...buffer, limit, filled: Math.floor((attached ? limit : buffer.block) * filledShare) }
}

/** The buffers that copying takes, one after the other. */
function buffersUsed(count: number, fill: ReturnType<typeof fillOf>): number {
  const { block, grain, bufferSize } = fill
  let { offset, filled, limit } = fill
  let buffers = 0
  for (let left = count; left > 0; ) {
    if (limit === 0) {
      limit = sealAt(offset, bufferSize, block, grain)
      buffers++
    }
    const taken = Math.min(left, limit - filled)
    left -= taken
    filled += taken
    if (filled < limit) continue
    offset += limit
    filled = 0
    limit = 0
  }
  return buffers
}

describe('buffersFor', () => {
  const anyFill = fc.record({
    buffer: anyBuffer,
    filledShare: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    attached: fc.boolean(),
    countShare: fc.double({ min: 0, max: 20, noNaN: true }),
  })

  test.prop([anyFill])('is what copying takes', ({ countShare, ...given }) => {
    const fill = fillOf(given)
    const count = Math.floor(fill.bufferSize * countShare)
    const { bufferSize, block, grain } = fill
    expect(buffersFor(count, fill, bufferSize, block, grain)).toBe(buffersUsed(count, fill))
  })

  test.prop([anyFill])('is two at most for a chunk of one buffer: a writer always gets two', (given) => {
    const fill = fillOf(given)
    const { bufferSize, block, grain } = fill
    expect(buffersFor(bufferSize, fill, bufferSize, block, grain)).toBeLessThanOrEqual(2)
  })
})

describe('roomIn', () => {
  const anyRoom = fc.record({
    buffer: anyBuffer,
    filledShare: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    attached: fc.boolean(),
    buffers: fc.nat(8),
  })

  test.prop([anyRoom])('is the most that takes no further buffer', ({ buffers, ...given }) => {
    const fill = fillOf(given)
    const { bufferSize, block, grain } = fill
    const room = roomIn(buffers, fill, bufferSize, block, grain)
    expect(room).toBeGreaterThanOrEqual(0)
    expect(buffersUsed(room, fill)).toBeLessThanOrEqual(buffers)
    expect(buffersUsed(room + 1, fill)).toBeGreaterThan(buffers)
  })

  it('is none where bytes wait for a buffer and there is none', () => {
    expect(roomIn(0, { offset: 8192, filled: 100, limit: 0 }, 65_536, 4096, 4096)).toBe(0)
  })
})
