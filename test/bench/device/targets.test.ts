import { describe, expect, it } from 'vitest'
import type { LoopReport } from '../../../bench/device/loop-probe.ts'
import { reportLines } from '../../../bench/device/report.ts'
import type { DeviceResults, LoopRun, ThroughputRun } from '../../../bench/device/result.ts'
import { summarizeThroughput } from '../../../bench/device/summary.ts'
import { type Finding, findingsOf, verdictOf } from '../../../bench/device/targets.ts'
import { GIB, MIB } from '../../../bench/units.ts'

/** 1 GiB in a second with 0.1 s of CPU. */
function throughput(subject: string, changes: Partial<ThroughputRun> = {}): ThroughputRun {
  return {
    state: 'measured',
    subject,
    workload: 'throughput',
    round: 1,
    bytes: GIB,
    seconds: 1,
    cpuSeconds: 0.1,
    wholeCpuSeconds: 0.2,
    rssGrowthBytes: 10 * MIB,
    bufferBytes: 8 * MIB,
    ...changes,
  }
}

const calm = { p50: 0.1, p99: 1, worst: 2, samples: 100 }
const quiet = { timer: calm, stat: calm }

function reportOf(statP50: number): LoopReport {
  return { ...quiet, stat: { ...calm, p50: statP50 } }
}

function loop(subject: string, p99: number, worst: number, changes: Partial<LoopRun> = {}): LoopRun {
  const writing = { ...quiet, timer: { ...calm, p99, worst } }
  const longestStretch = { ms: worst, bytes: 8 * MIB }
  const plan = { subject, workload: 'event-loop', round: 1, bytes: GIB }
  return { state: 'measured', ...plan, seconds: 1, idle: quiet, alone: null, writing, longestStretch, ...changes }
}

function results(changes: Partial<DeviceResults> = {}): DeviceResults {
  return { throughput: [], eventLoop: [], idleWriters: [], notRun: [], ...changes }
}

function findingOf(target: string, found: DeviceResults): Finding {
  const finding = findingsOf(found).find((one) => one.target === target)
  if (finding === undefined) throw new Error(`no target is called ${target}`)
  return finding
}

describe('verdictOf', () => {
  it.each([
    [0.95, 'at least', 'reached'],
    [0.94, 'at least', 'missed'],
    [0.95, 'at most', 'reached'],
    [0.96, 'at most', 'missed'],
    [0.94, 'below', 'reached'],
    [0.95, 'below', 'missed'],
    [null, 'at most', 'not measured'],
    [Number.NaN, 'at least', 'not measured'],
  ] as const)('of %s %s 0.95 is: %s', (figure, should, verdict) => {
    expect(verdictOf({ target: 't', figure, limit: 0.95, should, text: '' })).toBe(verdict)
  })
})

