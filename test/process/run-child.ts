import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { expectedEngine } from '../support/engine.ts'

const root = new URL('../../', import.meta.url)

/** What children load. Both stand in a clone after `npm ci`; stale ones are of no use, so they are asserted. */
export const addonPath = fileURLToPath(new URL('build/Release/uncached_io.node', root))
export const packagePath = fileURLToPath(new URL('dist/index.js', root))
export const cliPath = fileURLToPath(new URL('dist/cli.js', root))

export interface ChildEnd {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  /** Whether the child had to be killed because it did not end by itself. */
  hung: boolean
}

export interface ChildOptions {
  /** A command that runs Node, with what stands before Node's own path. */
  through?: readonly string[]
  nodeArguments?: readonly string[]
  env?: Record<string, string>
  timeLimitMs?: number
}

/** 30 s: the longest of the fixtures needs two on an idle machine; what takes this long hangs. An emulated one takes more. */
const defaultTimeLimitMs = 30_000 * Number(process.env.TIME_FACTOR ?? 1)

/** Runs a Node program to its end. `ENGINE` tells it what its writes have to go through. */
export async function runChild(
  program: string | URL,
  programArguments: readonly string[],
  { through = [], nodeArguments = [], env = {}, timeLimitMs = defaultTimeLimitMs }: ChildOptions = {},
): Promise<ChildEnd> {
  expect(existsSync(addonPath), `${addonPath}: run npm run build`).toBe(true)
  expect(existsSync(packagePath), `${packagePath}: run npm run build`).toBe(true)
  const file = program instanceof URL ? fileURLToPath(program) : program
  const [command = process.execPath, ...rest] = [
    ...through,
    process.execPath,
    ...nodeArguments,
    file,
    ...programArguments,
  ]
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ENGINE: expectedEngine(), ADDON: addonPath, PACKAGE: packagePath, ...env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  let hung = false
  const timer = setTimeout(() => {
    hung = true
    child.kill('SIGKILL')
  }, timeLimitMs)
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr, hung }))
    })
  } finally {
    clearTimeout(timer)
  }
}

/** Runs a fixture that is to end by itself with `code`, and gives what it printed as JSON on its last line. */
export async function resultOfChild<T>(
  program: string | URL,
  programArguments: readonly string[],
  options?: ChildOptions,
): Promise<T> {
  const end = await runChild(program, programArguments, options)
  expect({ code: end.code, signal: end.signal, hung: end.hung, stderr: end.stderr }).toEqual({
    code: 0,
    signal: null,
    hung: false,
    stderr: '',
  })
  return JSON.parse(end.stdout.trim().split('\n').at(-1) ?? '') as T
}
