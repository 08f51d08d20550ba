/** Subjects against each other, round by round. */
import { isFio } from '../ceiling/fio.ts'
import type { Comparison } from '../schema/report.ts'
import type { RunFigures } from '../schema/run.ts'
import { NO_WRITER } from '../subjects/index.ts'
import { medianInterval } from './bootstrap.ts'
import { type Measure, measures } from './measures.ts'
import { pairsOf } from './pairs.ts'
import { type RunsHere, runsByPlace, runsBySubject } from './runs-by.ts'
import { verdictOf } from './verdict.ts'

/**
 * Every subject against the baseline on every measure, and, for what a neighbour feels, against nobody writing. What changes from
 * round to round (the disk, the neighbours on the host) is in both numbers of a pair. Where there is no pair, or the baseline is
 * 0, there is no ratio and no comparison. fio is compared in a table of its own.
 */
export function compareSubjects(runs: readonly RunFigures[], baseline: string): Comparison[] {
  return runsByPlace(runs).flatMap((here) =>
    compareAll(here, baseline, measures).concat(compareAll(here, NO_WRITER, neighbourMeasures)),
  )
}

const neighbourMeasures = measures.filter(({ name }) => name.startsWith('neighbour'))

function compareAll(here: RunsHere, baseline: string, compared: readonly Measure[]): Comparison[] {
  const { workload, situation } = here
  const runsOf = runsBySubject(here.runs)
  const base = runsOf.get(baseline) ?? []
  return [...runsOf].flatMap(([subject, own]) => {
    if (!isCompared(subject, baseline)) return []
    return compared.flatMap((measure): Comparison[] => {
      const ratios = pairedRatios(own, base, measure)
      if (ratios.length === 0) return []
      const ratio = medianInterval(ratios)
      const verdict = verdictOf(ratio, measure.better)
      return [{ workload, situation, subject, baseline, measure: measure.name, ratio, verdict }]
    })
  })
}

function isCompared(subject: string, baseline: string): boolean {
  return subject !== baseline && subject !== NO_WRITER && !isFio(subject)
}

/** Of each round in which both have a number. Two zeros are the same; something against zero is no ratio. */
function pairedRatios(runs: readonly RunFigures[], base: readonly RunFigures[], { valueOf }: Measure): number[] {
  return pairsOf(runs, base).flatMap(([run, partner]) => {
    const [value, reference] = [valueOf(run), valueOf(partner)]
    if (value === null || reference === null) return []
    if (value === 0 && reference === 0) return [1]
    return reference === 0 ? [] : [value / reference]
  })
}
