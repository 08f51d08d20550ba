import { execFile } from 'node:child_process'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { FIO_NAME, Fio } from '../ceiling/fio.ts'
import { codeOf, messageOf } from '../errors.ts'
import { warmMemory } from '../measure/warm-memory.ts'
import type { NotRun } from '../run/result.ts'
import { timeLimitMsFor } from '../run/run-one.ts'
import { settle } from '../run/work-folder.ts'
import { WritingProcess } from '../run/writing-process.ts'
import { UnsupportedError } from '../subjects/subject.ts'
import { fileContentNamed } from '../workloads/index.ts'
import { throughputCases } from './cases.ts'
import { type DevicePlan, IDLE_WRITERS, type Measured, THROUGHPUT, type ThroughputMeasurement } from './result.ts'

/** Time for the disk to be done with what `sync` gave it, and for the processor to cool down. */
const PAUSE_MS = 300

export interface DeviceContext {
  /** Where files are written; it holds those of one run at a time. */
  readonly folder: string
  /** The script of the writing process, and the one that warms memory. */
  readonly runScript: URL
  readonly memoryScript: URL
  /** Aborted when the whole benchmark is to end. */
  readonly signal: AbortSignal
}

/**
 * Does one run in a process of its own, checks the file and removes it.
 *
 * @throws the signal's reason when the benchmark is ended meanwhile; whatever else goes wrong is a `failed` result.
 */
export async function runDevice<Measurement extends { readonly bytes: number }>(
  plan: DevicePlan,
  context: DeviceContext,
): Promise<Measured<Measurement> | NotRun> {
  const path = join(context.folder, 'device.data')
  const { signal, folder } = context
  try {
    signal.throwIfAborted()
    const isFio = plan.subject === FIO_NAME
    const measurement = isFio ? await runFio(plan, path, signal) : await runChild<Measurement>(plan, path, context)
    await checkFile(plan, path, measurement.bytes)
    return { ...(measurement as Measurement), ...plan, state: 'measured' }
  } catch (error) {
    signal.throwIfAborted()
    const state = error instanceof UnsupportedError ? 'unsupported' : 'failed'
    const { subject, workload, round } = plan
    const message = messageOf(error).replaceAll(`${folder}/`, '')
    return { state, subject, workload, situation: 'alone', round, code: codeOf(error), message }
  } finally {
    await rm(path, { force: true })
    await calmDown(folder)
  }
}

async function runFio(plan: DevicePlan, path: string, signal: AbortSignal): Promise<ThroughputMeasurement> {
  const fio = new Fio(path, plan.bytes)
  const ending = AbortSignal.any([signal, AbortSignal.timeout(timeLimitMsFor(plan))])
  const end = () => void fio.end()
  ending.addEventListener('abort', end, { once: true })
  try {
    const run = await fio.run(true)
    return {
      bytes: run.writtenBytes,
      seconds: run.seconds,
      cpuSeconds: run.cpuUserSeconds + run.cpuSystemSeconds,
      wholeCpuSeconds: run.wholeCpuSeconds,
      rssGrowthBytes: null,
      bufferBytes: null,
    }
  } finally {
    ending.removeEventListener('abort', end)
    await fio.end()
  }
}

async function runChild<Measurement>(plan: DevicePlan, path: string, context: DeviceContext): Promise<Measurement> {
  const { signal } = context
  const isCached = throughputCases.some(({ name, cached }) => name === plan.subject && cached)
  const memory = isCached ? await warmMemory(context.memoryScript, plan.bytes, signal) : null
  const limitMs = timeLimitMsFor(plan)
  const child = new WritingProcess<Measurement>(context.runScript, plan, path, limitMs, signal)
  try {
    const failure = await child.ready()
    await memory?.release()
    const report = failure ?? (await child.write())
    signal.throwIfAborted()
    if (report.state === 'written') return report
    if (report.state === 'unsupported') throw new UnsupportedError(report.code, report.message)
    throw Object.assign(new Error(report.message), { code: report.code })
  } finally {
    await memory?.release()
    await child.end()
  }
}

/** What loses data must not look fast. Of fio only the length is known. */
async function checkFile(plan: DevicePlan, path: string, bytes: number): Promise<void> {
  if (plan.workload === IDLE_WRITERS) return
  let wrong: string | null = null
  if (plan.subject === FIO_NAME) {
    const { size } = await stat(path)
    if (size !== plan.bytes) wrong = `the file is ${size} bytes long instead of ${plan.bytes}`
  } else {
    const content = contentOf(plan)
    if (content === null) return
    if (bytes !== plan.bytes) wrong = `it says to have written ${bytes} bytes instead of ${plan.bytes}`
    wrong ??= await fileContentNamed(content).check(path, plan.bytes)
  }
  if (wrong !== null) throw Object.assign(new Error(wrong), { code: 'ERR_WRONG_BYTES' })
}

function contentOf({ workload, subject }: DevicePlan): string | null {
  if (workload === THROUGHPUT) return throughputCases.find(({ name }) => name === subject)?.content ?? null
  return subject.split(' ', 1)[0] ?? null
}

/** Nothing of a run is left to be done in the next one. */
async function calmDown(folder: string): Promise<void> {
  await settle(folder)
  // Without sync(1) the rest of the machine stays as busy as it is; the folder itself has been synced.
  await promisify(execFile)('sync').catch(() => {})
  await sleep(PAUSE_MS)
}
