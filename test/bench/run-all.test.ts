import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { RunPlan, RunResult } from '../../bench/run/result.ts'
import { runAll } from '../../bench/run/run-all.ts'
import { measured, notRun } from './runs.ts'

const workloads = [{ name: 'large', bytes: 100 }]
const silent = { runBegins() {}, runEnded() {} }
const fails = () => Promise.reject(new Error('a bug'))
const never = new AbortController().signal

async function slowly(plan: RunPlan): Promise<RunResult> {
  await sleep(60)
  return resultOf(plan)
}

function resultOf(plan: RunPlan): RunResult {
  const { subject, round } = plan
  return subject === 'broken' ? notRun({ subject, round, state: 'failed' }) : measured({ subject, round })
}

describe('runAll', () => {
  it('interleaves the rounds', async () => {
    const options = { rounds: 2, timeBudgetSeconds: null, subjects: ['a', 'b'] }
    const order: string[] = []
    const run = async (plan: RunPlan) => {
      order.push(`${plan.subject}${plan.round}`)
      return resultOf(plan)
    }
    const all = await runAll(options, workloads, run, silent, never)
    expect(order).toEqual(['a1', 'b1', 'b2', 'a2'])
    expect(all).toMatchObject({ roundsDone: 2, stoppedBy: null })
    expect(all.results).toHaveLength(4)
  })

  it('does not try again what has failed, and keeps everything else', async () => {
    const options = { rounds: 3, timeBudgetSeconds: null, subjects: ['broken', 'a'] }
    const pendingCounts: number[] = []
    const watcher = {
      ...silent,
      runBegins: (_: RunPlan, pending: readonly RunPlan[]) => pendingCounts.push(pending.length),
    }
    const { results } = await runAll(options, workloads, async (plan) => resultOf(plan), watcher, never)
    expect(results.map(({ subject, round }) => `${subject}${round}`)).toEqual(['broken1', 'a1', 'a2', 'a3'])
    expect(pendingCounts).toEqual([6, 3, 2, 1])
  })

  it('begins no round that would not fit into the time, but always does one', async () => {
    const options = { rounds: 9, timeBudgetSeconds: 0.05, subjects: ['a'] }
    expect(await runAll(options, workloads, slowly, silent, never)).toMatchObject({
      roundsDone: 1,
      stoppedBy: 'time-budget',
    })
  })

  it('keeps what was finished when it is interrupted', async () => {
    const options = { rounds: 2, timeBudgetSeconds: null, subjects: ['a', 'b'] }
    const controller = new AbortController()
    const run = async (plan: RunPlan) => {
      if (plan.subject === 'a') return resultOf(plan)
      controller.abort()
      throw new Error('ended')
    }
    const all = await runAll(options, workloads, run, silent, controller.signal)
    expect(all).toMatchObject({ roundsDone: 0, stoppedBy: 'signal' })
    expect(all.results).toHaveLength(1)
  })

  it('does not hide a fault of its own', async () => {
    const options = { rounds: 1, timeBudgetSeconds: null, subjects: ['a'] }
    await expect(runAll(options, workloads, fails, silent, never)).rejects.toThrow('a bug')
  })
})
