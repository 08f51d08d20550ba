/**
 * One run in a process of its own, started by writing-process.ts: takes a plan and a path as arguments, says when it
 * is ready, writes the file once it is told to, sends a report and waits to be ended.
 */
import { watchEventLoop } from '../measure/event-loop.ts'
import { subjectNamed } from '../subjects/index.ts'
import { workloadNamed } from '../workloads/index.ts'
import { getReady, runAsChild } from './child.ts'
import type { ChildMeasurement, RunPlan } from './result.ts'
import { workPlace } from './work-folder.ts'

async function measure(plan: RunPlan, path: string): Promise<ChildMeasurement> {
  const subject = subjectNamed(plan.subject)
  const prepared = await workloadNamed(plan.workload).prepare(subject, workPlace(plan, path))
  await getReady()
  const eventLoop = await watchEventLoop()

  const cpuAtStart = process.cpuUsage()
  const startedAtMs = performance.now()
  const { bytes, sampleCount, commits } = await prepared.run()
  const seconds = (performance.now() - startedAtMs) / 1e3
  const cpu = process.cpuUsage(cpuAtStart)

  return {
    bytes,
    seconds,
    cpuUserSeconds: cpu.user / 1e6,
    cpuSystemSeconds: cpu.system / 1e6,
    eventLoopDelayMsMax: await eventLoop.stop(),
    sampleCount: sampleCount ?? null,
    commits: commits ?? null,
  }
}

await runAsChild(measure)
