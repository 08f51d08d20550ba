import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, test } from 'vitest'
import { compareSubjects } from '../../bench/report/comparisons.ts'
import { htmlPage } from '../../bench/report/html/page.ts'
import type { Place, Report } from '../../bench/schema/report.ts'
import { MIB } from '../../bench/units.ts'
import { temporaryFolder } from '../support/folders.ts'
import { environment, plausibleReport, plausibleRun } from './reports.ts'
import { measured, notRun } from './runs.ts'

const chromium = (process.env.PATH ?? '')
  .split(':')
  .map((folder) => join(folder, 'chromium'))
  .find((path) => existsSync(path))

const place = (name: string, changes: Partial<Place> = {}): Place => ({
  name,
  fileSystemType: 'ext4',
  sectorBytes: 512,
  alignment: { memory: 512, offset: 512, source: 'statx' },
  notMade: null,
  runs: [plausibleRun('direct', 1), plausibleRun('buffered', 1)],
  notRun: [],
  brokenClaims: [],
  ...changes,
})

/** A report in which everything is that there can be. */
function fullReport(changes: Partial<Report> = {}): Report {
  const report = plausibleReport()
  const what = 'left 64 MiB (25.0 %) in the page cache, not nothing'
  return {
    ...report,
    comparisons: compareSubjects(report.runs, 'buffered'),
    brokenClaims: [{ subject: 'evict', workload: 'large', situation: 'alone', what }],
    drifts: [
      { workload: 'large', situation: 'alone', measure: 'throughputBytesPerSecond', change: -0.2, pValue: 0.0001 },
    ],
    summary: ['One sentence.', 'Another one.'],
    places: [
      place('ext4, 512-byte sectors'),
      place('tmpfs', {
        alignment: null,
        notRun: [notRun()],
        brokenClaims: [{ subject: 'direct', workload: 'large', situation: 'alone', what }],
      }),
      place('xfs, 4096-byte sectors', { notMade: 'mkfs.xfs: not found', runs: [] }),
    ],
    ...changes,
  }
}

describe('the page', () => {
  it('shows everything that is in the report', async () => {
    const page = await htmlPage(fullReport())
    for (const text of [
      'One sentence.',
      'Said to be uncached, and is not',
      'evict on large left 64 MiB (25.0 %)',
      'tmpfs: direct left 64 MiB',
      '<th scope="row">evict !</th>',
      'large, beside a neighbour, throttled',
      'no: EOPNOTSUPP',
      'could not be made: mkfs.xfs: not found',
      'throughput on large fell by 20 %',
      'ENOSPC: no space left on device',
      'limits.openFiles',
      'How to read this page',
    ]) {
      expect(page).toContain(text)
    }
    // Page cache, effort and ratios alone; neighbour, effort and ratios beside it, twice.
    expect(page.match(/<svg/g)?.length).toBe(9)
    expect(page).not.toMatch(/NaN|undefined|\bnull\b|Infinity/)
  })

  it('shows a sweep in tables of its own', async () => {
    const points = [65_536, MIB].flatMap((blockBytes) =>
      [1, 4].map((queueDepth) => measured({ subject: 'direct', point: { blockBytes, queueDepth } })),
    )
    const page = await htmlPage(plausibleReport({ runs: points }))
    expect(page).toContain('direct: MiB/s and CPU ms per GiB')
    expect(page).toContain('4 in flight')
    expect(page).toContain('64 / 8000')
    expect(page).not.toContain('<svg')
  })

  it('leaves out what there is nothing of', async () => {
    const page = await htmlPage(plausibleReport({ runs: [], notRun: [], workloads: [] }))
    for (const text of ['<svg', 'Said to be uncached', 'What works where', 'Drift', 'All comparisons']) {
      expect(page).not.toContain(text)
    }
    expect(page).toContain('Environment')
  })

  it('takes nothing from the report for HTML', async () => {
    const hostile = `<script>alert(1)</script>"'&]]>`
    const page = await htmlPage(
      fullReport({
        summary: [hostile],
        environment: { ...environment, mountOptions: hostile, cpuModel: hostile },
        notRun: [notRun({ message: hostile })],
        places: [place(hostile, { notMade: hostile })],
      }),
    )
    expect(page).not.toContain('<script>alert')
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;]]&gt;')
    // Its own, which switches between light and dark.
    expect(page.match(/<script/g)?.length).toBe(1)
  })

  it('needs no network', async () => {
    const page = await htmlPage(fullReport())
    expect(page).toContain('default-src &#39;none&#39;')
    expect(page).not.toMatch(/(src|href)=["']?https?:/)
    expect(page).not.toMatch(/@import|url\(\s*["']?https?:/)
  })
})

test('Chromium is here, or nobody demands it', () => {
  if (process.env.CI === 'true') expect(chromium).toBeDefined()
})

const skipped = chromium === undefined ? ' (skipped: needs Chromium: run scripts/install-test-tools.sh)' : ''
describe.skipIf(chromium === undefined)(`the page in a browser${skipped}`, () => {
  it('is drawn without a complaint, and without breaking its own policy', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'page.html')
    writeFileSync(path, await htmlPage(fullReport()))
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--enable-logging=stderr', '--v=0']
    const { stdout, stderr } = await promisify(execFile)(
      chromium!,
      [...args, `--user-data-dir=${join(folder, 'profile')}`, '--dump-dom', `file://${path}`],
      { maxBuffer: 64 * MIB },
    )
    expect(stdout.match(/<svg/g)?.length).toBe(9)
    expect(stdout).toContain('How to read this page')
    // What a page does wrong is logged with its address.
    expect(stderr.split('\n').filter((line) => line.includes('CONSOLE'))).toEqual([])
  })
})
