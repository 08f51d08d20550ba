import { describe, expect, it } from 'vitest'
import { formatPairedRatio, formatRatio, pairedRatio } from '../../bench/report/pairs.ts'
import { summarize } from '../../bench/report/summary.ts'
import { measured } from './runs.ts'

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

  it('show - where there is none', () => {
    expect(formatRatio(null)).toBe('-')
    expect(formatPairedRatio(null)).toBe('-')
  })
})

describe('the ceiling in a summary', () => {
  const results = [
    measured({ subject: 'direct', seconds: 1 }),
    measured({ subject: 'fio', seconds: 0.5, cpuUserSeconds: 0.1, cpuSystemSeconds: 0.1, eventLoopDelayMsMax: null }),
    measured({ subject: 'direct', seconds: 1, round: 2 }),
  ]
  const subjects = ['direct', 'fio'].map((name) => ({ name, claim: null }))

  it('is compared with round by round', () => {
    const [direct, fio] = summarize(results, 'large', subjects, 'buffered', 'fio')
    expect(direct?.ofCeiling?.throughput).toMatchObject({ median: 0.5, pairs: 1 })
    expect(direct?.ofCeiling?.cpu?.median).toBeCloseTo(2.5)
    expect(fio?.medians?.eventLoopDelayMsMax).toBeNull()
  })

  it('shows its throughput also when it took less CPU than can be told', () => {
    const quick = results.map((run) => ({ ...run, cpuUserSeconds: 0, cpuSystemSeconds: 0 }))
    const [direct] = summarize(quick, 'large', subjects, 'buffered', 'fio')
    expect(direct?.ofCeiling?.throughput).toMatchObject({ median: 0.5, pairs: 1 })
    expect(direct?.ofCeiling?.cpu).toBeNull()
  })

  it('is not there unless it was asked for', () => {
    const [direct] = summarize(results, 'large', subjects, 'buffered')
    expect(direct?.ofCeiling).toBeNull()
  })
})
