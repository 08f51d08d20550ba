/** From single runs to one line for each subject. */
import type { MeasuredRun, NotRun, RunResult } from '../run/result.ts'
import type { ResidencyClaim } from '../subjects/subject.ts'
import { formatBytes, GIB, KIB } from '../units.ts'
import { type PairedRatio, pairedRatio } from './pairs.ts'
import { median, ratio } from './statistics.ts'

/** Medians over the rounds. */
export interface Medians {
  readonly bytesPerSecond: number
  readonly cpuSecondsPerGib: number
  readonly footprintPeakBytes: number
  readonly footprintResidualBytes: number
  /** Of the file's length. */
  readonly footprintResidualShare: number
  /** `null` for what has no event loop. */
  readonly eventLoopDelayMsMax: number | null
  /** `null` where no cgroup could be had. */
  readonly cacheChargePeakBytes: number | null
  readonly cacheChargeMeanBytes: number | null
  /** `null` where the device could not be told. */
  readonly deviceReadBytes: number | null
  readonly deviceWrittenBytes: number | null
  readonly deviceBytesPerByte: number | null
  /** `null` where the work is not about samples. */
  readonly samplesPerCpuSecond: number | null
  /** `null` where the work is not commits. */
  readonly commitsPerSecond: number | null
  readonly commitP50Ns: number | null
  readonly commitP99Ns: number | null
  readonly cpuNsPerCommit: number | null
}

/** One subject on one workload. */
export interface SubjectSummary {
  readonly subject: string
  readonly roundsMeasured: number
  /** `null` when no round was measured. */
  readonly medians: Medians | null
  /** Against the baseline's medians; `null` without a baseline. */
  readonly throughputRatio: number | null
  readonly cpuRatio: number | null
  /** Of the mean page cache that is charged. */
  readonly cacheChargeRatio: number | null
  /** Against the ceiling's run in the same round; `null` without a pair. `cpu` also where it took none that could be told. */
  readonly ofCeiling: { readonly throughput: PairedRatio; readonly cpu: PairedRatio | null } | null
  /** Set when a round was not possible or went wrong. */
  readonly notRun: NotRun | null
  /** What the subject claims about the page cache and did not keep, in its worst round. */
  readonly brokenClaims: readonly string[]
}

export interface ClaimingSubject {
  readonly name: string
  readonly claim: ResidencyClaim | null
}

export function summarize(
  results: readonly RunResult[],
  workload: string,
  subjects: readonly ClaimingSubject[],
  baselineName: string,
  ceilingName: string | null = null,
): SubjectSummary[] {
  const measuredOf = (subject: string) =>
    results.filter(
      (result): result is MeasuredRun =>
        result.state === 'measured' && result.subject === subject && result.workload === workload,
    )
  const baseline = mediansOf(measuredOf(baselineName))
  const ceiling = ceilingName === null ? [] : measuredOf(ceilingName)
  return subjects.map(({ name, claim }) => {
    const runs = measuredOf(name)
    const medians = mediansOf(runs)
    return {
      subject: name,
      roundsMeasured: runs.length,
      medians,
      throughputRatio: medians && ratio(medians.bytesPerSecond, baseline?.bytesPerSecond),
      cpuRatio: medians && ratio(medians.cpuSecondsPerGib, baseline?.cpuSecondsPerGib),
      cacheChargeRatio: ratio(medians?.cacheChargeMeanBytes, baseline?.cacheChargeMeanBytes),
      ofCeiling: ofCeiling(runs, ceiling),
      notRun:
        results.find(
          (result): result is NotRun =>
            result.state !== 'measured' && result.subject === name && result.workload === workload,
        ) ?? null,
      brokenClaims: claim === null ? [] : brokenClaims(runs, claim),
    }
  })
}

