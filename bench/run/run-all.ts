import { planRound } from './schedule.ts'

/** Is told what happens, as it happens. */
export interface Watcher<Plan, Result> {
  /** `pending` are the runs that are still to come, this one first. */
  runBegins(plan: Plan, pending: readonly Plan[]): void
  runEnded(plan: Plan, result: Result, seconds: number): void
}

export interface AllResults<Result> {
  readonly results: readonly Result[]
  readonly roundsDone: number
  /** Why there are fewer rounds than asked for. */
  readonly stoppedBy: 'time-budget' | 'signal' | null
}

export interface Rounds {
  readonly rounds: number
  /** No round is begun that would end later, if it took as long as the longest so far; `null` is no limit. */
  readonly timeBudgetSeconds: number | null
}

/** What is run in each round. */
export type InRound<Cell> = Cell & { readonly round: number }

/**
 * Runs all rounds. What was not possible or has failed once is not tried again: it would fail again, or take its time
 * limit again in every round.
 *
 * @param groups what is run in each round; those of a group are compared with each other
 * @param run does one run, and throws only when `signal` is aborted.
 */
export async function runAll<Cell extends object, Result extends { readonly state: string }>(
  { rounds, timeBudgetSeconds }: Rounds,
  groups: readonly (readonly Cell[])[],
  run: (plan: InRound<Cell>) => Promise<Result>,
  watcher: Watcher<InRound<Cell>, Result>,
  signal: AbortSignal,
): Promise<AllResults<Result>> {
  const results: Result[] = []
  const givenUp = new Set<Cell>()
  const cellsOf = (round: number) => planRound(round, groups).filter((cell) => !givenUp.has(cell))
  const plansOf = (round: number) => cellsOf(round).map((cell) => Object.assign({}, cell, { round }))
  const startedAtMs = performance.now()
  let longestRoundSeconds = 0

  for (let round = 1; round <= rounds; round++) {
    const roundStartedAtMs = performance.now()
    const elapsedSeconds = (roundStartedAtMs - startedAtMs) / 1e3
    if (round > 1 && elapsedSeconds + longestRoundSeconds > (timeBudgetSeconds ?? Infinity)) {
      return { results, roundsDone: round - 1, stoppedBy: 'time-budget' }
    }
    const cells = cellsOf(round)
    const plans = plansOf(round)
    const laterRounds = Array.from({ length: rounds - round }, (_, i) => round + 1 + i)
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
      if (result.state !== 'measured') givenUp.add(cells[index]!)
      watcher.runEnded(plan, result, (performance.now() - runStartedAtMs) / 1e3)
    }
    longestRoundSeconds = Math.max(longestRoundSeconds, (performance.now() - roundStartedAtMs) / 1e3)
  }
  return { results, roundsDone: rounds, stoppedBy: null }
}
