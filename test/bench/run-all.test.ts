import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { runAll } from '../../bench/run/run-all.ts'
import { measured, notRun } from './runs.ts'

interface Plan {
  readonly subject: string
  readonly round: number
}
type Result = ReturnType<typeof resultOf>

const groupOf = (...subjects: string[]) => [subjects.map((subject) => ({ subject }))]
const silent = { runBegins() {}, runEnded() {} }
const fails = () => Promise.reject(new Error('a bug'))
const never = new AbortController().signal

async function slowly(plan: Plan): Promise<Result> {
  await sleep(60)
  return resultOf(plan)
}

function resultOf({ subject, round }: Plan) {
  if (subject === 'broken') return notRun({ subject, round, state: 'failed' })
  return { ...measured({ subject, round }), state: 'measured' as const }
}

describe('runAll', () => {
  it('interleaves the rounds', async () => {
    const options = { rounds: 2, timeBudgetSeconds: null }
    const order: string[] = []
    const run = async (plan: Plan) => {
      order.push(`${plan.subject}${plan.round}`)
      return resultOf(plan)
    }
    const all = await runAll(options, groupOf('a', 'b'), run, silent, never)
    expect(order).toEqual(['a1', 'b1', 'b2', 'a2'])
    expect(all).toMatchObject({ roundsDone: 2, stoppedBy: null })
    expect(all.results).toHaveLength(4)
  })

  it('does not try again what has failed, and keeps everything else', async () => {
    const options = { rounds: 3, timeBudgetSeconds: null }
    const pendingCounts: number[] = []
    const watcher = {
      ...silent,
      runBegins: (_: Plan, pending: readonly Plan[]) => pendingCounts.push(pending.length),
    }
    const { results } = await runAll(options, groupOf('broken', 'a'), async (plan) => resultOf(plan), watcher, never)
    expect(results.map(({ subject, round }) => `${subject}${round}`)).toEqual(['broken1', 'a1', 'a2', 'a3'])
    expect(pendingCounts).toEqual([6, 3, 2, 1])
  })

  it('begins no round that would not fit into the time, but always does one', async () => {
    const options = { rounds: 9, timeBudgetSeconds: 0.05 }
    expect(await runAll(options, groupOf('a'), slowly, silent, never)).toMatchObject({
      roundsDone: 1,
      stoppedBy: 'time-budget',
    })
  })

  it('keeps what was finished when it is interrupted', async () => {
    const options = { rounds: 2, timeBudgetSeconds: null }
    const controller = new AbortController()
    const run = async (plan: Plan) => {
      if (plan.subject === 'a') return resultOf(plan)
      controller.abort()
      throw new Error('ended')
    }
    const all = await runAll(options, groupOf('a', 'b'), run, silent, controller.signal)
    expect(all).toMatchObject({ roundsDone: 0, stoppedBy: 'signal' })
    expect(all.results).toHaveLength(1)
  })

  it('does not hide a fault of its own', async () => {
    const options = { rounds: 1, timeBudgetSeconds: null }
    await expect(runAll(options, groupOf('a'), fails, silent, never)).rejects.toThrow('a bug')
  })
})
