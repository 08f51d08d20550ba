/**
 * One run in a process of its own, started by writing-process.ts: takes a plan and a path as arguments, says when it
 * is ready, writes the file once it is told to, sends a report and waits to be ended.
 */
import { once } from 'node:events'
import { codeOf, messageOf } from '../errors.ts'
import { watchEventLoop } from '../measure/event-loop.ts'
import { subjectNamed } from '../subjects/index.ts'
import { UnsupportedError } from '../subjects/subject.ts'
import { workloadNamed } from '../workloads/index.ts'
import type { ChildMeasurement, ChildMessage, ChildReport, RunPlan } from './result.ts'

// Ctrl-C reaches the whole process group; the parent decides what happens, and ends this process.
process.on('SIGINT', () => {})
// No parent any more: nobody would remove the file or take the result.
process.on('disconnect', () => process.exit(1))

async function measure(plan: RunPlan, path: string): Promise<ChildMeasurement> {
  const subject = subjectNamed(plan.subject)
  const prepared = workloadNamed(plan.workload).prepare(plan.bytes)
  const toldToBegin = once(process, 'message')
  send({ state: 'ready' })
  await toldToBegin
  const eventLoop = await watchEventLoop()

  const cpuAtStart = process.cpuUsage()
  const startedAtMs = performance.now()
  const sink = await subject.open(path)
  await prepared.writeInto(sink)
  const bytes = await sink.finish()
  const seconds = (performance.now() - startedAtMs) / 1e3
  const cpu = process.cpuUsage(cpuAtStart)

  return {
    bytes,
    seconds,
    cpuUserSeconds: cpu.user / 1e6,
    cpuSystemSeconds: cpu.system / 1e6,
    eventLoopDelayMsMax: await eventLoop.stop(),
  }
}

function send(message: ChildMessage): void {
  process.send?.(message)
}

async function report(plan: RunPlan, path: string): Promise<ChildReport> {
  try {
    return { state: 'written', ...(await measure(plan, path)) }
  } catch (error) {
    const state = error instanceof UnsupportedError ? 'unsupported' : 'failed'
    return { state, code: codeOf(error), message: messageOf(error) }
  }
}

const [planJson, path] = process.argv.slice(2)
if (planJson === undefined || path === undefined) throw new Error('started without a plan and a path')
const plan: RunPlan = JSON.parse(planJson)
send(await report(plan, path))
