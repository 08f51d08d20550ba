import { describe, expect, it } from 'vitest'
import { estimateSecondsLeft, Progress, type ShownPlan } from '../../bench/report/progress.ts'
import { measured } from './runs.ts'

const finished = (changes: Parameters<typeof measured>[0] = {}) => ({
  ...measured(changes),
  state: 'measured' as const,
})

const plan = (subject: string, workload = 'large', bytes = 100): ShownPlan => ({
  subject,
  workload,
  round: 1,
  bytes,
})

describe('estimateSecondsLeft', () => {
  it('knows nothing before the first run', () => {
    expect(estimateSecondsLeft([], [plan('a')])).toBeNull()
  })

  it('expects a subject to take what it took before', () => {
    const done = [
      { plan: plan('a'), seconds: 2 },
      { plan: plan('a'), seconds: 4 },
      { plan: plan('b'), seconds: 10 },
    ]
    expect(estimateSecondsLeft(done, [plan('a'), plan('b'), plan('b')])).toBe(23)
  })

  it('takes the mean of the workload for a subject that did not run yet', () => {
    const done = [
      { plan: plan('a'), seconds: 2 },
      { plan: plan('b'), seconds: 4 },
    ]
    expect(estimateSecondsLeft(done, [plan('c')])).toBe(3)
  })

  it('goes by bytes for a workload that did not run yet', () => {
    expect(estimateSecondsLeft([{ plan: plan('a'), seconds: 2 }], [plan('a', 'small-records', 50)])).toBe(1)
  })
})

function collect(isTTY: boolean, columns = 60) {
  const texts: string[] = []
  const output = { isTTY, columns, write: (text: string) => texts.push(text) }
  return { texts, progress: new Progress(output) }
}

describe('Progress', () => {
  it('writes a plain line for each run where there is no terminal', () => {
    const { texts, progress } = collect(false)
    progress.runBegins(plan('direct'), [plan('direct'), plan('evict')])
    progress.runEnded(plan('direct'), finished({ subject: 'direct' }), 1)
    progress.close()
    expect(texts).toEqual(['1/2  round 1  large  direct  64 MiB/s\n'])
  })

  it('redraws one line with the time left on a terminal, and takes it away', () => {
    const { texts, progress } = collect(true, 100)
    progress.runBegins(plan('direct'), [plan('direct'), plan('direct')])
    progress.runEnded(plan('direct'), finished(), 90)
    progress.runBegins(plan('direct'), [plan('direct')])
    progress.close()
    expect(texts.join('')).not.toContain('\n')
    expect(texts.at(-2)).toBe('\r\x1b[K[##########..........] 2/2  round 1  large  direct  about 90 s left')
    expect(texts.at(-1)).toBe('\r\x1b[K')
  })

  it('never lets the line wrap', () => {
    const { texts, progress } = collect(true, 30)
    progress.runBegins(plan('fs-write-stream', 'small-records'), [plan('fs-write-stream')])
    progress.close()
    expect(texts[0]?.replace('\r\x1b[K', '')).toHaveLength(29)
  })
})
