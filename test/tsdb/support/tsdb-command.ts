/** The command line of the TSDB app, run as a user runs it. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { runChild } from '../../process/run-child.ts'

const main = fileURLToPath(new URL('../../../out/bench/tsdb/main.js', import.meta.url))
/** Columns that its lines may have. */
export const WIDTH_MAX = 100

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command. What it prints is not wider than a terminal, and of its errors none has a stack. */
export async function tsdb(...args: readonly string[]): Promise<Ended> {
  expect(existsSync(main), `${main}: run npm run build`).toBe(true)
  const { code, signal, hung, stdout, stderr } = await runChild(main, args)
  expect({ signal, hung }).toEqual({ signal: null, hung: false })
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(WIDTH_MAX)
  expect(stderr).not.toMatch(/^ +at /m)
  return { code, stdout, stderr }
}

/** Runs it to a good end. @returns what it prints but the time it took, line by line */
export async function linesOf(...args: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await tsdb(...args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const lines = stdout.trimEnd().split('\n')
  expect(lines.pop()).toMatch(/^\d+ s\.$/)
  return lines
}
