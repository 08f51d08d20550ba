/** Data folders whose process was killed at work. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { Strategy } from '../../../bench/tsdb/settings.ts'
import { expectedEngine } from '../../support/engine.ts'
import { type Series, series, union } from '../support/series.ts'

const program = fileURLToPath(new URL('fixtures/killed.mjs', import.meta.url))
const built = fileURLToPath(new URL('../../../out/bench/tsdb/database/database.js', import.meta.url))

export const START_MS = 1_700_000_000_000
const STEP_MS = 500
/** Commits that fixtures/killed.mjs has under way at once, at most. */
export const AT_ONCE = 3

/** The samples of one batch of fixtures/killed.mjs: a sample each for up to 50 series. */
export function batch(number: number): Series[] {
  return Array.from({ length: 1 + ((number * 7919) % 50) }, (_, i) => {
    return series({ __name__: 'up', instance: `host-${i}` }, [START_MS + number * STEP_MS + i, number])
  })
}

/** The samples of batches 0 to `count` - 1. */
export function batches(count: number): Series[] {
  return union(...Array.from({ length: count }, (_, number) => batch(number)))
}

/** When a process is killed: so many milliseconds after it told that so many batches are committed. */
export interface Moment {
  readonly commits: number
  readonly laterMs: number
}

/**
 * Has a process write to a database from batch `from` on, and kills it at a moment.
 *
 * @returns how many batches there are, from 0 on, whose commit had resolved
 */
export async function killedAt(folder: string, strategy: Strategy, from: number, moment: Moment): Promise<number> {
  expect(existsSync(built), `${built}: run npm run build`).toBe(true)
  const child = spawn(process.execPath, [program, folder, strategy, String(from)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ENGINE: expectedEngine() },
  })
  let told = ''
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
  const closed = once(child, 'close')
  const isOver = closed.then(() => true)
  while (told.split('\n').length <= moment.commits) {
    if (await Promise.race([isOver, once(child.stdout, 'data').then(() => false)])) break
  }
  await sleep(moment.laterMs)
  child.kill('SIGKILL')
  await closed
  expect({ signal: child.signalCode, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' })
  const numbers = told.trimEnd().split('\n').map(Number)
  expect(numbers).toEqual(numbers.map((_, i) => from + i))
  return from + numbers.length
}