function mediansOf(runs: readonly MeasuredRun[]): Medians | null {
  if (runs.length === 0) return null
  const of = (value: (run: MeasuredRun) => number) => median(runs.map(value))
  return {
    bytesPerSecond: of(bytesPerSecond),
    cpuSecondsPerGib: of(cpuSecondsPerGib),
    footprintPeakBytes: of((run) => run.footprintPeakBytes),
    footprintResidualBytes: of((run) => run.footprintResidualBytes),
    footprintResidualShare: of((run) => run.footprintResidualBytes / run.bytes),
    eventLoopDelayMsMax: known(runs, (run) => run.eventLoopDelayMsMax),
    cacheChargePeakBytes: known(runs, (run) => run.cacheChargePeakBytes),
    cacheChargeMeanBytes: known(runs, (run) => run.cacheChargeMeanBytes),
    deviceReadBytes: known(runs, (run) => run.deviceReadBytes),
    deviceWrittenBytes: known(runs, (run) => run.deviceWrittenBytes),
    deviceBytesPerByte: known(runs, (run) => ratio(run.deviceWrittenBytes, run.bytes)),
    samplesPerCpuSecond: known(runs, (run) => ratio(run.sampleCount, cpuSeconds(run))),
    commitsPerSecond: known(runs, (run) => run.commits && run.commits.count / run.seconds),
    commitP50Ns: known(runs, (run) => run.commits && run.commits.p50Ns),
    commitP99Ns: known(runs, (run) => run.commits && run.commits.p99Ns),
    cpuNsPerCommit: known(runs, (run) => run.commits && (cpuSeconds(run) * 1e9) / run.commits.count),
  }
}

/** The median of what is known; `null` when nothing is. */
function known(runs: readonly MeasuredRun[], valueOf: (run: MeasuredRun) => number | null): number | null {
  const values = runs.map(valueOf).filter((value) => value !== null)
  return values.length === 0 ? null : median(values)
}

function cpuSeconds(run: MeasuredRun): number {
  return run.cpuUserSeconds + run.cpuSystemSeconds
}

function bytesPerSecond(run: MeasuredRun): number {
  return run.bytes / run.seconds
}

function cpuSecondsPerGib(run: MeasuredRun): number {
  return (cpuSeconds(run) * GIB) / run.bytes
}

function ofCeiling(runs: readonly MeasuredRun[], ceiling: readonly MeasuredRun[]): SubjectSummary['ofCeiling'] {
  const throughput = pairedRatio(runs, ceiling, bytesPerSecond)
  return throughput === null ? null : { throughput, cpu: pairedRatio(runs, ceiling, cpuSecondsPerGib) }
}

/** A claim holds for every round, so it is the worst one that is looked at. */
function brokenClaims(runs: readonly MeasuredRun[], claim: ResidencyClaim): string[] {
  const broken: string[] = []
  const residualShare = Math.max(0, ...runs.map((run) => run.footprintResidualBytes / run.bytes))
  const residualBytes = Math.max(0, ...runs.map((run) => run.footprintResidualBytes))
  // "Less than 5 %" for those that leave something, "nothing" for those that leave nothing.
  if (claim.residualShareMax === 0 ? residualShare > 0 : residualShare >= claim.residualShareMax) {
    const allowed = claim.residualShareMax === 0 ? 'nothing' : `less than ${claim.residualShareMax * 100} %`
    broken.push(`left ${formatBytes(residualBytes)} (${percent(residualShare)}) in the page cache, not ${allowed}`)
  }
  const peakBytes = Math.max(0, ...runs.map((run) => run.footprintPeakBytes))
  if (peakBytes > (claim.peakBytesMax ?? Infinity)) {
    broken.push(`had ${kib(peakBytes)} in the page cache, not ${kib(claim.peakBytesMax ?? 0)} at most`)
  }
  return broken
}

/** One page too many is too many, and would not show in MiB. */
function kib(bytes: number): string {
  return `${Math.ceil(bytes / KIB)} KiB`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
