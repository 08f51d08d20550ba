import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { compareReports } from '../../bench/compare/changes.ts'
import { differences } from '../../bench/compare/environments.ts'
import { changeLines } from '../../bench/compare/lines.ts'
import type { Report } from '../../bench/schema/report.ts'
import type { RunFigures } from '../../bench/schema/run.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { environment, plausibleReport } from './reports.ts'

const folder = temporaryFolder()
const main = fileURLToPath(new URL('../../out/bench/main.js', import.meta.url))

const withRuns = (change: (run: RunFigures) => RunFigures): Report => {
  const report = plausibleReport()
  return { ...report, runs: report.runs.map(change) }
}
const slower = withRuns((run) => (run.subject === 'direct' ? { ...run, seconds: run.seconds * 1.3 } : run))
const brokenClaims = [{ subject: 'direct', workload: 'large', situation: 'alone' as const, what: 'left 1 MiB' }]

describe('compareReports', () => {
  it('finds what got worse, and nothing else', () => {
    const { changes } = compareReports(plausibleReport(), slower)
    const worse = changes.filter(({ verdict }) => verdict === 'worse')
    expect(worse.map(({ subject, situation, measure }) => `${subject} ${situation} ${measure.name}`)).toEqual([
      'direct alone throughputBytesPerSecond',
      'direct neighbour throughputBytesPerSecond',
      'direct neighbour-throttled throughputBytesPerSecond',
    ])
    expect(worse[0]!.ratio.median).toBeCloseTo(1 / 1.3, 2)
    expect(changes.filter(({ verdict }) => verdict === 'better')).toEqual([])
  })

  it('finds what got better', () => {
    const { changes } = compareReports(slower, plausibleReport())
    expect(changes.filter(({ verdict }) => verdict === 'better')).toHaveLength(3)
  })

  it('raises few false alarms where reports differ by noise alone', () => {
    let state = 1
    // A linear congruential generator, so that the test is the same every time.
    const noise = () => 1 + 0.1 * ((state = (state * 48_271) % 2_147_483_647) / 2_147_483_647 - 0.5)
    const noisy = () =>
      withRuns((run) => ({ ...run, seconds: run.seconds * noise(), cpuSystemSeconds: run.cpuSystemSeconds * noise() }))
    let alarms = 0
    let compared = 0
    for (let i = 0; i < 10; i++) {
      const { changes } = compareReports(noisy(), noisy())
      alarms += changes.filter(({ verdict }) => verdict === 'worse').length
      compared += changes.length
    }
    expect(compared).toBeGreaterThan(1000)
    expect(alarms / compared).toBeLessThan(0.005)
  })

  it('takes a claim that was kept before for a regression, and one that was not for none', () => {
    const broken = plausibleReport({ brokenClaims })
    expect(compareReports(plausibleReport(), broken).newlyBroken).toEqual(brokenClaims)
    expect(compareReports(broken, broken).newlyBroken).toEqual([])
  })

  it('compares a sweep point by point, and a matrix place by place', () => {
    const points = [65_536, 1_048_576].map((blockBytes) => ({ blockBytes, queueDepth: 2 }))
    const place = { name: 'xfs', fileSystemType: 'xfs', sectorBytes: 512, alignment: null, notMade: null, notRun: [] }
    const runs = plausibleReport().runs.filter(({ situation }) => situation === 'alone')
    const all = (factor: number, brokenAt: typeof brokenClaims) =>
      plausibleReport({
        runs: points.flatMap((point) => runs.map((run) => Object.assign({}, run, { point }))),
        places: [
          {
            ...place,
            runs: runs.map((run) => Object.assign({}, run, { seconds: run.seconds * factor })),
            brokenClaims: brokenAt,
          },
        ],
      })
    const { changes, newlyBroken } = compareReports(all(1, []), all(2, brokenClaims))
    expect([...new Set(changes.map(({ workload }) => workload))]).toEqual([
      'large (64 KiB, 2 in flight)',
      'large (1 MiB, 2 in flight)',
      'large on xfs',
    ])
    const worse = changes.filter(({ verdict }) => verdict === 'worse')
    expect(new Set(worse.map(({ workload }) => workload))).toEqual(new Set(['large on xfs']))
    expect(newlyBroken.map(({ workload }) => workload)).toEqual(['large on xfs'])
  })

  it('names what is in one of them only', () => {
    const others = plausibleReport({ runs: plausibleReport().runs.filter(({ subject }) => subject !== 'evict') })
    expect(compareReports(plausibleReport(), others)).toMatchObject({
      onlyOld: ['large: evict', 'large, neighbour: evict', 'large, neighbour-throttled: evict'],
      onlyNew: [],
    })
  })
})

describe('differences', () => {
  it('are told one by one', () => {
    const other = plausibleReport({
      environment: { ...environment, kernel: 'Linux 7.0', forceDirectIo: '1' },
      workloads: plausibleReport().workloads.map((workload) => Object.assign({}, workload, { bytes: 1024 })),
    })
    expect(differences(plausibleReport(), plausibleReport())).toEqual([])
    expect(differences(plausibleReport(), other)).toEqual([
      'kernel: Linux 6.18.0 x64 before, Linux 7.0 now',
      'FORCEDIRECTIO: not set before, 1 now',
      'large: 256 MiB before, 1 KiB now',
    ])
  })
})

describe('changeLines', () => {
  it('fit into 100 columns, with what is worse in red', () => {
    const changes = compareReports(plausibleReport(), { ...slower, brokenClaims })
    const plain = changeLines(changes, ['kernel: a before, b now'], false)
    for (const line of plain) expect(line.length, line).toBeLessThanOrEqual(100)
    expect(plain.join('\n')).not.toContain('\x1b')
    const red = changeLines(changes, [], true).filter((line) => line.includes('\x1b[31m'))
    expect(red.some((line) => line.includes('! large: direct left 1 MiB; it did not before'))).toBe(true)
    expect(red.some((line) => line.includes('worse'))).toBe(true)
  })
})

const file = (content: unknown) => {
  const path = freshPath(folder, 'report.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const compare = (...paths: string[]) =>
  spawnSync(process.execPath, [main, '--compare', ...paths], { encoding: 'utf8', timeout: 30_000 })

describe('npm run bench -- --compare', () => {
  it('ends with 0 where nothing got worse, and with 1 where something did', () => {
    const [before, after] = [file(plausibleReport()), file(slower)]
    const same = compare(before, before)
    expect(same.stderr).toBe('')
    expect(same.status).toBe(0)
    expect(same.stdout).toMatch(/^\d+ ratios: 0 worse, 0 better/m)
    const worse = compare(before, after)
    expect(worse.status).toBe(1)
    expect(worse.stdout).toMatch(/^worse +large: direct +throughput +0\.77x/m)
  })

  it('ends with 2 where there are no two reports, so that CI can tell', () => {
    const report = file(plausibleReport())
    for (const [paths, message] of [
      [[report], '--compare takes two reports'],
      [[report, report, report], '--compare takes two reports'],
      [[report, '/no/such'], '/no/such cannot be read (ENOENT)'],
      [[report, file({ schemaVersion: 1 })], 'schema version 1'],
      [[report, file(plausibleReport({ runs: [] }))], 'the two reports have no run in common'],
    ] as const) {
      const { status, stderr } = compare(...paths)
      expect(stderr).toContain(message)
      expect(status).toBe(2)
    }
  })
})
