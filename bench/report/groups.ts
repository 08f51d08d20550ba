/** A report, sorted by who is compared with whom: the tables of all outputs. */
import type { Comparison, Report } from '../schema/report.ts'
import { type NotRun, type RunFigures, type Situation, situations } from '../schema/run.ts'
import { measureNamed } from './measures.ts'
import { medianOf } from './statistics.ts'

/** All subjects on one workload in one situation. */
export interface Group {
  readonly workload: Report['workloads'][number]
  readonly situation: Situation
  /** An interrupted round counts where it got to. */
  readonly rounds: number
  readonly rows: readonly SubjectRow[]
}

/** One subject in a group. */
export class SubjectRow {
  constructor(
    readonly subject: string,
    readonly runs: readonly RunFigures[],
    /** Set when a round was not possible or went wrong. */
    readonly notRun: NotRun | null,
    /** What it claims about the page cache and did not keep. */
    readonly brokenClaims: readonly string[],
    private readonly comparisons: readonly Comparison[],
  ) {}

  /** The median of a measure over the rounds; `null` where no run has it. */
  medianOf(measure: string): number | null {
    return this.median(measureNamed(measure).valueOf)
  }

  median(valueOf: (run: RunFigures) => number | null): number | null {
    return medianOf(this.runs.map(valueOf))
  }

  /** Against the baseline. */
  comparisonOf(measure: string): Comparison | null {
    return this.comparisons.find((each) => each.measure === measure) ?? null
  }
}

/** Those that were asked for, in the order of the report; subjects that were not asked for a situation have no row in it. */
export function groupsOf(report: Report): Group[] {
  return report.workloads.flatMap((workload) =>
    situations
      .filter((situation) => workload.situations.includes(situation))
      .map((situation) => groupOf(report, workload, situation))
      .filter(({ rows }) => rows.length > 0),
  )
}

function groupOf(report: Report, workload: Report['workloads'][number], situation: Situation): Group {
  const isHere = (each: { readonly workload: string; readonly situation: Situation }) =>
    each.workload === workload.name && each.situation === situation
  const runs = report.runs.filter(isHere)
  const notRun = report.notRun.filter(isHere)
  const broken = report.brokenClaims.filter(isHere)
  const compared = report.comparisons.filter((each) => isHere(each) && each.baseline === report.baseline)
  const rows = workload.subjects.map(
    (subject) =>
      new SubjectRow(
        subject,
        ofSubject(runs, subject),
        ofSubject(notRun, subject)[0] ?? null,
        ofSubject(broken, subject).map(({ what }) => what),
        ofSubject(compared, subject),
      ),
  )
  return {
    workload,
    situation,
    rounds: Math.max(report.roundsDone, ...rows.map((row) => row.runs.length)),
    rows: rows.filter((row) => row.runs.length > 0 || row.notRun !== null),
  }
}

function ofSubject<T extends { readonly subject: string }>(all: readonly T[], subject: string): T[] {
  return all.filter((each) => each.subject === subject)
}
