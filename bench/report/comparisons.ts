/** Subjects against each other, round by round. */
import { isFio } from '../ceiling/fio.ts'
import type { Comparison } from '../schema/report.ts'
import { type RunFigures, type Situation, situations } from '../schema/run.ts'
import { NO_WRITER } from '../subjects/index.ts'
import { medianInterval } from './bootstrap.ts'
import { type Measure, measures } from './measures.ts'
import { verdictOf } from './verdict.ts'

/**
 * Every subject against the baseline on every measure, and, for what a neighbour feels, against nobody writing. What changes from
 * round to round (the disk, the neighbours on the host) is in both numbers of a pair. Where there is no pair, or the baseline is
 * 0, there is no ratio and no comparison. fio is compared in a table of its own.
 */
export function compareSubjects(runs: readonly RunFigures[], baseline: string): Comparison[] {
  const workloads = [...new Set(runs.map(({ workload }) => workload))]
  return workloads.flatMap((workload) =>
    situations.flatMap((situation) => {
      const here = runs.filter((run) => run.workload === workload && run.situation === situation)
      const toBaseline = compareAll(here, workload, situation, baseline, measures)
      return toBaseline.concat(compareAll(here, workload, situation, NO_WRITER, neighbourMeasures))
    }),
  )
}

const neighbourMeasures = measures.filter(({ name }) => name.startsWith('neighbour'))

function compareAll(
  runs: readonly RunFigures[],
  workload: string,
  situation: Situation,
  baseline: string,
  compared: readonly Measure[],
): Comparison[] {
  const subjects = [...new Set(runs.map(({ subject }) => subject))].filter((name) => isCompared(name, baseline))
  const base = runs.filter(({ subject }) => subject === baseline)
  return subjects.flatMap((subject) => {
    const own = runs.filter((run) => run.subject === subject)
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
  return runs.flatMap((run) => {
    const partner = base.find(({ round }) => round === run.round)
    const [value, reference] = [valueOf(run), partner === undefined ? null : valueOf(partner)]
    if (value === null || reference === null) return []
    if (value === 0 && reference === 0) return [1]
    return reference === 0 ? [] : [value / reference]
  })
}
