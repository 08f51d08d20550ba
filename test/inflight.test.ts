import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { InFlight, type Range } from '../src/inflight.ts'

const block = 4096

/** Ranges of whole blocks one behind the other, each with up to a block of padding at its end. */
function rangesOf(blockCounts: readonly number[], start = 0): Range[] {
  let end = start
  return blockCounts.map((count) => {
    const from = end
    end += count * block
    return { start: from, end, dataEnd: end, doneBytes: 0, state: 'flying' }
  })
}

/** As when the last of its bytes is in the file. */
function land(inflight: InFlight<Range>, range: Range): Range[] {
  range.doneBytes = range.end - range.start
  return inflight.landed(range)
}

function flyingOf(ranges: readonly Range[]): InFlight<Range> {
  const inflight = new InFlight<Range>(ranges[0]?.start ?? 0, block)
  for (const range of ranges) inflight.add(range)
  return inflight
}

const someBlockCounts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 })
/** For each range when it completes, whether it lands, and how much of it came to the file when it does not. */
const someFates = someBlockCounts.chain((blockCounts) =>
  fc.record({
    start: fc.nat(1000).map((n) => n * block),
    blockCounts: fc.constant(blockCounts),
    order: fc.shuffledSubarray([...blockCounts.keys()], { minLength: blockCounts.length }),
    lands: fc.array(
      fc.double({ min: 0, max: 1, noNaN: true }).map((p) => p < 0.8),
      {
        minLength: blockCounts.length,
        maxLength: blockCounts.length,
      },
    ),
    done: fc.array(fc.nat(8), { minLength: blockCounts.length, maxLength: blockCounts.length }),
  }),
)

interface Fates {
  start: number
  blockCounts: number[]
  order: number[]
  lands: boolean[]
  done: number[]
}

/** Completes every range as its fate says. */
function complete({ start, blockCounts, order, lands, done }: Fates): {
  inflight: InFlight<Range>
  ranges: Range[]
} {
  const ranges = rangesOf(blockCounts, start)
  const inflight = flyingOf(ranges)
  for (const index of order) {
    const range = ranges[index] as Range
    if (lands[index] === true) {
      land(inflight, range)
    } else {
      range.doneBytes = Math.min((done[index] as number) * block, range.end - range.start - block)
      inflight.failed(range)
    }
  }
  return { inflight, ranges }
}

describe('completions in any order', () => {
  test.prop([someFates])('move written over the contiguous ones only', ({ start, blockCounts, order }) => {
    const ranges = rangesOf(blockCounts, start)
    const inflight = flyingOf(ranges)
    const landed = new Set<Range>()
    const finished: Range[] = []
    for (const [step, index] of order.entries()) {
      const range = ranges[index] as Range
      landed.add(range)
      finished.push(...land(inflight, range))
      const gap = ranges.findIndex((one) => !landed.has(one))
      expect(inflight.written).toBe(gap < 0 ? ranges.at(-1)?.end : ranges[gap]?.start)
      expect(inflight.flying).toBe(step + 1 < ranges.length)
      expect(inflight.outstanding).toBe(gap < 0 ? 0 : ranges.length - gap)
    }
    expect(finished).toEqual(ranges)
  })

  it('count the bytes of the caller, not the padding', () => {
    const [range] = rangesOf([2]) as [Range]
    range.dataEnd = range.end - 100
    const inflight = flyingOf([range])
    land(inflight, range)
    expect(inflight.written).toBe(range.end - 100)
  })

  it('never move written back when a tail is written again', () => {
    const inflight = new InFlight<Range>(10_000, block)
    const again: Range = { start: 8192, end: 12288, dataEnd: 9000, doneBytes: 0, state: 'flying' }
    inflight.add(again)
    land(inflight, again)
    expect(inflight.written).toBe(10_000)
  })
})

