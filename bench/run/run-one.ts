import { existsSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { FIO_NAME, isFio } from '../ceiling/fio.ts'
import { FioProcess } from '../ceiling/fio-process.ts'
import { codeOf, messageOf } from '../errors.ts'
import type { BlockDevice } from '../measure/device-io.ts'
import type { MemoryCgroup } from '../measure/memory-cgroup.ts'
import { readBack } from '../measure/read-back.ts'
import type { SharedMemory } from '../measure/shared-memory.ts'
import { type WarmMemory, warmMemory } from '../measure/warm-memory.ts'
import type { ReadBack } from '../schema/run.ts'
import { NO_WRITER, subjectNamed } from '../subjects/index.ts'
import { MIB } from '../units.ts'
import { workloadNamed } from '../workloads/index.ts'
import { aloneStage, type NeighbourPlan, type Stage, stageWithNeighbour } from './beside.ts'
import type { ChildReport, MeasuredRun, NotRun, RunPlan, RunResult } from './result.ts'
import { forgetPages } from './set-up.ts'
import { RunWatch, type Surroundings } from './watch.ts'
import { runPath, settle, setUpFolderOf, workPlace } from './work-folder.ts'
import { type WriterFromOutside, WritingProcess } from './writing-process.ts'

export interface RunContext {
  /** Where the file is written; it holds one file at a time. */
  readonly folder: string
  /** The script of the writing process, and the one that warms memory for it. */
  readonly runScript: URL
  readonly memoryScript: URL
  /** A memory cgroup for one run; `null` where none can be had. */
  readonly makeCgroup: () => Promise<MemoryCgroup | null>
  /** Two of them under one limit, likewise. */
  readonly makeShared: (limitBytes: number) => Promise<SharedMemory | null>
  /** `null` when no run has a neighbour. */
  readonly neighbour: NeighbourPlan | null
  /** The block device below the folder; `null` where it cannot be told. */
  readonly device: BlockDevice | null
  /** Whether kernel threads can be seen. */
  readonly kernelThreads: boolean
  /** When the first run began, by `performance.now()`. */
  readonly startedAtMs: number
  /** How long a run may take; {@link timeLimitMsFor} unless a test has less patience. */
  readonly timeLimitMs: (plan: RunPlan) => number
  /** Aborted when the whole benchmark is to end. */
  readonly signal: AbortSignal
}

/** The start of a process and a stall of the disk, generously. */
const TIME_LIMIT_BASE_MS = 30_000
/** Slower than a memory stick: who is slower hangs. */
const BYTES_PER_MS_MIN = (10 * MIB) / 1000

/** How long a run of this many bytes may take before it counts as hanging. */
export function timeLimitMsFor({
  bytes,
  bytesPerSecond = null,
  idleSeconds = 0,
}: Pick<RunPlan, 'bytes'> & Partial<Pick<RunPlan, 'bytesPerSecond' | 'idleSeconds'>>): number {
  const throttledMs = bytesPerSecond === null ? 0 : (bytes / bytesPerSecond) * 1e3
  return TIME_LIMIT_BASE_MS + Math.ceil(bytes / BYTES_PER_MS_MIN + throttledMs + idleSeconds * 1e3)
}

/**
 * Does one run: warms memory, starts the writing process, watches what happens around it, ends the process, checks the
 * file and removes it, so that the next run finds neither its pages nor its blocks.
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
  const memory = await warmMemory(context.memoryScript, cachedBytesOf(plan, context), context.signal)
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
    // Left by a process that was ended while it warmed up.
    await rm(`${path}.warm-up`, { recursive: true, force: true })
    await settle(context.folder)
  }
}

/** Those that clean up behind themselves go on using the same memory: more than this was never in the cache at once. */
const CLEANED_UP_BYTES = 64 * MIB

/**
 * How much page cache the run is going to take at most. Memory is touched for that, which takes seconds; a direct writer takes
 * none, and nobody takes more than a limit that is shared.
 */
function cachedBytesOf({ subject, workload, situation, bytes }: RunPlan, { neighbour }: RunContext): number {
  if (subject === NO_WRITER || subject === FIO_NAME) return 0
  const limitBytes = situation === 'alone' ? Infinity : (neighbour?.limitBytes ?? Infinity)
  const claim = isFio(subject) ? null : subjectNamed(subject).claim
  // Beside others that are cached, what one subject claims is not all.
  if (claim === null || !workloadNamed(workload).writesOneFile) return Math.min(bytes, limitBytes)
  return claim.peakBytesMax === undefined ? Math.min(bytes, CLEANED_UP_BYTES, limitBytes) : 0
}

/** What came of the writing, and of what is around it. */
interface Written {
  readonly report: ChildReport
  readonly startedAtMs: number
  readonly surroundings: Surroundings
  readonly neighbour: MeasuredRun['neighbour']
}

async function writeAndMeasure(
  plan: RunPlan,
  path: string,
  context: RunContext,
  memory: WarmMemory,
): Promise<RunResult> {
  const stage = await setStage(plan, context)
  let written: Written
  try {
    written = await writeOnStage(plan, path, context, memory, stage)
  } finally {
    await stage.remove()
  }
  const { report, startedAtMs, surroundings, neighbour } = written
  if (report.state !== 'written') return notRun(plan, report)
  const { state: _, ...measurement } = report
  const leftShare = surroundings.footprint.residualBytes / Math.max(1, measurement.bytes)
  const read = await readBackAlone(plan, path, leftShare, context.signal)
  const wrong = await whatIsWrong(plan, path, measurement.bytes)
  if (wrong !== null) return notRun(plan, { state: 'failed', code: 'ERR_WRONG_BYTES', message: wrong })
  const { subject, workload, situation, round, point } = plan
  const who = { subject, workload, situation, round, point }
  return { state: 'measured', ...who, startedAtMs, ...measurement, ...surroundings, readBack: read, neighbour }
}

async function setStage({ situation }: RunPlan, context: RunContext): Promise<Stage> {
  const { neighbour, makeCgroup, makeShared, signal } = context
  if (situation === 'alone') return aloneStage(await makeCgroup())
  if (neighbour === null) throw new Error('there is no neighbour')
  return stageWithNeighbour(neighbour, await makeShared(neighbour.limitBytes), signal)
}

async function writeOnStage(
  plan: RunPlan,
  path: string,
  context: RunContext,
  memory: WarmMemory,
  stage: Stage,
): Promise<Written> {
  const { signal, device, kernelThreads } = context
  const writing = startWriting(plan, path, context)
  let watch: RunWatch | null = null
  try {
    // fio starts its processes by itself: they are in no cgroup of ours.
    const cgroup = writing.pid === undefined ? null : stage.writer
    if (writing.pid !== undefined) await cgroup?.add(writing.pid)
    const failure = await writing.ready()
    if (failure === null) await stage.before()
    await memory.release()
    watch = await RunWatch.begin({ path: footprintPath(plan, path), cgroup, device, kernelThreads })
    await stage.during()
    const startedAtMs = performance.now() - context.startedAtMs
    const report = failure ?? (await writing.write())
    signal.throwIfAborted()
    const isWritten = report.state === 'written'
    const surroundings = await watch.end(isWritten && plan.subject !== NO_WRITER)
    const neighbour = isWritten ? await stage.after() : null
    return { report: await explained(report, stage), startedAtMs, surroundings, neighbour }
  } finally {
    await writing.end()
    await watch?.stop()
    signal.throwIfAborted()
  }
}

/** A process that the kernel has killed because of the limit cannot say so. */
async function explained(report: ChildReport, stage: Stage): Promise<ChildReport> {
  if (report.state !== 'failed' || report.code !== 'ERR_PROCESS_ENDED') return report
  if ((await stage.oomKills()) === 0) return report
  return {
    ...report,
    code: 'ERR_OUT_OF_MEMORY',
    message: `killed at the memory limit that it shares: ${report.message}`,
  }
}

function startWriting(plan: RunPlan, path: string, context: RunContext): WriterFromOutside {
  const limitMs = context.timeLimitMs(plan)
  return isFio(plan.subject)
    ? new FioProcess(plan.subject, path, plan.bytes, limitMs, context.signal)
    : new WritingProcess(context.runScript, plan, path, limitMs, context.signal)
}

/** What the runs start from has to be read from the disk by each of them. */
async function forgetSetUp(plan: RunPlan, { folder }: RunContext): Promise<void> {
  const setUpFolder = setUpFolderOf(folder, plan.workload)
  if (existsSync(setUpFolder)) await forgetPages(setUpFolder)
}

function footprintPath(plan: RunPlan, path: string): string {
  return workloadNamed(plan.workload).footprintPath(workPlace(plan, path))
}

/** Of runs that leave one file. Beside a neighbour it would be read under another load. */
async function readBackAlone(
  plan: RunPlan,
  path: string,
  leftShare: number,
  signal: AbortSignal,
): Promise<ReadBack | null> {
  if (plan.situation !== 'alone' || !(await stat(path)).isFile()) return null
  return await readBack(path, leftShare, signal)
}

/** A subject that loses data must not look fast. */
async function whatIsWrong(plan: RunPlan, path: string, writtenBytes: number): Promise<string | null> {
  if (plan.subject === NO_WRITER) return writtenBytes === 0 ? null : 'it has written something'
  if (!isFio(plan.subject)) return workloadNamed(plan.workload).check(workPlace(plan, path), writtenBytes)
  // fio writes what it likes.
  const { size } = await stat(path)
  return size === plan.bytes ? null : `the file is ${size} bytes long instead of ${plan.bytes}`
}

function notRun(plan: RunPlan, report: Exclude<ChildReport, { state: 'written' }>): NotRun {
  const { subject, workload, situation, round } = plan
  const { state, code, message } = report
  return { state, subject, workload, situation, round, code, message }
}
