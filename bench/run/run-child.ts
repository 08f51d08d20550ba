/**
 * One run in a process of its own, started by writing-process.ts: takes a plan and a path as arguments, warms up, says when
 * it is ready, writes the file once it is told to, sends a report and waits to be ended.
 */
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { watchEventLoop } from '../measure/event-loop.ts'
import { residentPeakBytes } from '../measure/resident-memory.ts'
import { NO_WRITER, subjectNamed } from '../subjects/index.ts'
import { workloadNamed } from '../workloads/index.ts'
import type { PreparedWorkload } from '../workloads/workload.ts'
import { getReady, runAsChild } from './child.ts'
import type { ChildMeasurement, RunPlan } from './result.ts'
import { workPlace } from './work-folder.ts'

async function measure(plan: RunPlan, path: string): Promise<ChildMeasurement> {
  await warmUp(plan, `${path}.warm-up`)
  const prepared = await prepare(plan, path)
  await getReady()
  const eventLoop = await watchEventLoop()

  const cpuAtStart = process.cpuUsage()
  const startedAtMs = performance.now()
  const { bytes, writeLatency, commitLatency, sampleCount } = await prepared.run()
  const seconds = (performance.now() - startedAtMs) / 1e3
  const cpu = process.cpuUsage(cpuAtStart)

  return {
    bytes,
    warmUpBytes: plan.warmUpBytes,
    seconds,
    cpuUserSeconds: cpu.user / 1e6,
    cpuSystemSeconds: cpu.system / 1e6,
    residentPeakBytes: residentPeakBytes(),
    eventLoopDelayMsMax: await eventLoop.stop(),
    writeLatency: writeLatency ?? null,
    commitLatency: commitLatency ?? null,
    sampleCount: sampleCount ?? null,
  }
}

async function prepare(plan: RunPlan, path: string): Promise<PreparedWorkload> {
  if (plan.subject === NO_WRITER) return { run: () => waitOnly(plan.idleSeconds) }
  return await workloadNamed(plan.workload).prepare(subjectNamed(plan.subject), workPlace(plan, path))
}

async function waitOnly(seconds: number) {
  await sleep(seconds * 1e3)
  return { bytes: 0 }
}

/** The same with less, and with nothing that would hold it up: what is compiled by then is not compiled while it counts. */
async function warmUp(plan: RunPlan, path: string): Promise<void> {
  if (plan.warmUpBytes === 0) return
  try {
    const prepared = await prepare({ ...plan, bytes: plan.warmUpBytes, bytesPerSecond: null }, path)
    await prepared.run()
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

await runAsChild(measure)
