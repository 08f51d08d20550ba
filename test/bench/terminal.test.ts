import { describe, expect, it } from 'vitest'
import { layOut, wrap } from '../../bench/report/table.ts'
import { environmentLines, reportLines, WIDTH_MAX } from '../../bench/report/terminal.ts'
import type { Environment } from '../../bench/schema/environment.ts'
import type { Comparison, Report } from '../../bench/schema/report.ts'
import type { NotRun, RunFigures, Situation } from '../../bench/schema/run.ts'
import { GIB, MIB } from '../../bench/units.ts'
import { latency, neighbourFigures, environment as ordinary, plausibleReport, subjectNames } from './reports.ts'
import { measured, notRun } from './runs.ts'

const lineOf = (lines: string[], start: string) => lines.find((line) => line.startsWith(start))

/** A report on these runs, with nothing computed from them. */
function reportOn(runs: readonly RunFigures[], changes: Partial<Report> = {}): Report {
  const all = [...runs, ...(changes.notRun ?? [])]
  const of = <T>(valueOf: (run: RunFigures | NotRun) => T) => [...new Set(all.map(valueOf))]
  const workloads = of(({ workload }) => workload).map((name) => ({
    name,
    summary: 'chunks of 1 MiB',
    bytes: GIB,
    situations: of(({ situation }) => situation),
    subjects: of(({ subject }) => subject),
  }))
  return plausibleReport({ roundsDone: 2, workloads, runs, notRun: [], ...changes })
}

const environment: Environment = {
  ...ordinary,
  kernel: 'Linux 6.18.0-a-rather-long-name-of-a-kernel x64',
  node: 'v20.20.2',
  cpuModel: 'Some(R) Vendor(R) Long Name of a Processor @ 3.00GHz',
  cpuCount: 128,
  memoryBytes: 512 * GIB,
  loadAverage: 1.25,
  fileSystemType: 'btrfs',
  mountOptions: 'rw,relatime',
  device: '/dev/mapper/some-volume-group-some-logical-volume',
  footprintSource: 'mincore',
}

const cached = (bytes: number) => ({ ...measured().footprint, peakBytes: bytes, residualBytes: bytes })

function comparison(measure: string, median: number, verdict: Comparison['verdict']): Comparison {
  return {
    workload: 'large',
    situation: 'alone',
    subject: 'direct',
    baseline: 'buffered',
    measure,
    ratio: { median, low: median, high: median, count: 5 },
    verdict,
  }
}

describe('layOut', () => {
  it('puts headings of one and of two lines above columns as wide as their widest cell', () => {
    const { heading, rows } = layOut(
      [
        { heading: ['name'], align: 'left' },
        { heading: ['per', 'GiB'], align: 'right' },
      ],
      [{ cells: ['a', '12345'] }, { cells: ['longer', '7'] }],
      40,
    )
    expect(heading).toEqual(['          per', 'name      GiB'])
    expect(rows).toEqual([['a       12345'], ['longer      7']])
  })

  it('wraps the text of a row that has no cells', () => {
    const { rows } = layOut(
      [{ heading: ['name'], align: 'left' }],
      [{ name: 'x', text: 'not possible here at all' }],
      18,
    )
    expect(rows).toEqual([['x     not possible', '      here at all']])
  })
})

describe('wrap', () => {
  it('breaks between words only', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three'])
    expect(wrap('incomprehensibilities yes', 5)).toEqual(['incomprehensibilities', 'yes'])
  })
})

