import { describe, expect, it } from 'vitest'
import { formatPairedRatio, formatRatio, pairedRatio } from '../../bench/report/pairs.ts'

const runs = (...values: number[]) => values.map((value, index) => ({ round: index + 1, value }))
const valueOf = (run: { readonly value: number }) => run.value

describe('pairedRatio', () => {
  it('compares rounds, not medians', () => {
    // The medians would give 20 / 20.
    expect(pairedRatio(runs(10, 20, 60), runs(20, 10, 30), valueOf)).toEqual({ median: 2, min: 0.5, max: 2, pairs: 3 })
  })

  it('leaves out rounds that have no partner, or one of zero', () => {
    expect(pairedRatio(runs(10, 20, 60), runs(0, 10), valueOf)).toEqual({ median: 2, min: 2, max: 2, pairs: 1 })
  })

  it('is null without a pair', () => {
    expect(pairedRatio(runs(1), [], valueOf)).toBeNull()
    expect(pairedRatio([], runs(1), valueOf)).toBeNull()
  })
})

describe('ratios in tables', () => {
  it('show the median and the range it comes from', () => {
    expect(formatPairedRatio({ median: 0.97, min: 0.9, max: 1.021, pairs: 5 })).toBe('0.97x (0.90-1.02)')
    expect(formatPairedRatio({ median: 0.97, min: 0.97, max: 0.97, pairs: 1 })).toBe('0.97x')
  })

  it('do not show something as nothing', () => {
    expect(formatRatio(0.000_287)).toBe('0.0003x')
    expect(formatRatio(0)).toBe('0.00x')
    expect(formatRatio(0.01)).toBe('0.01x')
  })

  it('show - where there is none', () => {
    expect(formatRatio(null)).toBe('-')
    expect(formatRatio(undefined)).toBe('-')
    expect(formatPairedRatio(null)).toBe('-')
  })
})
