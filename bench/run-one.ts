import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, messageOf } from './errors.ts'
import { FootprintSampler, type ResidentBytesOf } from './measure/footprint-sampler.ts'
import { touchMemory } from './measure/touch-memory.ts'
import type { ChildReport, NotRun, RunPlan, RunResult } from './result.ts'
import { MIB } from './units.ts'
import { workloadNamed } from './workloads/index.ts'

export interface RunContext {
  /** Where the file is written; it holds one file at a time. */
  readonly folder: string
  /** The script of the writing process, and the one that touches memory before it. */
  readonly runScript: URL
  readonly touchScript: URL
  readonly residentBytesOf: ResidentBytesOf
  /** How long a run may take; {@link timeLimitMsFor} unless a test has less patience. */
  readonly timeLimitMs: (bytes: number) => number
  /** Aborted when the whole benchmark is to end. */
  readonly signal: AbortSignal
}

/** The start of a process and a stall of the disk, generously. */
const TIME_LIMIT_BASE_MS = 30_000
/** Slower than a memory stick: who is slower hangs. */
const BYTES_PER_MS_MIN = (10 * MIB) / 1000
/** Enough of the last words of a crashed process to hold its error. */
const STDERR_CHARS_MAX = 2000

/** How long a run of this many bytes may take before it counts as hanging. */
export function timeLimitMsFor(bytes: number): number {
  return TIME_LIMIT_BASE_MS + bytes / BYTES_PER_MS_MIN
}

/**
 * Does one run: touches memory, starts the writing process, watches the file's footprint, takes the numbers, ends the
 * process, checks the file and removes it, so that the next run finds neither its pages nor its blocks.
 *
 * @throws the signal's reason when the benchmark is ended meanwhile; whatever else goes wrong is a `failed` result.
 */
export async function runOne(plan: RunPlan, context: RunContext): Promise<RunResult> {
  const path = join(context.folder, `${plan.workload}.data`)
  try {
    await touchMemory(context.touchScript, plan.bytes, context.signal)
    context.signal.throwIfAborted()
    return await writeAndMeasure(plan, path, context)
  } catch (error) {
    context.signal.throwIfAborted()
    return notRun(plan, 'failed', codeOf(error), messageOf(error))
  } finally {
    await removeAndSettle(path, context.folder)
  }
}

async function writeAndMeasure(plan: RunPlan, path: string, context: RunContext): Promise<RunResult> {
  const child = fork(context.runScript, [JSON.stringify(plan), path], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const sampler = new FootprintSampler(path, context.residentBytesOf)
  let sampledPeakBytes = 0
  let report: ChildReport
  let footprintResidualBytes = 0
  try {
    report = await reportOf(child, plan, context)
    sampledPeakBytes = await sampler.stop()
    if (report.state === 'written') footprintResidualBytes = await context.residentBytesOf(path)
  } finally {
    await end(child)
    await sampler.stop().catch(() => {})
  }
  if (report.state !== 'written') return notRun(plan, report.state, report.code, report.message)

  const wrong = await whatIsWrong(plan, path, report.bytes)
  if (wrong !== null) return notRun(plan, 'failed', 'ERR_WRONG_BYTES', wrong)
  return {
    ...plan,
    state: 'measured',
    seconds: report.seconds,
    cpuUserSeconds: report.cpuUserSeconds,
    cpuSystemSeconds: report.cpuSystemSeconds,
    // What is left was there before the end too, whether or not a sample fell into that moment.
    footprintPeakBytes: Math.max(sampledPeakBytes, footprintResidualBytes),
    footprintResidualBytes,
    eventLoopDelayMsMax: report.eventLoopDelayMsMax,
  }
}

/** The process's one message, or a failure made of how it ended without any. */
async function reportOf(child: ChildProcess, plan: RunPlan, context: RunContext): Promise<ChildReport> {
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARS_MAX)
  })
  const limitMs = context.timeLimitMs(plan.bytes)
  const tooLong = AbortSignal.timeout(limitMs)
  const ending = AbortSignal.any([context.signal, tooLong])
  const kill = () => child.kill('SIGKILL')
  ending.addEventListener('abort', kill, { once: true })
  try {
    const report = await Promise.race([
      once(child, 'message').then(([message]: ChildReport[]) => message),
      // 'close' comes after 'exit', when stderr has been read to its end.
      once(child, 'close').then(() => undefined),
    ])
    context.signal.throwIfAborted()
    return report ?? failureOf(child, tooLong.aborted ? limitMs : null, stderr)
  } finally {
    ending.removeEventListener('abort', kill)
  }
}

/** @param hungMs how long it was waited for, when that is why it ended. */
function failureOf(child: ChildProcess, hungMs: number | null, stderr: string): ChildReport {
  if (hungMs !== null) {
    return {
      state: 'failed',
      code: 'ERR_TIME_LIMIT',
      message: `not done after ${Math.round(hungMs / 1e3)} s`,
    }
  }
  const how = child.signalCode === null ? `exit code ${child.exitCode}` : child.signalCode
  const message = withLastWords(`the process ended with ${how} before it was done`, stderr)
  return { state: 'failed', code: 'ERR_PROCESS_ENDED', message }
}

/** Adds the line of stderr that names the error, where there is one. */
function withLastWords(message: string, stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  const line = lines.find((text) => /\bError\b.*:/.test(text)) ?? lines.findLast((text) => text !== '')
  return line === undefined ? message : `${message}: ${line}`
}

/** It has said what it had to say, or never will. */
async function end(child: ChildProcess): Promise<void> {
  // `pid` is missing when the process could not be started at all.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** A subject that loses data must not look fast. */
async function whatIsWrong(plan: RunPlan, path: string, writtenBytes: number): Promise<string | null> {
  if (writtenBytes !== plan.bytes)
    return `it says to have written ${writtenBytes} bytes instead of ${plan.bytes}`
  return workloadNamed(plan.workload).check(path, plan.bytes)
}

/**
 * Drops the file with its cached pages. The folder's fsync commits that, so that freeing the blocks (on some mounts
 * also discarding them) is over before the next run and is not billed to it.
 */
async function removeAndSettle(path: string, folder: string): Promise<void> {
  await rm(path, { force: true })
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function notRun(plan: RunPlan, state: NotRun['state'], code: string, message: string): NotRun {
  return { state, subject: plan.subject, workload: plan.workload, round: plan.round, code, message }
}
