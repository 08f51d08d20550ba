import type { Options } from '../options.ts'
import type { NotRun, RunPlan, RunResult } from './result.ts'
import { type PlannedWorkload, planRound } from './schedule.ts'

/** Is told what happens, as it happens. */
export interface Watcher<Result = RunResult> {
  /** `pending` are the runs that are still to come, this one first. */
  runBegins(plan: RunPlan, pending: readonly RunPlan[]): void
  runEnded(plan: RunPlan, result: Result, seconds: number): void
}

export interface AllResults<Result = RunResult> {
  readonly results: readonly Result[]
  readonly roundsDone: number
  /** Why there are fewer rounds than asked for. */
  readonly stoppedBy: 'time-budget' | 'signal' | null
}

/**
 * Runs all rounds. What was not possible or has failed once is not tried again: it would fail again, or take its time
 * limit again in every round.
 *
 * @param run does one run, and throws only when `signal` is aborted.
 */
export async function runAll<Result extends { readonly state: 'measured' } | NotRun>(
  options: Pick<Options, 'rounds' | 'timeBudgetSeconds' | 'subjects'>,
  workloads: readonly PlannedWorkload[],
  run: (plan: RunPlan) => Promise<Result>,
  watcher: Watcher<Result>,
  signal: AbortSignal,
): Promise<AllResults<Result>> {
  const results: Result[] = []
  const givenUp = new Set<string>()
  const isWanted = (plan: RunPlan) => !givenUp.has(`${plan.subject} ${plan.workload}`)
  const plansOf = (round: number) => planRound(round, options.subjects, workloads).filter(isWanted)
  const startedAtMs = performance.now()
  let longestRoundSeconds = 0

  for (let round = 1; round <= options.rounds; round++) {
    const roundStartedAtMs = performance.now()
    const elapsedSeconds = (roundStartedAtMs - startedAtMs) / 1e3
    if (round > 1 && elapsedSeconds + longestRoundSeconds > (options.timeBudgetSeconds ?? Infinity)) {
      return { results, roundsDone: round - 1, stoppedBy: 'time-budget' }
    }
    const plans = plansOf(round)
    const laterRounds = Array.from({ length: options.rounds - round }, (_, i) => round + 1 + i)
    for (const [index, plan] of plans.entries()) {
      if (signal.aborted) return { results, roundsDone: round - 1, stoppedBy: 'signal' }
      watcher.runBegins(plan, [...plans.slice(index), ...laterRounds.flatMap(plansOf)])
      const runStartedAtMs = performance.now()
      let result: Result
      try {
        result = await run(plan)
      } catch (error) {
        if (signal.aborted) return { results, roundsDone: round - 1, stoppedBy: 'signal' }
        throw error
      }
      results.push(result)
      if (result.state !== 'measured') givenUp.add(`${plan.subject} ${plan.workload}`)
      watcher.runEnded(plan, result, (performance.now() - runStartedAtMs) / 1e3)
    }
    longestRoundSeconds = Math.max(longestRoundSeconds, (performance.now() - roundStartedAtMs) / 1e3)
  }
  return { results, roundsDone: options.rounds, stoppedBy: null }
}
