import { describe, expect, it } from 'vitest'
import type { Around } from '../../bench/measure/around.ts'
import { summarize } from '../../bench/report/summary.ts'
import { legendLines, WIDTH_MAX, workloadLines } from '../../bench/report/terminal.ts'
import type { MeasuredRun } from '../../bench/run/result.ts'
import { MIB } from '../../bench/units.ts'
import type { TableKind } from '../../bench/workloads/workload.ts'
import { measured } from './runs.ts'

/** The row of a subject, without the blanks. */
function rowOf(table: TableKind, runs: readonly MeasuredRun[], subject: string): string[] {
  const rows = summarize(
    runs,
    'large',
    [
      { name: 'direct', claim: null },
      { name: 'buffered', claim: null },
    ],
    'buffered',
  )
  const lines = workloadLines({ name: 'large', summary: 'x', bytes: MIB, rounds: 1, table, subjects: rows }, false)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(WIDTH_MAX)
  return (lines.find((line) => line.startsWith(subject)) ?? '').split(/ {2,}/)
}

const compacted = {
  bytes: 64 * MIB,
  cpuUserSeconds: 1,
  cpuSystemSeconds: 1,
  sampleCount: 30e6,
  deviceReadBytes: 66 * MIB,
  deviceWrittenBytes: 65 * MIB,
}

describe('the table of compactions', () => {
  it('shows samples for each second of CPU, the charged page cache against buffered, and the device', () => {
    const runs = [
      measured({ ...compacted, cacheChargePeakBytes: 128 * MIB, cacheChargeMeanBytes: 100 * MIB }),
      measured({
        ...compacted,
        subject: 'direct',
        seconds: 0.5,
        cacheChargePeakBytes: 2 * MIB,
        cacheChargeMeanBytes: MIB,
      }),
    ]
    expect(rowOf('compaction', runs, 'direct')).toEqual([
      'direct',
      '128',
      '2.00x',
      '32000',
      '1.00x',
      '15.0',
      '2.0',
      '1.0',
      '0.010x',
      '66 + 65',
    ])
    expect(rowOf('compaction', runs, 'buffered').slice(6)).toEqual(['128.0', '100.0', '1.000x', '66 + 65'])
  })

  it('shows a dash for what could not be measured', () => {
    const runs = [measured({ ...compacted, deviceReadBytes: null, deviceWrittenBytes: null })]
    expect(rowOf('compaction', runs, 'buffered').slice(6)).toEqual(['-', '-', '-', '- + -'])
  })
})

describe('the table of commits', () => {
  it('shows how many there were in a second, how long one took, its CPU, and what the device wrote for a byte', () => {
    const commits = { count: 500, p50Ns: 250_000, p99Ns: 4_000_400, maxNs: 9e6 }
    const run = {
      bytes: 2 * MIB,
      seconds: 2,
      cpuUserSeconds: 0.1,
      cpuSystemSeconds: 0.1,
      commits,
      deviceWrittenBytes: 5 * MIB,
    }
    const runs = [measured(run), measured({ ...run, subject: 'direct', seconds: 1 })]
    expect(rowOf('commits', runs, 'direct')).toEqual([
      'direct',
      '500',
      '2.00x',
      '250',
      '4000',
      '400',
      '2.5',
      '0.0',
      '0.0',
    ])
    expect(rowOf('commits', runs, 'buffered').slice(1, 3)).toEqual(['250', '1.00x'])
  })
})

describe('the legend', () => {
  const possible: Around = { cgroup: { version: 1 }, device: { name: 'vda', statPath: '' } }
  const tables = [{ table: 'compaction' }, { table: 'commits' }] as const

  it('explains the columns of the tables that are there', () => {
    expect(legendLines(false, tables, possible).join(' ')).toMatch(
      /container_memory_cache.*A commit is.*Device bytes are/,
    )
    expect(legendLines(false, [{ table: 'throughput' }], possible).join(' ')).not.toMatch(
      /cgroup|commit is|Device bytes/,
    )
  })

  it('says why a column is empty', () => {
    const around: Around = { cgroup: { why: 'ask root for it' }, device: { why: 'no disk below' } }
    const text = legendLines(false, tables, around).join(' ')
    expect(text).toContain('not permitted. ask root for it.')
    expect(text).toContain('Device bytes are not known: no disk below.')
  })
})
