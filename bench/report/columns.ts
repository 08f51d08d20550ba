/** The tables of the workloads, column by column. */
import { BASELINE_NAME } from '../subjects/index.ts'
import { MIB } from '../units.ts'
import type { TableKind } from '../workloads/workload.ts'
import { formatRatio } from './pairs.ts'
import type { Medians, SubjectSummary } from './summary.ts'
import type { Column } from './table.ts'

export interface MeasureColumn extends Column {
  /** What stands in the column for a subject that was measured. */
  cell(medians: Medians, summary: SubjectSummary): string
}

/** Where there is no number. */
const NONE = '-'

function column(heading: readonly string[], cell: MeasureColumn['cell']): MeasureColumn {
  return { heading, align: 'right', cell }
}

function mib(bytes: number | null, digits: number): string {
  return bytes === null ? NONE : (bytes / MIB).toFixed(digits)
}

function microseconds(ns: number | null): string {
  return ns === null ? NONE : (ns / 1e3).toFixed(0)
}

const throughput = column(['MiB/s'], ({ bytesPerSecond }) => (bytesPerSecond / MIB).toFixed(0))
const throughputRatio = column(['ratio to', BASELINE_NAME], (_, summary) => formatRatio(summary.throughputRatio))
const cpu = column(['CPU ms', 'per GiB'], ({ cpuSecondsPerGib }) => (cpuSecondsPerGib * 1e3).toFixed(0))
const cpuRatio = column(['ratio to', BASELINE_NAME], (_, summary) => formatRatio(summary.cpuRatio))
const cachePeak = column(['cache peak', 'MiB'], ({ footprintPeakBytes }) => mib(footprintPeakBytes, 1))
const cacheLeft = column(['cache left', 'MiB'], ({ footprintResidualBytes }) => mib(footprintResidualBytes, 1))

/** The columns behind the subject's name. */
export const columnsOf: Readonly<Record<TableKind, readonly MeasureColumn[]>> = {
  throughput: [
    throughput,
    throughputRatio,
    cpu,
    cpuRatio,
    cachePeak,
    cacheLeft,
    column(['left', '% of file'], ({ footprintResidualShare }) => (footprintResidualShare * 100).toFixed(1)),
    column(['loop delay', 'max ms'], ({ eventLoopDelayMsMax }) => eventLoopDelayMsMax?.toFixed(1) ?? NONE),
  ],
  compaction: [
    throughput,
    throughputRatio,
    cpu,
    cpuRatio,
    column(['M samples', '/ core s'], ({ samplesPerCpuSecond }) =>
      samplesPerCpuSecond === null ? NONE : (samplesPerCpuSecond / 1e6).toFixed(1),
    ),
    column(['charged', 'peak MiB'], ({ cacheChargePeakBytes }) => mib(cacheChargePeakBytes, 1)),
    column(['charged', 'mean MiB'], ({ cacheChargeMeanBytes }) => mib(cacheChargeMeanBytes, 1)),
    column(['mean to', BASELINE_NAME], (_, summary) => formatRatio(summary.cacheChargeRatio, 3)),
    column(
      ['device MiB', 'in + out'],
      ({ deviceReadBytes, deviceWrittenBytes }) => `${mib(deviceReadBytes, 0)} + ${mib(deviceWrittenBytes, 0)}`,
    ),
  ],
  commits: [
    column(['commits', 'per s'], ({ commitsPerSecond }) => commitsPerSecond?.toFixed(0) ?? NONE),
    throughputRatio,
    column(['commit', 'p50 us'], ({ commitP50Ns }) => microseconds(commitP50Ns)),
    column(['commit', 'p99 us'], ({ commitP99Ns }) => microseconds(commitP99Ns)),
    column(['CPU us', 'per commit'], ({ cpuNsPerCommit }) => microseconds(cpuNsPerCommit)),
    column(['device bytes', 'per byte'], ({ deviceBytesPerByte }) => deviceBytesPerByte?.toFixed(1) ?? NONE),
    cachePeak,
    cacheLeft,
  ],
}
