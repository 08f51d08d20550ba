import { describe, expect, it } from 'vitest'
import { compareSubjects } from '../../bench/report/comparisons.ts'
import { findDrifts, trendOf } from '../../bench/report/drift.ts'
import { measureNamed, measures } from '../../bench/report/measures.ts'
import type { RunFigures } from '../../bench/schema/run.ts'
import { neighbourFigures, plausibleReport } from './reports.ts'
import { measured } from './runs.ts'

const rounds = [1, 2, 3, 4, 5]

function find(runs: readonly RunFigures[], subject: string, measure: string, baseline = 'buffered') {
  return compareSubjects(runs, 'buffered').find(
    (each) => each.subject === subject && each.measure === measure && each.baseline === baseline,
  )
}

const beside = (subject: string, us: number) =>
  rounds.map((round) => measured({ subject, round, situation: 'neighbour', neighbour: neighbourFigures(us * 1000, 1) }))

describe('compareSubjects', () => {
  it('compares round by round: what changes for both of them is no difference', () => {
    const runs = rounds.flatMap((round) => [
      measured({ round, seconds: round }),
      measured({ round, seconds: round / 2, subject: 'direct' }),
    ])
    expect(find(runs, 'direct', 'throughputBytesPerSecond')).toMatchObject({
      ratio: { median: 2, low: 2, high: 2, count: 5 },
      verdict: 'better',
    })
  })

  it('says that a subject is worse, or that there is no difference, as it is', () => {
    const runs = rounds.flatMap((round) => [
      measured({ round }),
      measured({ round, subject: 'evict', cpuSystemSeconds: 0.6, seconds: round % 2 === 0 ? 1.02 : 0.98 }),
    ])
    expect(find(runs, 'evict', 'cpuSecondsPerGib')).toMatchObject({ verdict: 'worse' })
    expect(find(runs, 'evict', 'throughputBytesPerSecond')).toMatchObject({ verdict: 'no-difference' })
  })

  it('says when there are too few rounds', () => {
    const runs = [measured(), measured({ subject: 'direct', seconds: 0.1 })]
    expect(find(runs, 'direct', 'throughputBytesPerSecond')).toMatchObject({ verdict: 'too-few-rounds' })
  })

  it('leaves out what one of both has no number for, and ratios to nothing', () => {
    const left = { ...measured().footprint, residualBytes: 4096 }
    const runs = rounds.flatMap((round) => [
      measured({ round }),
      measured({ round, subject: 'direct', footprint: left }),
    ])
    expect(find(runs, 'direct', 'footprintResidualBytes')).toBeUndefined()
    expect(find(runs, 'direct', 'footprintPeakBytes'), 'two zeros are the same').toMatchObject({ ratio: { median: 1 } })
    expect(find(runs, 'direct', 'commitLatencyP50Ns')).toBeUndefined()
    expect(find(runs.slice(0, 1), 'direct', 'throughputBytesPerSecond')).toBeUndefined()
  })

  it('compares what a neighbour feels with nobody writing, too', () => {
    const runs = [...beside('no-writer', 2), ...beside('buffered', 200), ...beside('direct', 2)]
    expect(find(runs, 'direct', 'neighbourP99Ns')).toMatchObject({ verdict: 'better', ratio: { median: 0.01 } })
    expect(find(runs, 'buffered', 'neighbourP99Ns', 'no-writer')).toMatchObject({ verdict: 'worse' })
    expect(find(runs, 'direct', 'neighbourP99Ns', 'no-writer')).toMatchObject({ verdict: 'no-difference' })
    expect(find(runs, 'no-writer', 'throughputBytesPerSecond')).toBeUndefined()
  })

  it('leaves fio to its own table', () => {
    const runs = rounds.flatMap((round) => [measured({ round }), measured({ round, subject: 'fio-buffered' })])
    expect(compareSubjects(runs, 'buffered')).toEqual([])
  })
})

describe('the measures', () => {
  it('have names of their own, and each has a number in some run', () => {
    expect(new Set(measures.map(({ name }) => name)).size).toBe(measures.length)
    const { runs } = plausibleReport()
    const missing = measures.filter(({ valueOf }) => runs.every((run) => valueOf(run) === null))
    expect(missing.map(({ name }) => name)).toEqual(['commitLatencyP50Ns', 'commitLatencyP99Ns', 'samplesPerCpuSecond'])
    expect(() => measureNamed('speed')).toThrow('no measure is named speed')
  })

  it('have no rate where nothing is written', () => {
    const nothing = measured({ bytes: 0 })
    expect(measureNamed('throughputBytesPerSecond').valueOf(nothing)).toBeNull()
    expect(measureNamed('cpuSecondsPerGib').valueOf(nothing)).toBeNull()
  })
})

/** Ten rounds of three subjects that are quicker or slower, all of them changing with the round. */
const runsWith = (secondsAt: (round: number, index: number) => number) =>
  Array.from({ length: 10 }, (_, i) => i + 1).flatMap((round) =>
    ['a', 'b', 'c'].map((subject, index) =>
      measured({ subject, round, startedAtMs: round * 1000 + index, seconds: (1 + index) * secondsAt(round, index) }),
    ),
  )

describe('findDrifts', () => {
  it('finds a disk that becomes slower, whatever the subjects are like', () => {
    const [drift, ...others] = findDrifts(runsWith((round, index) => 1 + 0.04 * round + 0.01 * ((round + index) % 3)))
    expect(others).toEqual([])
    expect(drift).toMatchObject({ workload: 'large', situation: 'alone', measure: 'throughputBytesPerSecond' })
    expect(drift!.change).toBeLessThan(-0.2)
    expect(drift!.change).toBeGreaterThan(-0.4)
    expect(drift!.pValue).toBeLessThan(0.001)
  })

  it('finds none where values only go up and down, or hardly change, or there are too few rounds', () => {
    expect(findDrifts(runsWith((round, index) => 1 + 0.2 * ((round * 7 + index * 3) % 5)))).toEqual([])
    expect(findDrifts(runsWith((round) => 1 + 0.001 * round))).toEqual([])
    expect(findDrifts(runsWith((round) => round).filter(({ round }) => round < 3))).toEqual([])
  })

  it('takes ties for no order', () => {
    const flat = Array.from({ length: 10 }, (_, i) => ({ atMs: i, value: 1 }))
    expect(trendOf(flat)).toEqual({ change: 0, pValue: 1 })
    expect(trendOf([])).toEqual({ change: 0, pValue: 1 })
  })
})
