import type { Chosen } from '../choose.ts'
import { describeChosen } from '../choose.ts'
import type { RunResult } from '../run/result.ts'
import type { AllResults } from '../run/run-all.ts'
import type { Environment } from '../schema/environment.ts'
import { type Place, type Report, SCHEMA_VERSION } from '../schema/report.ts'
import type { NotRun, RunFigures } from '../schema/run.ts'
import { type ClaimingSubject, findBrokenClaims } from './claims.ts'
import { compareSubjects } from './comparisons.ts'
import { findDrifts } from './drift.ts'
import { summarySentences } from './sentences.ts'

export interface ReportParts {
  readonly startedAt: Date
  /** Of the whole benchmark. */
  readonly seconds: number
  readonly environment: Environment
  readonly profile: string
  readonly roundsAsked: number
  readonly baseline: string
  readonly subjects: readonly ClaimingSubject[]
  readonly chosen: readonly Chosen[]
  readonly all: AllResults<RunResult>
  readonly places?: readonly Place[]
}

/** The report, with everything that can be computed from the runs. */
export function buildReport(parts: ReportParts): Report {
  const { all, baseline, subjects } = parts
  const { runs, notRun } = sortResults(all.results)
  // In a sweep a subject is run with many settings: it is compared with itself, in a table of its own.
  const comparable = runs.filter(({ point }) => point === null)
  const report: Report = {
    schemaVersion: SCHEMA_VERSION,
    startedAt: parts.startedAt.toISOString(),
    seconds: parts.seconds,
    environment: parts.environment,
    profile: parts.profile,
    roundsAsked: parts.roundsAsked,
    roundsDone: all.roundsDone,
    stoppedBy: all.stoppedBy,
    baseline,
    workloads: parts.chosen.map(describeChosen),
    runs,
    notRun,
    brokenClaims: findBrokenClaims(runs, subjects),
    comparisons: compareSubjects(comparable, baseline),
    drifts: findDrifts(comparable),
    summary: [],
    places: parts.places ?? [],
  }
  return comparable.length === 0 ? report : { ...report, summary: summarySentences(report) }
}

/** What was measured, and what was not: in the report the state is told by the list that a run is in. */
export function sortResults(results: readonly RunResult[]): { runs: readonly RunFigures[]; notRun: readonly NotRun[] } {
  const runs: RunFigures[] = []
  const notRun: NotRun[] = []
  for (const result of results) {
    if (result.state !== 'measured') notRun.push(result)
    else {
      const { state: _, ...run } = result
      runs.push(run)
    }
  }
  return { runs, notRun }
}
