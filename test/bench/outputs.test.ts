import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { Outputs } from '../../bench/outputs.ts'
import type { RunPlan } from '../../bench/run/result.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { environment, plausibleReport } from './reports.ts'
import { measured } from './runs.ts'

const folder = temporaryFolder()

const labels = (place: string): string => `{subject="direct",workload="large on ${place}",situation="alone"}`

it('tells file systems apart in its metrics, and which of them break a claim', async () => {
  const textFile = freshPath(folder, 'bench.prom')
  const files = { jsonFile: null, htmlFile: null, textFile: `${textFile}.prom`, metricsPort: null }
  const outputs = await Outputs.open(files, environment)
  const plan: RunPlan = {
    subject: 'direct',
    workload: 'large',
    situation: 'alone',
    round: 1,
    bytes: 1,
    warmUpBytes: 0,
    bytesPerSecond: null,
    idleSeconds: 0,
    point: null,
  }
  for (const [place, seconds] of [
    ['xfs', 1],
    ['tmpfs', 2],
  ] as const) {
    const watcher = outputs.at(place)
    watcher.runBegins(plan, [plan])
    watcher.runEnded(plan, { state: 'measured', ...measured({ subject: 'direct', seconds }) }, seconds)
  }
  const place = { fileSystemType: '', sectorBytes: null, alignment: null, notMade: null, runs: [], notRun: [] }
  const claim = { subject: 'direct', workload: 'large', situation: 'alone', what: 'left everything' } as const
  const places = [
    { ...place, name: 'xfs', brokenClaims: [] },
    { ...place, name: 'tmpfs', brokenClaims: [claim] },
  ]
  expect(await outputs.write(plausibleReport({ runs: [], places }))).toEqual([])
  await outputs.close()
  const text = readFileSync(files.textFile, 'utf8')
  expect(text).toContain(`claim_broken${labels('xfs')} 0\n`)
  expect(text).toContain(`claim_broken${labels('tmpfs')} 1\n`)
  expect(text).toMatch(new RegExp(`throughput_bytes_per_second${labels('xfs')} \\d`))
  expect(text).not.toContain('workload="large"')
})
