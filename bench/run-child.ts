/**
 * One run in a process of its own, started by run-one.ts: takes a plan and a path as arguments, writes the file, sends
 * one message about it and waits to be ended.
 */
import { codeOf, messageOf } from './errors.ts'
import { watchEventLoop } from './measure/event-loop.ts'
import type { ChildMeasurement, ChildReport, RunPlan } from './result.ts'
import { subjectNamed } from './subjects/index.ts'
import { UnsupportedError } from './subjects/subject.ts'
import { workloadNamed } from './workloads/index.ts'

// Ctrl-C reaches the whole process group; the parent decides what happens, and ends this process.
process.on('SIGINT', () => {})
// No parent any more: nobody would remove the file or take the result.
process.on('disconnect', () => process.exit(1))

async function measure(plan: RunPlan, path: string): Promise<ChildMeasurement> {
  const subject = subjectNamed(plan.subject)
  const prepared = workloadNamed(plan.workload).prepare(plan.bytes)
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
process.send?.(await report(plan, path))
