/**
 * One run in a process of its own, started by run-one.ts: takes a plan and a path as arguments, warms up, says that it is
 * ready, does its work once it is told to, sends a report and waits to be ended.
 */
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuSeconds } from '../measure/cpu-time.ts'
import { residentPeakBytes } from '../measure/resident-memory.ts'
import { getReady, runAsChild } from '../run/child.ts'
import { MIB } from '../units.ts'
import { caseNamed, type Job, loopCases, throughputCases, writeWith } from './cases.ts'
import { openIdleWriters } from './idle-writers.ts'
import { LoopProbe, type LoopReport } from './loop-probe.ts'
import {
  type DevicePlan,
  EVENT_LOOP,
  IDLE_WRITERS,
  type IdleMeasurement,
  type LoopMeasurement,
  type ThroughputMeasurement,
} from './result.ts'
import { SyncStretches } from './sync-stretches.ts'

/** At least, and a quarter of the file: V8 compiles what is done for each chunk of 1 MiB after some hundreds of them. */
const WARM_UP_BYTES_MIN = 64 * MIB
/** How long the event loop is watched with nothing to do, for comparison: about as long as writing takes. */
const IDLE_MS = 2000

type Measurement = ThroughputMeasurement | LoopMeasurement | IdleMeasurement

async function measureThroughput(plan: DevicePlan, path: string): Promise<ThroughputMeasurement> {
  const job = caseNamed(throughputCases, plan.subject).prepare()
  const rssAtStart = process.memoryUsage.rss()
  const cpuAtWarmUp = cpuSeconds()
  await warmUp(job, path, plan.bytes)
  const warmUpCpuSeconds = cpuSeconds() - cpuAtWarmUp
  await getReady()

  const cpuAtStart = cpuSeconds()
  const startedAtMs = performance.now()
  const { bytes, bufferBytes } = await job.write(path, plan.bytes)
  const seconds = (performance.now() - startedAtMs) / 1e3
  const cpuAtEnd = cpuSeconds()

  return {
    bytes,
    seconds,
    cpuSeconds: cpuAtEnd - cpuAtStart,
    wholeCpuSeconds: cpuAtEnd - warmUpCpuSeconds,
    rssGrowthBytes: growthSince(rssAtStart),
    bufferBytes,
  }
}

function growthSince(rssAtStart: number): number | null {
  const peakBytes = residentPeakBytes()
  return peakBytes === null ? null : peakBytes - rssAtStart
}

async function measureLoop(plan: DevicePlan, path: string): Promise<LoopMeasurement> {
  const loopCase = caseNamed(loopCases, plan.subject)
  const feed = loopCase.makeFeed()
  const way = { engine: loopCase.engine, preallocate: true }
  await warmUp({ write: (file, bytes) => writeWith(feed, way, file, bytes, new SyncStretches()) }, path, plan.bytes)
  await getReady()

  const idle = await watchLoop(path, () => sleep(IDLE_MS))
  const { alone: workAlone } = loopCase
  // The first quarter, which compiles it, is not watched.
  await workAlone?.(plan.bytes / 4)
  const alone = workAlone === null ? null : await watchLoop(path, () => workAlone(plan.bytes))

  const stretches = new SyncStretches()
  let bytes = 0
  let seconds = 0
  const writing = await watchLoop(path, async () => {
    const startedAtMs = performance.now()
    bytes = (await writeWith(feed, way, path, plan.bytes, stretches)).bytes
    seconds = (performance.now() - startedAtMs) / 1e3
  })
  return { bytes, seconds, idle, alone, writing, longestStretch: stretches.longest }
}

/** How the event loop, and a `stat` of the folder of `path`, do meanwhile. */
async function watchLoop(path: string, work: () => Promise<unknown>): Promise<LoopReport> {
  const probe = new LoopProbe(dirname(path))
  await work()
  return await probe.stop()
}

async function measureIdleWriters(path: string): Promise<IdleMeasurement> {
  await getReady()
  const rssAtStart = process.memoryUsage.rss()
  const startedAtMs = performance.now()
  const idle = await openIdleWriters(path)
  const seconds = (performance.now() - startedAtMs) / 1e3
  const rssGrowthBytes = process.memoryUsage.rss() - rssAtStart
  await idle.close()
  return { writers: idle.writers, bytes: idle.bytes, seconds, rssGrowthBytes }
}

async function warmUp(job: Job, path: string, fileBytes: number): Promise<void> {
  const warmUpPath = `${path}.warm-up`
  try {
    await job.write(warmUpPath, Math.max(WARM_UP_BYTES_MIN, Math.floor(fileBytes / 4 / MIB) * MIB))
  } finally {
    await rm(warmUpPath, { force: true })
  }
}

function measure(plan: DevicePlan, path: string): Promise<Measurement> {
  if (plan.workload === EVENT_LOOP) return measureLoop(plan, path)
  if (plan.workload === IDLE_WRITERS) return measureIdleWriters(path)
  return measureThroughput(plan, path)
}

await runAsChild(measure)
