import { describe, expect, it } from 'vitest'
import { KeptRanges, resolveRanges } from '../src/kept-ranges.ts'

describe('KeptRanges', () => {
  it('keeps whole pages, put together where they touch', () => {
    const kept = new KeptRanges(4096)
    expect(kept.add({ offset: 5000, length: 1 })).toEqual({ offset: 4096, length: 4096 })
    expect(kept.totalBytes).toBe(4096)
    kept.add({ offset: 100_000, length: 10_000 })
    kept.add({ offset: 8192, length: 4096 })
    kept.add({ offset: 4000, length: 200 })
    expect(kept.gaps(0, 0)).toEqual([
      { offset: 12_288, length: 98_304 - 12_288 },
      { offset: 110_592, length: 0 },
    ])
    expect(kept.totalBytes).toBe(12_288 + 12_288)
  })

  it.each([
    ['behind', 4096, 8192],
    ['before', 8192, 4096],
  ])('counts pages that touch once: added %s', (_, first, second) => {
    const kept = new KeptRanges(4096)
    kept.add({ offset: first, length: 4096 })
    kept.add({ offset: second, length: 4096 })
    expect(kept.totalBytes).toBe(8192)
    expect(kept.gaps(4096, 8192)).toEqual([])
  })

  it('is empty until something is kept', () => {
    const kept = new KeptRanges(4096)
    expect(kept.empty).toBe(true)
    kept.add({ offset: 0, length: 1 })
    expect(kept.empty).toBe(false)
  })

  it('has one gap when nothing is kept', () => {
    const kept = new KeptRanges(4096)
    expect(kept.gaps(8192, 0)).toEqual([{ offset: 8192, length: 0 }])
    expect(kept.gaps(8192, 4096)).toEqual([{ offset: 8192, length: 4096 }])
  })

  it('cuts a range at what is kept on either side and in its middle', () => {
    const kept = new KeptRanges(4096)
    for (const offset of [0, 16_384, 40_960]) kept.add({ offset, length: 4096 })
    expect(kept.gaps(0, 45_056)).toEqual([
      { offset: 4096, length: 12_288 },
      { offset: 20_480, length: 20_480 },
    ])
    expect(kept.gaps(16_384, 4096)).toEqual([])
    expect(kept.gaps(17_000, 1000)).toEqual([])
    expect(kept.gaps(12_288, 4096)).toEqual([{ offset: 12_288, length: 4096 }])
  })
})

describe('resolveRanges', () => {
  it.each([
    [{ offset: 10 }, { offset: 10, length: 90 }],
    [{ offset: 0 }, { offset: 0, length: 100 }],
    [
      { offset: 10, length: 5 },
      { offset: 10, length: 5 },
    ],
    [{ offset: -30 }, { offset: 70, length: 30 }],
    [
      { offset: -30, length: 10 },
      { offset: 70, length: 10 },
    ],
    [{ offset: -1000 }, { offset: 0, length: 100 }],
    [
      { offset: 90, length: 1000 },
      { offset: 90, length: 10 },
    ],
    [
      { offset: 200, length: 5 },
      { offset: 100, length: 0 },
    ],
  ])('%o of a file of 100 bytes is %o', (range, expected) => {
    expect(resolveRanges([range], 100)).toEqual([expected])
  })
})