describe('after a failure', () => {
  it('a range that failed flies no longer', () => {
    const ranges = rangesOf([1, 2])
    const inflight = flyingOf(ranges)
    expect(inflight.ranges).toEqual(ranges)
    inflight.failed(ranges[0] as Range)
    expect(ranges.map(({ state }) => state)).toEqual(['failed', 'flying'])
    expect(inflight.flying).toBe(true)
    inflight.failed(ranges[1] as Range)
    expect(inflight.flying).toBe(false)
  })

  it('what landed behind the gap has failed, too', () => {
    const ranges = rangesOf([1, 1])
    const inflight = flyingOf(ranges)
    land(inflight, ranges[1] as Range)
    inflight.failed(ranges[0] as Range)
    inflight.collapse()
    expect(ranges).toMatchObject([
      { state: 'failed', doneBytes: 0 },
      { state: 'failed', doneBytes: 0 },
    ])
  })

  it('a range that is whole and failed all the same is written again, and counts as written', () => {
    const ranges = rangesOf([2, 1], 3 * block)
    const inflight = flyingOf(ranges)
    const [whole, next] = ranges as [Range, Range]
    whole.doneBytes = 2 * block
    for (const range of [whole, next]) inflight.failed(range)
    inflight.collapse()
    expect(whole).toMatchObject({ state: 'failed', doneBytes: 0 })
    expect(inflight.written).toBe(5 * block)
  })

  test.prop([someFates])('everything from the first gap on is written again, in order', (fates) => {
    const { inflight, ranges } = complete(fates)
    const gap = fates.lands.indexOf(false)
    inflight.collapse()
    expect(inflight.flying).toBe(false)
    const again = inflight.retry()
    expect(again).toEqual(gap < 0 ? [] : ranges.slice(gap))
    expect(inflight.flying).toBe(again.length > 0)
    expect(again.every(({ state }) => state === 'flying')).toBe(true)
    expect(again.slice(1).every(({ doneBytes }) => doneBytes === 0)).toBe(true)
    const first = again[0]
    if (first !== undefined) expect(inflight.written).toBe(first.start + first.doneBytes)
    for (const range of again) land(inflight, range)
    expect(inflight.written).toBe(ranges.at(-1)?.end)
    expect(inflight.outstanding).toBe(0)
  })

  test.prop([someFates, fc.nat(400), fc.nat(block - 1)])(
    'trim takes back all behind a position, and the block that it stands in, and nothing before',
    (fates, cutBlocks, cutBytes) => {
      const { inflight, ranges } = complete(fates)
      inflight.collapse()
      const outstanding = ranges.slice(ranges.length - inflight.outstanding)
      const before = inflight.written
      const boundary = fates.start + cutBlocks * block
      const position = boundary + cutBytes
      const empty = inflight.trim(position)
      expect(inflight.written).toBe(Math.min(before, position))
      const left = inflight.retry()
      // Each is either left or given back, once.
      expect([...left, ...empty].toSorted((a, b) => a.start - b.start)).toEqual(outstanding)
      for (const { start, end, dataEnd, doneBytes } of left) {
        expect(end).toBeLessThanOrEqual(boundary)
        expect(dataEnd).toBeLessThanOrEqual(boundary)
        expect(start + doneBytes).toBeLessThan(end)
      }
      for (const range of left) land(inflight, range)
      const writtenEnd = left.at(-1)?.end ?? Math.min(before, position)
      expect(inflight.written).toBe(Math.max(writtenEnd, Math.min(before, position)))
    },
  )

  it('trim leaves what stands before the block, cuts what reaches into it, gives back the rest', () => {
    const ranges = rangesOf([1, 2, 1])
    const inflight = flyingOf(ranges)
    for (const range of ranges) inflight.failed(range)
    inflight.collapse()
    expect(inflight.trim(2 * block + 7)).toEqual(ranges.slice(2))
    expect(inflight.ranges).toMatchObject([
      { start: 0, end: block },
      { start: block, end: 2 * block, dataEnd: 2 * block },
    ])
  })

  it('trim keeps what was written of the block that is taken back', () => {
    const inflight = new InFlight<Range>(block + 900, block)
    const range: Range = { start: block, end: 3 * block, dataEnd: 3 * block, doneBytes: 0, state: 'flying' }
    inflight.add(range)
    inflight.failed(range)
    inflight.collapse()
    inflight.trim(block + 900)
    expect(inflight.written).toBe(block + 900)
    expect(inflight.outstanding).toBe(0)
  })

  it('clear forgets what is outstanding and keeps written', () => {
    const ranges = rangesOf([1, 1, 1])
    const inflight = flyingOf(ranges)
    land(inflight, ranges[0] as Range)
    inflight.failed(ranges[1] as Range)
    inflight.failed(ranges[2] as Range)
    expect(inflight.clear()).toEqual(ranges.slice(1))
    expect(inflight.outstanding).toBe(0)
    expect(inflight.written).toBe(block)
  })
})
