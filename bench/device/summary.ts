/** From single runs to one line for each case. */
import { FIO_NAME } from '../ceiling/fio.ts'
import { type PairedRatio, pairedRatio } from '../report/pairs.ts'
import { median } from '../report/statistics.ts'
import { GIB } from '../units.ts'
import type { DeviceResults, LoopRun, ThroughputRun } from './result.ts'

type ValueOf = (run: ThroughputRun) => number

export const bytesPerSecond: ValueOf = ({ bytes, seconds }) => bytes / seconds
export const cpuSecondsPerGib: ValueOf = ({ bytes, cpuSeconds }) => (cpuSeconds * GIB) / bytes
/** NaN where it was not measured. */
const wholeCpuSecondsPerGib: ValueOf = ({ bytes, wholeCpuSeconds }) => ((wholeCpuSeconds ?? Number.NaN) * GIB) / bytes

/** One case: medians, and ratios to fio's run of the same round. */
export interface ThroughputSummary {
  readonly name: string
  readonly runs: number
  readonly bytesPerSecond: number
  readonly cpuSecondsPerGib: number
  readonly wholeCpuSecondsPerGib: number | null
  /** `null` for fio itself. */
  readonly rssGrowthBytes: number | null
  readonly throughputOfFio: PairedRatio | null
  readonly cpuOfFio: PairedRatio | null
  readonly wholeCpuOfFio: PairedRatio | null
}

/** @returns `null` when the case was not measured. */
export function summarizeThroughput(results: DeviceResults, name: string): ThroughputSummary | null {
  const runs = runsOf(results, name)
  if (runs.length === 0) return null
  const of = (valueOf: ValueOf) => median(runs.map(valueOf))
  const ofFio = (valueOf: ValueOf) => (name === FIO_NAME ? null : ratioTo(results, name, FIO_NAME, valueOf))
  const growths = runs.map(({ rssGrowthBytes }) => rssGrowthBytes).filter((bytes) => bytes !== null)
  const hasWhole = runs.every(({ wholeCpuSeconds }) => wholeCpuSeconds !== null)
  return {
    name,
    runs: runs.length,
    bytesPerSecond: of(bytesPerSecond),
    cpuSecondsPerGib: of(cpuSecondsPerGib),
    wholeCpuSecondsPerGib: hasWhole ? of(wholeCpuSecondsPerGib) : null,
    rssGrowthBytes: growths.length === 0 ? null : median(growths),
    throughputOfFio: ofFio(bytesPerSecond),
    cpuOfFio: ofFio(cpuSecondsPerGib),
    wholeCpuOfFio: hasWhole ? ofFio(wholeCpuSecondsPerGib) : null,
  }
}

/** The ratios of one case to another, pair by pair. */
export function ratioTo(results: DeviceResults, name: string, base: string, valueOf: ValueOf): PairedRatio | null {
  return pairedRatio(runsOf(results, name), runsOf(results, base), valueOf)
}

export function runsOf(results: DeviceResults, name: string): ThroughputRun[] {
  return results.throughput.filter(({ subject }) => subject === name)
}

/** Over all rounds: medians of medians and of p99, and the worst of all. */
export interface LoopSummary {
  readonly name: string
  readonly bytesPerSecond: number
  readonly timer: LoopNumbers
  readonly stat: LoopNumbers
  readonly longestStretchMs: number
  readonly longestStretchBytes: number
}

/** Beside a writer and without one. */
export interface LoopNumbers {
  readonly writing: Delays
  readonly idle: Delays
  /** Beside what the program does without a writer; `null` where that is nothing. */
  readonly alone: Delays | null
}

/** Milliseconds. */
export interface Delays {
  readonly p50: number
  readonly p99: number
  readonly worst: number
}

/** @returns `null` when the case was not measured. */
export function summarizeLoop(results: DeviceResults, name: string): LoopSummary | null {
  const runs = results.eventLoop.filter(({ subject }) => subject === name)
  if (runs.length === 0) return null
  return {
    name,
    bytesPerSecond: median(runs.map(({ bytes, seconds }) => bytes / seconds)),
    timer: loopNumbers(runs, 'timer'),
    stat: loopNumbers(runs, 'stat'),
    longestStretchMs: Math.max(...runs.map(({ longestStretch }) => longestStretch.ms)),
    longestStretchBytes: Math.max(...runs.map(({ longestStretch }) => longestStretch.bytes)),
  }
}

function loopNumbers(runs: readonly LoopRun[], what: 'timer' | 'stat'): LoopNumbers {
  const alone = runs.flatMap((run) => (run.alone === null ? [] : [run.alone[what]]))
  return {
    writing: delaysOf(runs.map((run) => run.writing[what])),
    idle: delaysOf(runs.map((run) => run.idle[what])),
    alone: alone.length === 0 ? null : delaysOf(alone),
  }
}

function delaysOf(spreads: readonly Delays[]): Delays {
  return {
    p50: median(spreads.map(({ p50 }) => p50)),
    p99: median(spreads.map(({ p99 }) => p99)),
    worst: Math.max(...spreads.map(({ worst }) => worst)),
  }
}
