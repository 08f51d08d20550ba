import { type RunFigures, type Situation, situations } from '../schema/run.ts'

/** The runs of one workload in one situation. */
export interface RunsHere {
  readonly workload: string
  readonly situation: Situation
  readonly runs: readonly RunFigures[]
}

/** By workload in the order of the runs, then by situation; those without a run are left out. */
export function runsByPlace(runs: readonly RunFigures[]): RunsHere[] {
  const workloads = [...new Set(runs.map(({ workload }) => workload))]
  return workloads
    .flatMap((workload) =>
      situations.map((situation) => ({
        workload,
        situation,
        runs: runs.filter((run) => run.workload === workload && run.situation === situation),
      })),
    )
    .filter((here) => here.runs.length > 0)
}

/** The runs of each subject, in the order of the runs. */
export function runsBySubject(runs: readonly RunFigures[]): Map<string, RunFigures[]> {
  const found = new Map<string, RunFigures[]>()
  for (const run of runs) {
    const own = found.get(run.subject)
    if (own === undefined) found.set(run.subject, [run])
    else own.push(run)
  }
  return found
}
