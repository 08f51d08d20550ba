import { describe, expect, it } from 'vitest'
import { type SubjectSummary, summarize } from '../../bench/report/summary.ts'
import type { RunResult } from '../../bench/run/result.ts'
import type { ResidencyClaim } from '../../bench/subjects/subject.ts'
import { MIB } from '../../bench/units.ts'
import { measured, notRun } from './runs.ts'

function summaryOf(results: RunResult[], name: string, claim: ResidencyClaim | null = null): SubjectSummary {
  const [summary] = summarize(results, 'large', [{ name, claim }], 'buffered')
  if (summary === undefined) throw new Error('no summary')
  return summary
}

describe('summarize', () => {
  it('takes medians over the rounds and ratios to the medians of the baseline', () => {
    const results = [
      ...[1, 2, 4].map((seconds) => measured({ seconds })),
      ...[1, 0.5, 8].map((seconds) =>
        measured({ subject: 'direct', seconds, cpuUserSeconds: 0.1, cpuSystemSeconds: 0 }),
      ),
    ]
    const summary = summaryOf(results, 'direct')
    expect(summary.roundsMeasured).toBe(3)
    expect(summary.medians?.bytesPerSecond).toBe(64 * MIB)
    expect(summary.throughputRatio).toBe(2)
    expect(summary.medians?.cpuSecondsPerGib).toBeCloseTo(1.6)
    expect(summary.cpuRatio).toBeCloseTo(0.2)
  })

  it('has no ratios without a baseline', () => {
    expect(summaryOf([measured({ subject: 'direct' })], 'direct')).toMatchObject({
      throughputRatio: null,
      cpuRatio: null,
    })
  })

  it('leaves other workloads out', () => {
    const summary = summaryOf([measured(), measured({ workload: 'small-records', seconds: 9 })], 'buffered')
    expect(summary.roundsMeasured).toBe(1)
  })

  it('has no medians for a subject that was not possible, but says why', () => {
    const reason = notRun()
    expect(summaryOf([reason], 'dontcache')).toMatchObject({
      medians: null,
      notRun: reason,
      roundsMeasured: 0,
    })
  })

  it('keeps the rounds before a failure', () => {
    const failure = notRun({ state: 'failed', subject: 'buffered', round: 2 })
    expect(summaryOf([measured(), failure], 'buffered')).toMatchObject({ roundsMeasured: 1, notRun: failure })
  })
})

/** Two rounds, the second with changes. */
const run = (changes: Parameters<typeof measured>[0]) => [
  measured({ subject: 'x' }),
  measured({ subject: 'x', ...changes }),
]

describe('residency claims', () => {
  const nothing: ResidencyClaim = { peakBytesMax: MIB, residualShareMax: 0 }
  const little: ResidencyClaim = { residualShareMax: 0.05 }
  it('hold when they are kept', () => {
    expect(summaryOf(run({ footprintPeakBytes: MIB }), 'x', nothing).brokenClaims).toEqual([])
    expect(
      summaryOf(run({ footprintPeakBytes: 60 * MIB, footprintResidualBytes: MIB }), 'x', little).brokenClaims,
    ).toEqual([])
  })

  it('are broken by one round, also when the median is clean', () => {
    const { brokenClaims } = summaryOf(
      [measured({ subject: 'x' }), ...run({ footprintResidualBytes: 4096 })],
      'x',
      nothing,
    )
    expect(brokenClaims).toEqual(['left 4 KiB (0.0 %) in the page cache, not nothing'])
  })

  it('are broken by a peak one page above one buffer', () => {
    expect(summaryOf(run({ footprintPeakBytes: MIB + 4096 }), 'x', nothing).brokenClaims).toEqual([
      'had 1028 KiB in the page cache, not 1024 KiB at most',
    ])
  })

  it('"less than 5 %" is broken by 5 %', () => {
    expect(summaryOf(run({ footprintResidualBytes: 3.2 * MIB }), 'x', little).brokenClaims).toEqual([
      'left 3.2 MiB (5.0 %) in the page cache, not less than 5 %',
    ])
  })

  it('are not made for subjects that make none', () => {
    expect(summaryOf(run({ footprintResidualBytes: 64 * MIB }), 'x').brokenClaims).toEqual([])
  })
})
