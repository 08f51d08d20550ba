import { describe, expect, it } from 'vitest'
import { median, ratio } from '../../bench/report/statistics.ts'

describe('median', () => {
  it('is the middle value, in whatever order they come', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([7])).toBe(7)
  })

  it('is the mean of the middle two of an even number', () => {
    expect(median([10, 1, 4, 2])).toBe(3)
  })

  it('sorts by value, not by text, and leaves its argument alone', () => {
    const values = [100, 9, 20]
    expect(median(values)).toBe(20)
    expect(values).toEqual([100, 9, 20])
  })

  it('does not invent a value', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})

describe('ratio', () => {
  it('is null without a base', () => {
    expect(ratio(3, 2)).toBe(1.5)
    expect(ratio(3, null)).toBeNull()
    expect(ratio(3, undefined)).toBeNull()
    expect(ratio(3, 0)).toBeNull()
  })
})