describe('the targets', () => {
  it('are not measured when nothing was run', () => {
    for (const finding of findingsOf(results())) expect(verdictOf(finding), finding.target).toBe('not measured')
  })

  it('compare with fio in the same round', () => {
    const found = results({
      throughput: [
        throughput('fio', { rssGrowthBytes: null }),
        throughput('fio', { round: 2, seconds: 10 }),
        throughput('large', { cpuSeconds: 0.13 }),
        throughput('large', { round: 2, seconds: 10, cpuSeconds: 0.15 }),
      ],
    })
    const speed = findingOf("large: throughput of fio's", found)
    expect(speed.figure).toBe(1)
    const cpu = findingOf("large: CPU of fio's", found)
    expect(cpu.figure).toBeCloseTo(1.4)
    expect(cpu.text).toBe('1.40x (1.30-1.50)')
  })

  it('say of what has to be copied what is the least that it can take', () => {
    const copied = [throughput('fio'), throughput('large-copied', { cpuSeconds: 0.3 })]
    const target = "large-copied: CPU of fio's"
    expect(findingOf(target, results({ throughput: copied })).text).toBe('3.00x')
    const withCopying = results({ throughput: [...copied, throughput('copy-chunks', { cpuSeconds: 0.14 })] })
    expect(findingOf(target, withCopying).text).toBe('3.00x; least 2.40x')
  })

  it('hold the CPU of small records against a figure, and show it beside the copying alone', () => {
    const target = 'small-records: CPU ms per GiB'
    const finding = (cpuSeconds: number, copying: ThroughputRun[] = []) =>
      findingOf(target, results({ throughput: [throughput('small-records', { cpuSeconds }), ...copying] }))
    expect(verdictOf(findingOf(target, results()))).toBe('not measured')
    expect(verdictOf(finding(0.45))).toBe('reached')
    expect(verdictOf(finding(0.451))).toBe('missed')
    expect(finding(0.46).text).toBe('460; - of copying alone')
    const slowCopying = [throughput('copy-loop', { cpuSeconds: 0.46 })]
    expect(finding(0.46, slowCopying).text).toBe('460; 1.00x of copying alone')
    expect(verdictOf(finding(0.46, slowCopying))).toBe('missed')
  })

  it('compare with what a program would use instead', () => {
    const found = results({ throughput: [throughput('large'), throughput('fs-filehandle', { seconds: 1.2 })] })
    expect(verdictOf(findingOf("large: throughput of fs-filehandle's", found))).toBe('missed')
    expect(verdictOf(findingOf("large: CPU of fs-filehandle's", found))).toBe('missed')
    expect(verdictOf(findingOf("large: CPU of fs-write-stream's", found))).toBe('not measured')
  })

  it('compare streams with those of node:fs, and who is listened to with who is not', () => {
    const runs = [throughput('stream'), throughput('fs-stream', { seconds: 0.9 }), throughput('small-records')]
    const found = results({
      throughput: [...runs, throughput('small-events'), throughput('small-metrics', { cpuSeconds: 99 })],
    })
    expect(verdictOf(findingOf("stream: throughput of fs-stream's", found))).toBe('missed')
    expect(verdictOf(findingOf("small-events: CPU of small-records'", found))).toBe('reached')
    expect(verdictOf(findingOf("small-metrics: CPU of small-records'", found))).toBe('missed')
    expect(verdictOf(findingOf("stream: throughput of fs-stream's", results({ throughput: runs.slice(0, 1) })))).toBe(
      'not measured',
    )
  })

  it('compare the command with a writer', () => {
    const target = "write-command: throughput of large-growing's"
    const found = (seconds: number) =>
      findingOf(
        target,
        results({ throughput: [throughput('large-growing'), throughput('write-command', { seconds })] }),
      )
    expect(verdictOf(found(1.25))).toBe('reached')
    expect(verdictOf(found(1.26))).toBe('missed')
    expect(verdictOf(findingOf(target, results()))).toBe('not measured')
  })

  it('hold memory against the run that took most', () => {
    const more = throughput('small-records', { round: 2, rssGrowthBytes: 16 * MIB + 1 })
    const target = 'small-records: memory, MiB more'
    const finding = findingOf(target, results({ throughput: [throughput('small-records'), more] }))
    expect(finding.limit).toBe(16 * MIB)
    expect(verdictOf(finding)).toBe('missed')
  })

  it('take the worst delay of all runs', () => {
    const name = 'large io_uring'
    const found = results({ eventLoop: [loop(name, 1, 14), loop(name, 2.9, 15)] })
    expect(verdictOf(findingOf(`${name}: timer, p99 ms`, found))).toBe('reached')
    expect(verdictOf(findingOf(`${name}: timer, worst ms`, found))).toBe('missed')
  })

  it('hold stat against the same program without a writer', () => {
    const name = 'small-records io_uring'
    const verdict = (changes: Partial<LoopRun>) =>
      verdictOf(findingOf(`${name}: stat, p50 ms`, results({ eventLoop: [loop(name, 1, 2, changes)] })))
    expect(verdict({ writing: reportOf(0.2) })).toBe('reached')
    expect(verdict({ writing: reportOf(0.21) })).toBe('missed')
    expect(verdict({ writing: reportOf(0.6), alone: reportOf(0.5) })).toBe('reached')
    expect(verdict({ writing: reportOf(0.61), alone: reportOf(0.5) })).toBe('missed')
  })
})

describe('a summary', () => {
  it('has no whole CPU where it was not measured', () => {
    const found = results({ throughput: [throughput('fio', { wholeCpuSeconds: null }), throughput('large')] })
    expect(summarizeThroughput(found, 'fio')).toMatchObject({ wholeCpuSecondsPerGib: null, throughputOfFio: null })
    expect(summarizeThroughput(found, 'large-copied')).toBeNull()
  })
})

describe('the report', () => {
  const missing = {
    state: 'unsupported',
    subject: 'fio',
    workload: 'throughput',
    situation: 'alone',
    round: 1,
    code: 'ERR_NOT_INSTALLED',
    message: 'fio is not installed (Debian: apt-get install fio)',
  } as const

  it('is readable at 100 columns', () => {
    const everything = results({
      throughput: [1, 2].flatMap((round) =>
        ['fio', 'large', 'large-copied', 'copy-chunks', 'small-records', 'fs-write-stream'].map((name) =>
          throughput(name, { round, seconds: 1e-3 * round, cpuSeconds: name === 'fio' ? 30 : 99 }),
        ),
      ),
      eventLoop: [loop('small-records io_uring', 1234.5, 1234.5, { alone: quiet })],
      notRun: [missing],
    })
    for (const line of reportLines(everything, GIB, false)) expect(line.length, line).toBeLessThanOrEqual(100)
  })

  it('says which program is missing, and how many targets could not be measured', () => {
    const lines = reportLines(results({ throughput: [throughput('large')], notRun: [missing] }), GIB, false)
    expect(lines).toContain('fio    not possible here: fio is not installed (Debian: apt-get install fio)')
    expect(lines.join('\n')).toMatch(/\d+ of \d+ targets were not measured/)
  })
})
