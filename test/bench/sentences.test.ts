import { describe, expect, it } from 'vitest'
import { compareSubjects } from '../../bench/report/comparisons.ts'
import { summarySentences } from '../../bench/report/sentences.ts'
import type { Report } from '../../bench/schema/report.ts'
import { environment, plausibleReport } from './reports.ts'

function sentences(changes: Partial<Report> = {}): string[] {
  const report = plausibleReport(changes)
  const all = summarySentences({ ...report, comparisons: compareSubjects(report.runs, report.baseline) })
  expect(all).toHaveLength(5)
  for (const sentence of all) {
    expect(sentence.endsWith('.')).toBe(true)
    expect(sentence).not.toMatch(/NaN|undefined|null|Infinity/)
    expect(sentence.length).toBeLessThan(300)
  }
  return all
}

describe('the summary', () => {
  it('says in five sentences what a person would quote', () => {
    expect(sentences({ notRun: [] })).toEqual([
      'Of 256 MiB (large), direct had 0 B in the page cache at most and left 0 B; buffered had 256 MiB and left 256 MiB.',
      expect.stringMatching(
        /^Throughput of direct on large, fsync included: \d+ MiB\/s, 1\.\d+x of buffered \(.*: better\)\.$/,
      ),
      expect.stringMatching(
        /^CPU of direct: \d+ ms per GiB, 0\.\d+x of buffered \(.*: better\); kernel threads took 44 ms/,
      ),
      expect.stringContaining(
        'reads its hot data in (p99): 36 us beside buffered (40 % of its data in memory), 6 us beside direct (100 %',
      ),
      'From 5 rounds: no drift, no failed run, and every claim to be uncached was kept.',
    ])
  })

  it('tells bad news as it tells good news', () => {
    const runs = plausibleReport().runs.map((run) =>
      run.subject === 'direct' ? Object.assign({}, run, { seconds: run.seconds * 9 }) : run,
    )
    expect(sentences({ runs })[1]).toContain(': worse)')
  })

  it('says what there is nothing to be said of, and why', () => {
    const runs = plausibleReport().runs.filter(({ subject }) => subject !== 'direct')
    const code = 'ERR_DIRECT_UNSUPPORTED'
    const notRun = [{ ...plausibleReport().notRun[0]!, subject: 'direct', code, state: 'unsupported' as const }]
    const all = sentences({ runs, notRun })
    expect(all[0]).toBe(`Page cache: nothing to be said, since direct could not be run (${code}).`)
    expect(all[1]).toBe(`Throughput: nothing to be said, since direct could not be run (${code}).`)
    expect(sentences({ runs: [] })[0]).toContain('direct was not run and buffered was not run')
  })

  it('says that there was no neighbour, or no limit, and how to have one', () => {
    const alone = plausibleReport().runs.filter(({ situation }) => situation === 'alone')
    expect(sentences({ runs: alone })[3]).toContain('--situations neighbour')
    const unlimited = plausibleReport().runs.map((run) =>
      Object.assign({}, run, { neighbour: run.neighbour && { ...run.neighbour, limitBytes: null } }),
    )
    const denied = { ...environment, memoryCgroup: 'run the benchmark as root' }
    expect(sentences({ runs: unlimited, environment: denied })[3]).toContain('not permitted: run the benchmark as root')
  })

  it('names every reason for doubt', () => {
    const doubtful = {
      roundsDone: 2,
      stoppedBy: 'signal' as const,
      drifts: [
        { workload: 'large', situation: 'alone' as const, measure: 'throughputBytesPerSecond', change: 1, pValue: 0 },
      ],
      brokenClaims: [{ subject: 'direct', workload: 'large', situation: 'alone' as const, what: 'x' }],
    }
    expect(sentences(doubtful)[4]).toBe(
      'From 2 rounds: it was interrupted, 5 rounds are the fewest that allow a verdict, 1 measure drifted, 1 run failed, ' +
        '1 claim to be uncached is broken.',
    )
  })
})
