/** The tables of the workloads, column by column. */
import type { Verdict } from '../schema/report.ts'
import type { RunFigures, Situation } from '../schema/run.ts'
import { BASELINE_NAME } from '../subjects/index.ts'
import { GIB, MIB } from '../units.ts'
import type { TableKind } from '../workloads/workload.ts'
import type { SubjectRow } from './groups.ts'
import { formatRatio } from './pairs.ts'
import type { Column } from './table.ts'

export interface MeasureColumn extends Column {
  /** What stands in the column for a subject that was measured. */
  cell(row: SubjectRow): string
}

/** Where there is no number. */
export const NONE = '-'

/** Behind a ratio: what it allows to say. */
export const verdictMarks: Readonly<Record<Verdict, string>> = {
  better: '+',
  worse: '-',
  'no-difference': '=',
  'too-few-rounds': '?',
  'too-noisy': '?',
}

function column(heading: readonly string[], cell: MeasureColumn['cell']): MeasureColumn {
  return { heading, align: 'right', cell }
}

/** A median, divided by its unit. */
function measured(heading: readonly string[], measure: string, unit: number, digits: number): MeasureColumn {
  return column(heading, (row) => number(row.medianOf(measure), unit, digits))
}

function figure(
  heading: readonly string[],
  valueOf: (run: RunFigures) => number | null,
  unit: number,
  digits: number,
): MeasureColumn {
  return column(heading, (row) => number(row.median(valueOf), unit, digits))
}

function number(value: number | null, unit: number, digits: number): string {
  return value === null ? NONE : (value / unit).toFixed(digits)
}

function ratioColumn(measure: string, heading = 'ratio to'): MeasureColumn {
  return column([heading, BASELINE_NAME], (row) => {
    if (row.subject === BASELINE_NAME) return `1.00x  `
    const comparison = row.comparisonOf(measure)
    return comparison === null
      ? `${NONE}  `
      : `${formatRatio(comparison.ratio.median)} ${verdictMarks[comparison.verdict]}`
  })
}

const throughput = measured(['MiB/s'], 'throughputBytesPerSecond', MIB, 0)
const throughputRatio = ratioColumn('throughputBytesPerSecond')
const cpu = measured(['CPU ms', 'per GiB'], 'cpuSecondsPerGib', 1e-3, 0)
const cpuRatio = ratioColumn('cpuSecondsPerGib')
const kernelCpu = measured(['kernel', 'ms/GiB'], 'kernelCpuSecondsPerGib', 1e-3, 0)
const cachePeak = measured(['cache', 'peak'], 'footprintPeakBytes', MIB, 1)
const cacheLeft = measured(['cache', 'left'], 'footprintResidualBytes', MIB, 1)
const deviceBytes = measured(['dev B', 'per B'], 'writeAmplification', 1, 2)
const writeP99 = measured(['write', 'p99 ms'], 'writeLatencyP99Ns', 1e6, 1)
const loopDelay = measured(['loop', 'max ms'], 'eventLoopDelayMsMax', 1, 0)
const resident = measured(['RSS', 'MiB'], 'residentPeakBytes', MIB, 0)

/** What is written, and what that takes. */
const workColumns: Readonly<Record<TableKind, readonly MeasureColumn[]>> = {
  throughput: [throughput, throughputRatio, cpu, cpuRatio, kernelCpu, cachePeak, cacheLeft, writeP99, loopDelay],
  compaction: [
    throughput,
    throughputRatio,
    cpu,
    cpuRatio,
    measured(['M samples', '/ core s'], 'samplesPerCpuSecond', 1e6, 1),
    figure(['dev in', 'MiB'], (run) => run.device?.readBytes ?? null, MIB, 0),
    figure(['dev out', 'MiB'], (run) => run.device?.writtenBytes ?? null, MIB, 0),
    cachePeak,
    loopDelay,
    resident,
  ],
  commits: [
    figure(['commits', 'per s'], (run) => run.commitLatency && run.commitLatency.count / run.seconds, 1, 0),
    throughputRatio,
    measured(['commit', 'p50 us'], 'commitLatencyP50Ns', 1e3, 0),
    measured(['commit', 'p99 us'], 'commitLatencyP99Ns', 1e3, 0),
    figure(['worst', 'us'], (run) => run.commitLatency?.maxNs ?? null, 1e3, 0),
    figure(['CPU us', '/commit'], cpuPerCommit, 1e-6, 0),
    deviceBytes,
    cachePeak,
    cacheLeft,
  ],
}

function cpuPerCommit({ cpuUserSeconds, cpuSystemSeconds, commitLatency }: RunFigures): number | null {
  return commitLatency && (cpuUserSeconds + cpuSystemSeconds) / commitLatency.count
}

