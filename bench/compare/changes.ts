/** What got better or worse from one report to another. */
import { ratioInterval } from '../report/bootstrap.ts'
import { type Measure, measures } from '../report/measures.ts'
import { allBrokenClaims, nameAt } from '../report/places.ts'
import { verdictOf } from '../report/verdict.ts'
import type { BrokenClaim, Interval, Place, Report, Verdict } from '../schema/report.ts'
import type { RunFigures, Situation } from '../schema/run.ts'
import { formatBytes } from '../units.ts'

export interface Change {
  readonly workload: string
  readonly situation: Situation
  readonly subject: string
  readonly measure: Measure
  /** New to old. */
  readonly ratio: Interval
  readonly verdict: Verdict
}

export interface Changes {
  readonly changes: readonly Change[]
  /** Claims about the page cache that were kept before. */
  readonly newlyBroken: readonly BrokenClaim[]
  /** What is in one of the reports only. */
  readonly onlyOld: readonly string[]
  readonly onlyNew: readonly string[]
}

/**
 * Some hundreds of ratios are looked at, and the interval of one in twenty misses its ratio: by chance alone there would be
 * some that are "worse". A change is one only when its interval is on one side of 1 and 5 % away from it with its nearer end:
 * between two reports from one machine without any change that was rare, and less would not change what anybody decides.
 */
const EFFECT_MIN = 0.05

export function compareReports(older: Report, newer: Report): Changes {
  const oldNames = namesIn(older)
  const newNames = namesIn(newer)
  const brokenBefore = allBrokenClaims(older)
  return {
    changes: newNames
      .filter((name) => oldNames.includes(name))
      .flatMap((name) => changesOf(runsOf(older, name), runsOf(newer, name))),
    newlyBroken: allBrokenClaims(newer).filter(
      (claim) => !brokenBefore.some((before) => nameOf(before) === nameOf(claim)),
    ),
    onlyOld: oldNames.filter((name) => !newNames.includes(name)),
    onlyNew: newNames.filter((name) => !oldNames.includes(name)),
  }
}

function changesOf(older: readonly RunFigures[], newer: readonly RunFigures[]): Change[] {
  const { workload, situation, subject } = newer[0]!
  return measures.flatMap((measure): Change[] => {
    const ratio = ratioInterval(valuesOf(newer, measure), valuesOf(older, measure))
    if (ratio === null) return []
    return [{ workload, situation, subject, measure, ratio, verdict: verdictBeyondEffect(ratio, measure) }]
  })
}

function verdictBeyondEffect(ratio: Interval, { better }: Measure): Verdict {
  const verdict = verdictOf(ratio, better)
  if (verdict !== 'better' && verdict !== 'worse') return verdict
  const nearerEnd = ratio.low > 1 ? ratio.low : 1 / ratio.high
  return nearerEnd > 1 + EFFECT_MIN ? verdict : 'no-difference'
}

function valuesOf(runs: readonly RunFigures[], { valueOf }: Measure): number[] {
  return runs.map(valueOf).filter((value) => value !== null)
}

type Named = Pick<RunFigures, 'workload' | 'situation' | 'subject'>

/** `large, neighbour: direct` */
export function nameOf({ workload, situation, subject }: Named): string {
  return `${workload}${situation === 'alone' ? '' : `, ${situation}`}: ${subject}`
}

/** What is run with several settings, or on several file systems, is told apart by the name of its workload. */
function comparable({ runs, places }: Report): readonly RunFigures[] {
  return [...runs.map(withSetting), ...places.flatMap(runsAt)]
}

function runsAt({ name, runs }: Place): RunFigures[] {
  return runs.map(withSetting).map((run) => renamed(run, nameAt(run.workload, name)))
}

function withSetting(run: RunFigures): RunFigures {
  const { workload, point } = run
  if (point === null) return run
  return renamed(run, `${workload} (${formatBytes(point.blockBytes)}, ${point.queueDepth} in flight)`)
}

function renamed(run: RunFigures, workload: string): RunFigures {
  return { ...run, workload }
}

function namesIn(report: Report): string[] {
  return [...new Set(comparable(report).map(nameOf))]
}

function runsOf(report: Report, name: string): readonly RunFigures[] {
  return comparable(report).filter((run) => nameOf(run) === name)
}
