/** Runs the benchmark as a user does. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Report, reportSchema } from '../../bench/schema/report.ts'

const main = fileURLToPath(new URL('../../out/bench/main.js', import.meta.url))

/** Real runs of many processes, on a machine that also runs other tests. */
export const patienceMs = 120_000

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export function start(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  // A process group of its own: what is left of it can be asked for.
  const child = spawn(process.execPath, [main, ...args], {
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  const ended = once(child, 'close').then((): Ended => ({ code: child.exitCode, ...texts }))
  return { child, texts, ended }
}

export const bench = (...args: string[]): Promise<Ended> => start(args).ended

/** @throws when it is not in the form of a report */
export function readJson(path: string): Report {
  return reportSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
}
