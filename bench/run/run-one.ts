import { existsSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { FIO_NAME } from '../ceiling/fio.ts'
import { FioProcess } from '../ceiling/fio-process.ts'
import { codeOf, messageOf } from '../errors.ts'
import type { BlockDevice } from '../measure/device-io.ts'
import { FootprintSampler, type ResidentBytesOf } from '../measure/footprint-sampler.ts'
import type { MemoryCgroup } from '../measure/memory-cgroup.ts'
import { type WarmMemory, warmMemory } from '../measure/warm-memory.ts'
import { MIB } from '../units.ts'
import { workloadNamed } from '../workloads/index.ts'
import type { ChildReport, NotRun, RunPlan, RunResult, Surroundings } from './result.ts'
import { forgetPages } from './set-up.ts'
import { SurroundingsWatch } from './surroundings.ts'
import { runPath, settle, setUpFolderOf, workPlace } from './work-folder.ts'
import { type WriterFromOutside, WritingProcess } from './writing-process.ts'

export interface RunContext {
  /** Where the file is written; it holds one file at a time. */
  readonly folder: string
  /** The script of the writing process, and the one that warms memory for it. */
  readonly runScript: URL
  readonly memoryScript: URL
  readonly residentBytesOf: ResidentBytesOf
  /** A memory cgroup for one run; `null` where none can be had. */
  readonly makeCgroup: () => Promise<MemoryCgroup | null>
  /** The block device below the folder; `null` where it cannot be told. */
  readonly device: BlockDevice | null
  /** How long a run may take; {@link timeLimitMsFor} unless a test has less patience. */
  readonly timeLimitMs: (bytes: number) => number
  /** Aborted when the whole benchmark is to end. */
  readonly signal: AbortSignal
}

/** The start of a process and a stall of the disk, generously. */
const TIME_LIMIT_BASE_MS = 30_000
/** Slower than a memory stick: who is slower hangs. */
const BYTES_PER_MS_MIN = (10 * MIB) / 1000
/** How long a run of this many bytes may take before it counts as hanging. */
export function timeLimitMsFor(bytes: number): number {
  return TIME_LIMIT_BASE_MS + Math.ceil(bytes / BYTES_PER_MS_MIN)
}

/**
 * Does one run: warms memory, starts the writing process, watches the file's footprint, takes the numbers, ends the
 * process, checks the file and removes it, so that the next run finds neither its pages nor its blocks.
 *
 * @throws the signal's reason when the benchmark is ended meanwhile; whatever else goes wrong is a `failed` result.
 */
export async function runOne(plan: RunPlan, context: RunContext): Promise<RunResult> {
  const path = runPath(context.folder, plan.workload)
  try {
    return await runWarm(plan, path, context)
  } catch (error) {
    context.signal.throwIfAborted()
    return notRun(plan, { state: 'failed', code: codeOf(error), message: messageOf(error) })
  }
}

async function runWarm(plan: RunPlan, path: string, context: RunContext): Promise<RunResult> {
  const memory = await warmMemory(context.memoryScript, plan.bytes, context.signal)
  try {
    context.signal.throwIfAborted()
    await forgetSetUp(plan, context)
    const result = await writeAndMeasure(plan, path, context, memory)
    if (result.state === 'measured') return result
    // The work folder's random name tells nobody anything.
    return { ...result, message: result.message.replaceAll(`${context.folder}/`, '') }
  } finally {
    await memory.release()
    // Drops the file with its cached pages.
    await rm(path, { recursive: true, force: true })
    await settle(context.folder)
  }
}

async function writeAndMeasure(
  plan: RunPlan,
  path: string,
  context: RunContext,
  memory: WarmMemory,
): Promise<RunResult> {
  const { signal, residentBytesOf } = context
  const writing = startWriting(plan, path, context)
  const surroundings = new SurroundingsWatch(context.device)
  let report: ChildReport
  let sampler: FootprintSampler | undefined
  let footprintPeakBytes = 0
  let footprintResidualBytes = 0
  let around: Surroundings
  try {
    if (writing.pid !== undefined) await surroundings.putIntoCgroup(writing.pid, context.makeCgroup)
    const failure = await writing.ready()
    await memory.release()
    await surroundings.begin()
    sampler = new FootprintSampler(path, residentBytesOf)
    report = failure ?? (await writing.write())
    signal.throwIfAborted()
    around = await surroundings.end()
    if (report.state === 'written') {
      footprintResidualBytes = await residentBytesOf(path)
      // What is left was there before the end too, whether or not a sample fell into that moment.
      footprintPeakBytes = Math.max((await sampler?.stop()) ?? 0, footprintResidualBytes)
    }
  } finally {
    await writing.end()
    await sampler?.stop().catch(() => {})
    await surroundings.remove()
  }
  signal.throwIfAborted()
  if (report.state !== 'written') return notRun(plan, report)

  const wrong = await whatIsWrong(plan, path, report.bytes)
  if (wrong !== null) return notRun(plan, { state: 'failed', code: 'ERR_WRONG_BYTES', message: wrong })
  const { state: _, ...measurement } = report
  return { ...plan, state: 'measured', ...measurement, ...around, footprintPeakBytes, footprintResidualBytes }
}

function startWriting(plan: RunPlan, path: string, context: RunContext): WriterFromOutside {
  const limitMs = context.timeLimitMs(plan.bytes)
  return plan.subject === FIO_NAME
    ? new FioProcess(path, plan.bytes, limitMs, context.signal)
    : new WritingProcess(context.runScript, plan, path, limitMs, context.signal)
}

/** What the runs start from has to be read from the disk by each of them. */
async function forgetSetUp(plan: RunPlan, { folder }: RunContext): Promise<void> {
  const setUpFolder = setUpFolderOf(folder, plan.workload)
  if (existsSync(setUpFolder)) await forgetPages(setUpFolder)
}

/** A subject that loses data must not look fast. */
async function whatIsWrong(plan: RunPlan, path: string, writtenBytes: number): Promise<string | null> {
  if (plan.subject !== FIO_NAME) return workloadNamed(plan.workload).check(workPlace(plan, path), writtenBytes)
  // fio writes what it likes.
  const { size } = await stat(path)
  return size === plan.bytes ? null : `the file is ${size} bytes long instead of ${plan.bytes}`
}

function notRun(plan: RunPlan, report: Exclude<ChildReport, { state: 'written' }>): NotRun {
  const { subject, workload, round } = plan
  const { state, code, message } = report
  return { state, subject, workload, round, code, message }
}
