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
  const delays = runs.map((run) => run.eventLoopDelayMsMax).filter((delay) => delay !== null)
  return {
    bytesPerSecond: of(bytesPerSecond),
    cpuSecondsPerGib: of(cpuSecondsPerGib),
    footprintPeakBytes: of((run) => run.footprintPeakBytes),
    footprintResidualBytes: of((run) => run.footprintResidualBytes),
    footprintResidualShare: of((run) => run.footprintResidualBytes / run.bytes),
    eventLoopDelayMsMax: delays.length === 0 ? null : median(delays),
  }
}

function bytesPerSecond(run: MeasuredRun): number {
  return run.bytes / run.seconds
}

function cpuSecondsPerGib(run: MeasuredRun): number {
  return ((run.cpuUserSeconds + run.cpuSystemSeconds) * GIB) / run.bytes
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
