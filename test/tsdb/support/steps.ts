/** Blocks made in a process of its own, which is killed on the way, or in which a call fails. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { Strategy } from '../../../bench/tsdb/settings.ts'
import { packagePath, resultOfChild, runChild } from '../../process/run-child.ts'
import type { BlockSettings } from './blocks.ts'
import { type Series, series } from './series.ts'

const fixture = new URL('../compaction/fixtures/steps.mjs', import.meta.url)

export interface Work {
  readonly action: 'compact' | 'cut'
  readonly dataFolder: string
  /** What is to be compacted. */
  readonly ulids?: readonly string[]
  readonly settings: BlockSettings
}

/** What came of work that was not killed. */
export interface WorkResult {
  /** Each call, and the last part of the path it was about. */
  readonly steps: readonly string[]
  /** The error's; `null`: there was none. */
  readonly code: string | null
  /** Files that are open and were not before. */
  readonly leftOpen: number
  readonly warnings: readonly string[]
  /** The strategy of the chunks, which only a compaction tells. */
  readonly inEffect: Strategy | null
}

/** Work in which one call gave EIO: the last of its steps that would have been made without that is not known. */
export interface FailedWork extends WorkResult {
  /** A copy of the data folder, in which it was done. */
  readonly folder: string
}

function argumentOf(work: Work, how: 'kill' | 'fail', killAt: number): string {
  return JSON.stringify({ ...work, how, killAt })
}

/** Does the work. Its steps are those that change something on the disk. */
export async function undisturbedWork(work: Work): Promise<WorkResult> {
  return await resultOfChild<WorkResult>(fixture, [argumentOf(work, 'kill', 0)])
}

/** Begins the work, and has it killed behind the step that is counted from 1. */
export async function killedWork(work: Work, step: number): Promise<void> {
  const { signal, stdout, stderr } = await runChild(fixture, [argumentOf(work, 'kill', step)])
  expect({ signal, stdout, stderr }).toEqual({ signal: 'SIGKILL', stdout: 'begun\n', stderr: '' })
}

/**
 * Does the work again and again, each time in a copy of the data folder, and lets one call after the other fail, also
 * those that only read. In the last one none did.
 */
export async function failedWorks(work: Work): Promise<FailedWork[]> {
  return await resultOfChild<FailedWork[]>(fixture, [argumentOf(work, 'fail', 0)], {
    timeLimitMs: 120_000,
    // They are part of the result instead.
    nodeArguments: ['--no-warnings'],
  })
}

/** Begins the work. @returns when it has begun */
async function begun(work: Work): Promise<{ child: ChildProcess; closed: Promise<unknown> }> {
  const child = spawn(process.execPath, [fileURLToPath(fixture), argumentOf(work, 'kill', 0)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PACKAGE: packagePath },
  })
  const closed = once(child, 'close')
  await once(child.stdout, 'data')
  return { child, closed }
}

/** How long the work takes, in about. */
export async function durationMsOf(work: Work): Promise<number> {
  const { child, closed } = await begun(work)
  const beginMs = performance.now()
  await closed
  expect(child.exitCode).toBe(0)
  return performance.now() - beginMs
}

/** Kills the work from outside, so long after it has begun, whatever it does at this moment. */
export async function interruptedWork(work: Work, afterMs: number): Promise<void> {
  const { child, closed } = await begun(work)
  await sleep(afterMs)
  child.kill('SIGKILL')
  await closed
}

/** What the action `cut` puts into its block. */
export const cutSeries: readonly Series[] = Array.from({ length: 5 }, (_, number) =>
  series({ number: String(number) }, ...Array.from({ length: 300 }, (__, i) => [i * 10, (number + i) / 7] as const)),
)
