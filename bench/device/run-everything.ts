import { FIO_NAME } from '../ceiling/fio.ts'
import { Progress } from '../report/progress.ts'
import type { NotRun } from '../run/result.ts'
import { runAll } from '../run/run-all.ts'
import { loopCases, throughputCases } from './cases.ts'
import { IDLE_WRITERS_BYTES, IDLE_WRITERS_COUNT } from './idle-writers.ts'
import type { DeviceOptions } from './options.ts'
import {
  type DeviceResults,
  EVENT_LOOP,
  IDLE_WRITERS,
  type IdleMeasurement,
  type LoopMeasurement,
  type Measured,
  THROUGHPUT,
  type ThroughputMeasurement,
} from './result.ts'
import { type DeviceContext, runDevice } from './run-one.ts'

/** Enough to tell a stall of the machine from one of ours: each run has thousands of timers already. */
const EVENT_LOOP_ROUNDS_MAX = 3

/** Runs all that was asked for, part by part; progress goes to standard error. Ends early when the signal says so. */
export async function runEverything(options: DeviceOptions, context: DeviceContext): Promise<DeviceResults> {
  const { only, pairs, bytes } = options
  const notRun: NotRun[] = []

  async function runPart<Measurement extends { readonly bytes: number; readonly seconds: number }>(
    part: { readonly name: string; readonly bytes: number },
    subjects: readonly string[],
    rounds: number,
  ): Promise<Measured<Measurement>[]> {
    const progress = new Progress(process.stderr)
    const run = runDevice<Measurement>
    try {
      const { results } = await runAll(
        { rounds, timeBudgetSeconds: null },
        [subjects.map((subject) => ({ subject, workload: part.name, bytes: part.bytes }))],
        (plan) => run(plan, context),
        progress,
        context.signal,
      )
      notRun.push(...results.filter((result): result is NotRun => result.state !== 'measured'))
      return results.filter((result): result is Measured<Measurement> => result.state === 'measured')
    } finally {
      progress.close()
    }
  }

  const inPairs = [FIO_NAME, ...throughputCases.map(({ name }) => name)].filter((name) => only.includes(name))
  const besideTimers = only.includes(EVENT_LOOP) ? loopCases.map(({ name }) => name) : []
  const idle = only.includes(IDLE_WRITERS) ? [`${IDLE_WRITERS_COUNT} writers`] : []
  const loopRounds = Math.min(pairs, EVENT_LOOP_ROUNDS_MAX)
  return {
    throughput: await runPart<ThroughputMeasurement>({ name: THROUGHPUT, bytes }, inPairs, pairs),
    eventLoop: await runPart<LoopMeasurement>({ name: EVENT_LOOP, bytes }, besideTimers, loopRounds),
    idleWriters: await runPart<IdleMeasurement>({ name: IDLE_WRITERS, bytes: IDLE_WRITERS_BYTES }, idle, 1),
    notRun,
  }
}
