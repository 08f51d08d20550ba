import { describe, expect, it } from 'vitest'
import { brokenClaims, findBrokenClaims } from '../../bench/report/claims.ts'
import type { Footprint } from '../../bench/schema/run.ts'
import type { ResidencyClaim } from '../../bench/subjects/subject.ts'
import { MIB } from '../../bench/units.ts'
import { measured } from './runs.ts'

const nothing: ResidencyClaim = { peakBytesMax: MIB, residualShareMax: 0 }
const little: ResidencyClaim = { residualShareMax: 0.05 }

/** A run with this footprint. */
function run(changes: Partial<Footprint> = {}, subject = 'x') {
  const calm = measured()
  return measured({ subject, footprint: { ...calm.footprint, ...changes } })
}

describe('residency claims', () => {
  it('hold when they are kept', () => {
    expect(brokenClaims([run(), run({ peakBytes: MIB })], nothing)).toEqual([])
    expect(brokenClaims([run({ peakBytes: 60 * MIB, residualBytes: MIB })], little)).toEqual([])
  })

  it('are broken by one round, also when the median is clean', () => {
    expect(brokenClaims([run(), run(), run({ residualBytes: 4096 })], nothing)).toEqual([
      'left 4 KiB (0.0 %) in the page cache, not nothing',
    ])
  })

  it('are broken by a peak one page above one buffer', () => {
    expect(brokenClaims([run(), run({ peakBytes: MIB + 4096 })], nothing)).toEqual([
      'had 1028 KiB in the page cache, not 1024 KiB at most',
    ])
  })

  it('"less than 5 %" is broken by 5 %', () => {
    expect(brokenClaims([run({ residualBytes: 3.2 * MIB })], little)).toEqual([
      'left 3.2 MiB (5.0 %) in the page cache, not less than 5 %',
    ])
  })

  it('are told by subject, workload and situation, and not of subjects that make none', () => {
    const dirty = { residualBytes: 64 * MIB }
    const runs = [run(dirty), { ...run(dirty), situation: 'neighbour' as const }, run(dirty, 'y'), run({}, 'z')]
    const found = findBrokenClaims(runs, [
      { name: 'x', claim: nothing },
      { name: 'y', claim: null },
      { name: 'z', claim: nothing },
    ])
    const what = 'left 64 MiB (100.0 %) in the page cache, not nothing'
    expect(found).toEqual([
      { subject: 'x', workload: 'large', situation: 'alone', what },
      { subject: 'x', workload: 'large', situation: 'neighbour', what },
    ])
  })
})
