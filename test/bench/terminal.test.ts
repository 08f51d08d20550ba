import { describe, expect, it } from 'vitest'
import type { Environment } from '../../bench/measure/environment.ts'
import { summarize } from '../../bench/report/summary.ts'
import { layOut, wrap } from '../../bench/report/table.ts'
import { environmentLines, legendLines, WIDTH_MAX, workloadLines } from '../../bench/report/terminal.ts'
import type { RunResult } from '../../bench/run/result.ts'
import { subjects } from '../../bench/subjects/index.ts'
import { GIB, MIB } from '../../bench/units.ts'
import { measured, notRun } from './runs.ts'

/** What the table of these results looks like, without colours unless asked for. */
function tableOf(results: RunResult[], colour = false): string[] {
  const names = new Set(results.map(({ subject }) => subject))
  const rows = summarize(
    results,
    'large',
    subjects.filter(({ name }) => names.has(name)),
    'buffered',
  )
  return workloadLines(
    { name: 'large', summary: 'chunks of 1 MiB', bytes: GIB, rounds: 2, table: 'throughput', subjects: rows },
    colour,
  )
}

const lineOf = (lines: string[], start: string) => lines.find((line) => line.startsWith(start))

const environment: Environment = {
  kernel: 'Linux 6.18.0-a-rather-long-name-of-a-kernel x64',
  node: 'v20.20.2',
  packageVersion: '0.1.0',
  cpuModel: 'Some(R) Vendor(R) Long Name of a Processor @ 3.00GHz',
  cpuCount: 128,
  memoryBytes: 512 * GIB,
  loadAverage: 1.25,
  fileSystemType: 'btrfs',
  mountOptions: 'rw,relatime',
  superOptions: 'rw',
  device: '/dev/mapper/some-volume-group-some-logical-volume',
  footprintSource: 'mincore',
  memoryCgroup: 1,
  countedDevice: 'dm-0',
  forceDirectIo: null,
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

describe('the table of a workload', () => {
  it('shows medians with their ratio to buffered', () => {
    const lines = tableOf([
      measured({ bytes: GIB, footprintPeakBytes: GIB, footprintResidualBytes: GIB }),
      measured({ bytes: GIB, footprintPeakBytes: GIB, footprintResidualBytes: GIB, round: 2 }),
      measured({ bytes: GIB, subject: 'direct', seconds: 0.5, cpuUserSeconds: 0, cpuSystemSeconds: 0.1 }),
    ])
    expect(lines[0]).toBe('large: 1 GiB in chunks of 1 MiB; medians of 2 rounds')
    expect(lineOf(lines, 'buffered')?.split(/\s+/)).toEqual([
      'buffered',
      '1024',
      '1.00x',
      '500',
      '1.00x',
      '1024.0',
      '1024.0',
      '100.0',
      '1.0',
    ])
    expect(lineOf(lines, 'direct')?.split(/\s+/)).toEqual([
      'direct',
      '2048',
      '2.00x',
      '100',
      '0.20x',
      '0.0',
      '0.0',
      '0.0',
      '1.0',
    ])
  })

  it('has - for ratios when buffered was not chosen', () => {
    expect(
      lineOf(tableOf([measured({ subject: 'evict' })]), 'evict')
        ?.split(/\s+/)
        .filter((cell) => cell === '-'),
    ).toHaveLength(2)
  })

  it('says in its row what was not possible and with which code', () => {
    const lines = tableOf([measured(), notRun()])
    expect(lineOf(lines, 'dontcache')).toMatch(
      /^dontcache +not possible here: EOPNOTSUPP, RWF_DONTCACHE is not known here$/,
    )
  })

  it('says what failed, and keeps the numbers of the rounds before', () => {
    const failure = {
      state: 'failed',
      subject: 'sonic-boom',
      code: 'ERR_TIME_LIMIT',
      message: 'not done after 30 s',
    } as const
    expect(lineOf(tableOf([notRun(failure)]), 'sonic-boom')).toContain(
      'FAILED in round 1: ERR_TIME_LIMIT, not done after 30 s',
    )
    const lines = tableOf([measured({ subject: 'sonic-boom' }), notRun({ ...failure, round: 2 })])
    expect(lineOf(lines, 'sonic-boom ')).toMatch(/ 64 /)
    expect(lines.at(-1)).toBe('sonic-boom: 1 of 2 rounds. FAILED in round 2: ERR_TIME_LIMIT, not done after 30 s')
  })

  it('marks a subject that claims to be uncached and is not', () => {
    const lines = tableOf([
      measured({ subject: 'direct', footprintResidualBytes: 12 * MIB, footprintPeakBytes: 12 * MIB }),
    ])
    expect(lineOf(lines, 'direct !')).toBeDefined()
    expect(lines).toContain('! direct left 12 MiB (18.8 %) in the page cache, not nothing')
    expect(lines).toContain('! direct had 12288 KiB in the page cache, not 1024 KiB at most')
  })

  it('uses colour only when told to', () => {
    const results = [measured(), notRun({ state: 'failed' })]
    expect(tableOf(results).join('\n')).not.toContain('\x1b')
    expect(tableOf(results, true).join('\n')).toContain('\x1b[31mdontcache')
  })

  it('is readable at 100 columns, whatever is in it', () => {
    const huge = { bytes: 900 * GIB, seconds: 90, cpuUserSeconds: 1e4, eventLoopDelayMsMax: 123456.7 }
    const lines = [
      ...tableOf([
        measured({ ...huge, footprintPeakBytes: 900 * GIB, footprintResidualBytes: 900 * GIB }),
        measured({ ...huge, subject: 'fs-write-stream' }),
        notRun({ message: 'no '.repeat(100) }),
      ]),
      ...legendLines(),
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

  it('warns of a busy machine, and of FORCEDIRECTIO', () => {
    const { cpuCount } = environment
    const linesAt = (loadAverage: number) => environmentLines({ ...environment, loadAverage }).join(' ')
    expect(linesAt(cpuCount)).not.toContain('busy')
    expect(linesAt(cpuCount + 1)).toContain('The machine is busy (load 129.0)')
    expect(linesAt(0)).not.toContain('FORCEDIRECTIO')
    expect(environmentLines({ ...environment, forceDirectIo: '1' })).toContain('FORCEDIRECTIO=1 is set')
  })
})
