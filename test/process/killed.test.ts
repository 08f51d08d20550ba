import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { Strategy } from '../../src/index.ts'
import { randomNumbers } from '../support/bytes.ts'
import { enginesHere, expectEngine } from '../support/engine.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { strategiesInEffect, strategyInEffect } from '../support/mode.ts'
import { addonPath, packagePath } from './run-child.ts'

/**
 * A process that is killed in the middle of writing. The machine goes on, so what the kernel took is there: the file has to hold
 * every byte that flush or sync told of, in its place, and nothing that the program did not write.
 */

/** 400 in the long profile: `CRASHES=400`. */
const crashesEach = Number(process.env.CRASHES ?? 6)
const seed = Number(process.env.CRASH_SEED ?? 20_261_130)
/** How long a writer lives at most after it opened its file: some tens of flushes. */
const lifeMsMax = 120
const folder = temporaryFolder()
const program = fileURLToPath(new URL('fixtures/killed-writer.mjs', import.meta.url))
const strategies: Strategy[] = ['direct', 'dontcache', 'evict', 'buffered']

let told = 0

describe(`a process that is killed (CRASH_SEED=${seed})`, () => {
  describe.each(enginesHere())('by %s', (engine) => {
    beforeEach(() => expectEngine(engine))

    it.each(strategiesInEffect(...strategies))('%s: leaves every byte that it was told of', async (strategy) => {
      const next = randomNumbers(seed + strategies.indexOf(strategy))
      for (let crash = 0; crash < crashesEach; crash++) {
        const path = freshPath(folder)
        const lines = await killed(path, strategy, engine, 1 + next(2 ** 31), next(lifeMsMax))
        expect(lines[0]).toBe(`mode ${strategyInEffect(strategy)} ${engine}`)
        expectFile(path, lines.slice(1))
        rmSync(path)
      }
    })
  })

  afterAll(() => expect(told).toBeGreaterThan(crashesEach))
})

/** What it said before it was killed. */
async function killed(
  path: string,
  strategy: Strategy,
  engine: string,
  childSeed: number,
  lifeMs: number,
): Promise<string[]> {
  const child = spawn(process.execPath, [program, path, strategy, String(childSeed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ADDON: addonPath, PACKAGE: packagePath, ENGINE: engine },
  })
  let said = ''
  const opened = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      resolve()
    })
  })
  const closed = once(child, 'close')
  await Promise.race([opened, closed])
  await setTimeout(lifeMs)
  child.kill('SIGKILL')
  await closed
  expect(child.signalCode).toBe('SIGKILL')
  // A line that was cut off says nothing.
  return said.split('\n').slice(0, -1)
}

function expectFile(path: string, lines: readonly string[]): void {
  let writtenBytes = 0
  let patching: [number, number] | null = null
  const patched: [number, number][] = []
  for (const line of lines) {
    const [what, first, second] = line.split(' ')
    if (what === 'written') writtenBytes = Number(first)
    if (what === 'patching') patching = [Number(first), Number(second)]
    if (what !== 'patched') continue
    patched.push([Number(first), Number(second)])
    patching = null
  }
  if (writtenBytes > 0) told++
  const file = readFileSync(path)
  expect(file.byteLength).toBeGreaterThanOrEqual(writtenBytes)
  const shifts = new Uint8Array(file.byteLength)
  for (const [offset, length] of patched) shifts.fill(1, offset, offset + length)
  const [unsureFrom, unsureLength] = patching ?? [0, 0]
  const wrong = file.findIndex((byte, at) => {
    const given = (shift: number) => 1 + ((at + shift) % 251)
    if (byte === given(shifts[at] as number)) return false
    if (at >= unsureFrom && at < unsureFrom + unsureLength) return byte !== given(1)
    // Behind what it was told of may be padding, and what is not there yet.
    return at < writtenBytes || byte !== 0
  })
  expect({ wrong, writtenBytes }).toEqual({ wrong: -1, writtenBytes })
}