/** What the memory cgroup was charged with, in cAdvisor's words. */
const memoryColumns: readonly MeasureColumn[] = [
  measured(['cache', 'peak'], 'cachePeakBytes', MIB, 1),
  measured(['cache', 'mean'], 'cacheMeanBytes', MIB, 1),
  measured(['working', 'set'], 'workingSetPeakBytes', MIB, 0),
  measured(['usage', 'peak'], 'usagePeakBytes', MIB, 0),
  memory(['dirty', 'peak'], 'dirtyPeakBytes'),
  memory(['write-', 'back'], 'writebackPeakBytes'),
  memory(['active', 'file'], 'activeFilePeakBytes'),
  memory(['inactive', 'file'], 'inactiveFilePeakBytes'),
  figure(['re-', 'faults'], (run) => run.memory?.refaultedPages ?? null, 1, 0),
]

/** What the device had to do, what reading the file back costs, and the memory of the process. */
const restColumns: readonly MeasureColumn[] = [
  figure(['device', 'out MiB'], (run) => run.device?.writtenBytes ?? null, MIB, 1),
  figure(['device', 'in MiB'], (run) => run.device?.readBytes ?? null, MIB, 1),
  deviceBytes,
  readBack(['read ms/GiB', 'as left'], 'asLeftSeconds'),
  readBack(['read', 'cold'], 'coldSeconds'),
  readBack(['read', 'warm'], 'warmSeconds'),
  measured(['write', 'p50 ms'], 'writeLatencyP50Ns', 1e6, 2),
  figure(['write', 'worst ms'], (run) => run.writeLatency?.maxNs ?? null, 1e6, 1),
  resident,
]

function memory(
  heading: readonly string[],
  name: 'dirtyPeakBytes' | 'writebackPeakBytes' | 'activeFilePeakBytes' | 'inactiveFilePeakBytes',
): MeasureColumn {
  return figure(heading, (run) => run.memory?.[name] ?? null, MIB, 0)
}

function readBack(heading: readonly string[], name: keyof NonNullable<RunFigures['readBack']>): MeasureColumn {
  return figure(heading, (run) => run.readBack && (run.readBack[name] * GIB) / run.bytes, 1e-3, 0)
}

type Neighbour = NonNullable<RunFigures['neighbour']>

function felt(
  heading: readonly string[],
  valueOf: (neighbour: Neighbour) => number | null,
  unit: number,
  digits: number,
) {
  return figure(heading, (run) => run.neighbour && valueOf(run.neighbour), unit, digits)
}

/** What the neighbour felt while the writer wrote. */
const neighbourColumns: readonly MeasureColumn[] = [
  throughput,
  felt(['read', 'p50 us'], ({ during }) => during.latency.p50Ns, 1e3, 1),
  felt(['p99', 'us'], ({ during }) => during.latency.p99Ns, 1e3, 0),
  felt(['p99.9', 'us'], ({ during }) => during.latency.p999Ns, 1e3, 0),
  felt(['worst', 'us'], ({ during }) => during.latency.maxNs, 1e3, 0),
  ratioColumn('neighbourP99Ns', 'p99 to'),
  felt(['hot data', '% in memory'], ({ during }) => during.residentShare, 0.01, 0),
]

/** And before and after. */
const calmColumns: readonly MeasureColumn[] = [
  felt(['before', 'p99 us'], ({ before }) => before.latency.p99Ns, 1e3, 0),
  felt(['after', 'p99 us'], ({ after }) => after.latency.p99Ns, 1e3, 0),
  felt(['hot %', 'before'], ({ before }) => before.residentShare, 0.01, 0),
  felt(['hot %', 'after'], ({ after }) => after.residentShare, 0.01, 0),
  felt(['pages read', 'again'], ({ refaultedPages }) => refaultedPages, 1, 0),
  cpu,
  writeP99,
]

export interface Table {
  /** A line above it; `null` for the first one of a workload. */
  readonly title: string | null
  /** Whether it would be empty where no memory cgroup may be made. */
  readonly needsCgroup?: boolean
  readonly columns: readonly MeasureColumn[]
}

/** The tables of a workload in a situation, one below the other. */
export function tablesOf(kind: TableKind, situation: Situation): readonly Table[] {
  if (situation !== 'alone') return [{ title: null, columns: neighbourColumns }, calmTable, memoryTable]
  const first = { title: null, columns: workColumns[kind] }
  return kind === 'throughput' ? [first, memoryTable, restTable] : [first, memoryTable]
}

const calmTable: Table = { title: 'the neighbour before and after it; the writer', columns: calmColumns }
const memoryTable: Table = { title: 'charged to the memory cgroup, MiB', needsCgroup: true, columns: memoryColumns }
const restTable: Table = {
  title: 'the device, reading the file back once, memory of the process',
  columns: restColumns,
}
