import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { medianInterval, ratioInterval } from '../../bench/report/bootstrap.ts'
import { median } from '../../bench/report/statistics.ts'
import { verdictOf } from '../../bench/report/verdict.ts'

const values = fc.array(fc.double({ min: 0.01, max: 1000, noNaN: true }), { minLength: 1, maxLength: 12 })
const few = { numRuns: 25 }

describe('medianInterval', () => {
  test.prop([values], few)('holds the median, lies within the values, and is the same every time', (some) => {
    const found = medianInterval(some)
    expect(found).toEqual(medianInterval(some))
    expect(found.median).toBe(median(some))
    expect(found.low).toBeLessThanOrEqual(found.median)
    expect(found.high).toBeGreaterThanOrEqual(found.median)
    expect(found.low).toBeGreaterThanOrEqual(Math.min(...some))
    expect(found.high).toBeLessThanOrEqual(Math.max(...some))
    expect(found.count).toBe(some.length)
  })

  it('is all of five values, and less than all of eleven', () => {
    expect(medianInterval([1, 2, 3, 4, 5])).toMatchObject({ low: 1, high: 5 })
    const eleven = medianInterval(Array.from({ length: 11 }, (_, i) => i))
    expect(eleven.low).toBeGreaterThan(0)
    expect(eleven.high).toBeLessThan(10)
  })

  it('has nothing to say of nothing', () => {
    expect(() => medianInterval([])).toThrow(RangeError)
  })
})

describe('ratioInterval', () => {
  test.prop([values, values, fc.double({ min: 0.5, max: 20, noNaN: true })], few)(
    'grows with the values',
    (a, b, factor) => {
      const before = ratioInterval(a, b)!
      const after = ratioInterval(
        a.map((value) => value * factor),
        b,
      )!
      expect(after.median / before.median).toBeCloseTo(factor, 6)
      expect(after.low / before.low).toBeCloseTo(factor, 6)
      expect(after.high / before.high).toBeCloseTo(factor, 6)
    },
  )

  it('is none where there is nothing to divide by', () => {
    expect(ratioInterval([1], [])).toBeNull()
    expect(ratioInterval([], [1])).toBeNull()
    expect(ratioInterval([1], [1, 0, 1])).toBeNull()
  })
})

const interval = (low: number, high: number, count = 5) => ({ median: (low + high) / 2, low, high, count })

describe('verdictOf', () => {
  it.each([
    [interval(1.1, 1.3), 'higher', 'better'],
    [interval(1.1, 1.3), 'lower', 'worse'],
    [interval(0.5, 0.9), 'higher', 'worse'],
    [interval(0.5, 0.9), 'lower', 'better'],
    [interval(0.95, 1.1), 'higher', 'no-difference'],
    [interval(1, 1), 'lower', 'no-difference'],
    [interval(0.7, 1.4), 'lower', 'too-noisy'],
    [interval(1.1, 9, 4), 'lower', 'too-few-rounds'],
    [interval(0, 0), 'lower', 'better'],
  ] as const)('of %j, where %s is better, is %s', (ratio, better, verdict) => {
    expect(verdictOf(ratio, better)).toBe(verdict)
  })
})