describe('the tables of a workload', () => {
  it('shows medians, and their ratios to buffered with what they allow to say', () => {
    const direct = { subject: 'direct', bytes: GIB, seconds: 0.5, cpuUserSeconds: 0, cpuSystemSeconds: 0.1 }
    const runs = [
      measured({ bytes: GIB, footprint: cached(GIB) }),
      measured({ bytes: GIB, footprint: cached(GIB), round: 2 }),
      measured({ ...direct, writeLatency: latency(1e6), device: { readBytes: 0, writtenBytes: 1.5 * GIB } }),
    ]
    const comparisons = [
      comparison('throughputBytesPerSecond', 2, 'better'),
      comparison('cpuSecondsPerGib', 0.2, 'too-few-rounds'),
    ]
    const lines = reportLines(reportOn(runs, { comparisons }), false)
    expect(lines[0]).toBe('large: 1 GiB in chunks of 1 MiB; medians of 2 rounds')
    const rowOf = (start: string) => lineOf(lines, start)?.replace(/ +/g, ' ')
    expect(rowOf('buffered')).toBe('buffered 1024 1.00x 500 1.00x - 1024.0 1024.0 - 1')
    expect(rowOf('direct')).toBe('direct 2048 2.00x + 100 0.20x ? - 0.0 0.0 4.0 1')
  })

  it('has - for ratios when there is nothing to compare with', () => {
    const lines = reportLines(reportOn([measured({ subject: 'evict' })]), false)
    expect(lineOf(lines, 'evict')?.split(/\s+/).slice(0, 5)).toEqual(['evict', '64', '-', '8000', '-'])
  })

  it('shows what the cgroup was charged with, and what the device had to do, in tables of their own', () => {
    const lines = reportLines(plausibleReport({ comparisons: [] }), false)
    const rowBelow = (title: string) => {
      const start = lines.indexOf(title)
      expect(start).toBeGreaterThan(0)
      return lines
        .slice(start)
        .find((line) => line.startsWith('buffered'))
        ?.replace(/ +/g, ' ')
    }
    const memory = rowBelow('charged to the memory cgroup, MiB')
    expect(memory).toBe('buffered 256.0 128.0 60 316 256 128 0 256 0')
    const rest = rowBelow('the device, reading the file back once, memory of the process')
    expect(rest).toBe('buffered 258.6 0.0 1.01 200 800 200 0.50 25.0 60')
  })

  it('says instead that no cgroup may be made, and how to permit it', () => {
    const report = plausibleReport({ environment: { ...environment, memoryCgroup: 'run the benchmark as root' } })
    const text = reportLines(report, false).join(' ')
    expect(text).not.toContain('charged to the memory cgroup')
    expect(text).toContain('Charged memory: not permitted. run the benchmark as root.')
  })

  it('shows what the neighbour felt, beside each writer and without any', () => {
    const lines = reportLines(plausibleReport(), false)
    const start = lines.findIndex((line) => line.startsWith('large beside a neighbour: '))
    const table = lines.slice(start)
    const rowsOf = (subject: string) =>
      table.filter((line) => line.startsWith(subject)).map((line) => line.replace(/ +/g, ' '))
    expect(rowsOf('no-writer')[0]).toBe('no-writer - 1.5 6 30 75 - 100')
    expect(rowsOf('buffered').slice(0, 2)).toEqual([
      expect.stringMatching(/^buffered \d+ 9\.0 36 180 450 1\.00x 40$/),
      expect.stringMatching(/^buffered 6 21 100 40 6000 \d+ 2\.[01]$/),
    ])
  })

  it.each(['compaction', 'commits'] as const)('has columns of its own for %s', (kind) => {
    const workload = kind === 'compaction' ? 'tsdb-compaction' : 'wal'
    const run = measured({
      workload,
      sampleCount: kind === 'compaction' ? 30e6 : null,
      commitLatency: kind === 'commits' ? latency(250_000) : null,
      device: { readBytes: 66 * MIB, writtenBytes: 65 * MIB },
    })
    const cells = lineOf(reportLines(reportOn([run]), false), 'buffered')
      ?.split(/\s+/)
      .slice(1)
    if (kind === 'compaction') {
      expect(cells).toEqual(['64', '1.00x', '8000', '1.00x', '60.0', '66', '65', '0.0', '1', '60'])
    } else expect(cells).toEqual(['1000', '1.00x', '250', '1000', '12500', '500', '1.02', '0.0', '0.0'])
  })

  it('says in its row what was not possible and with which code', () => {
    const lines = reportLines(reportOn([measured()], { notRun: [notRun()] }), false)
    expect(lineOf(lines, 'dontcache')).toMatch(
      /^dontcache +not possible here: EOPNOTSUPP, RWF_DONTCACHE is not known here$/,
    )
  })

  it('says what failed, and keeps the numbers of the rounds before', () => {
    const failure = notRun({
      state: 'failed',
      subject: 'sonic-boom',
      code: 'ERR_TIME_LIMIT',
      message: 'not done after 30 s',
    })
    expect(lineOf(reportLines(reportOn([], { notRun: [failure] }), false), 'sonic-boom')).toContain(
      'FAILED in round 1: ERR_TIME_LIMIT, not done after 30 s',
    )
    const later = { notRun: [{ ...failure, round: 2 }] }
    const lines = reportLines(reportOn([measured({ subject: 'sonic-boom' })], later), false)
    expect(lineOf(lines, 'sonic-boom ')).toMatch(/ 64 /)
    expect(lines).toContain('sonic-boom: 1 of 2 rounds. FAILED in round 2: ERR_TIME_LIMIT, not done after 30 s')
  })

  it('marks a subject that claims to be uncached and is not, in red', () => {
    const what = 'left 12 MiB (18.8 %) in the page cache, not nothing'
    const brokenClaims = [{ subject: 'direct', workload: 'large', situation: 'alone' as Situation, what }]
    const report = reportOn([measured({ subject: 'direct' })], { brokenClaims })
    const lines = reportLines(report, false)
    expect(lineOf(lines, 'direct !')).toBeDefined()
    expect(lines).toContain(`! direct ${what}`)
    expect(reportLines(report, true)).toContain(`\x1b[31m! direct ${what}\x1b[39m`)
  })

  it('uses colour only when told to', () => {
    const report = reportOn([measured()], { notRun: [notRun({ state: 'failed' })] })
    expect(reportLines(report, false).join('\n')).not.toContain('\x1b')
    expect(reportLines(report, true).join('\n')).toContain('\x1b[31mdontcache')
  })

  it('tells of drift, and sums up', () => {
    const drifts = [
      {
        workload: 'large',
        situation: 'alone' as const,
        measure: 'throughputBytesPerSecond',
        change: -0.23,
        pValue: 0.001,
      },
    ]
    const lines = reportLines(plausibleReport({ drifts, summary: ['It is fast.', 'It is small.'] }), false)
    expect(lines).toContain('Drift: throughput on large fell by 23 % from the first round to the last.')
    expect(lines.slice(lines.indexOf('Summary'))).toEqual(['Summary', '', 'It is fast.', 'It is small.', ''])
  })

  it('is readable at 100 columns, whatever is in it', () => {
    const huge = { bytes: 900 * GIB, seconds: 90, cpuUserSeconds: 1e4, eventLoopDelayMsMax: 123456.7 }
    const felt = { neighbour: neighbourFigures(9e6, 0.4), situation: 'neighbour' as const }
    const { runs: ordinaryRuns } = plausibleReport()
    const runs = [
      ...ordinaryRuns,
      ...[...subjectNames, 'fs-write-stream', 'rotating-file-stream'].flatMap((subject) => [
        measured({ ...huge, subject, footprint: cached(900 * GIB), device: { readBytes: 0, writtenBytes: 2e12 } }),
        measured({ ...huge, ...felt, subject }),
      ]),
    ]
    const report = reportOn(runs, { notRun: [notRun({ subject: 'x', message: 'no '.repeat(100) })] })
    const lines = [
      ...reportLines(report, false),
      ...environmentLines({ ...environment, loadAverage: 129, forceDirectIo: '1' }),
    ]
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(WIDTH_MAX)
  })
})

describe('the environment', () => {
  it('says where the numbers come from', () => {
    const text = environmentLines(environment).join(' ')
    expect(text).toContain('uncached-io 0.1.0, Node v20.20.2, Linux 6.18.0')
    expect(text).toContain(
      'btrfs on /dev/mapper/some-volume-group-some-logical-volume (rw,relatime), footprint by mincore',
    )
  })

  it('names the disk, and a container', () => {
    const text = environmentLines({ ...environment, container: 'docker' }).join(' ')
    expect(text).toContain('disk vda: scheduler mq-deadline, cache write back, 512-byte sectors')
    expect(text).toContain('in a container (docker)')
  })

  it('warns of a busy machine, and of FORCEDIRECTIO', () => {
    const { cpuCount } = environment
    const linesAt = (loadAverage: number) => environmentLines({ ...environment, loadAverage }).join(' ')
    expect(linesAt(cpuCount)).not.toContain('busy')
    expect(linesAt(cpuCount + 1)).toContain('The machine is busy (load 129.0)')
    expect(linesAt(0)).not.toContain('FORCEDIRECTIO')
    expect(environmentLines({ ...environment, forceDirectIo: '1' })).toContain('FORCEDIRECTIO=1 is set')
  })
})
