import { existsSync, readFileSync, rmSync } from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import { enginesHere, expectEngine, expectedEngine } from '../support/engine.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { type ChildEnd, resultOfChild, runChild } from './run-child.ts'

const folder = temporaryFolder()
const fixture = (name: string) => new URL(`fixtures/${name}.mjs`, import.meta.url)

// What fixtures/stages.mjs writes: the byte at an offset, and how many there are.
const byteAt = (offset: number) => 1 + (offset % 251)
const writtenLength = 11 * 251 * 1024 + 1234
const floodedLength = 4 * 16 * 251 * 4096
const block = 4096

const stages = [
  'opening',
  'opened',
  'buffered',
  'writing',
  'flushing',
  'syncing',
  'patching',
  'resetting',
  'failing',
  'ending',
  'ended',
] as const

/** How the child ends, and what has to be seen of that from outside. */
const endings: Record<string, Partial<ChildEnd>> = {
  exit: { code: 7, signal: null },
  throw: { code: 1, signal: null },
  kill: { code: null, signal: 'SIGKILL' },
  natural: { code: 0, signal: null },
  'worker-exit': { code: 0, signal: null },
  'worker-throw': { code: 0, signal: null },
  'worker-natural': { code: 0, signal: null },
  'worker-terminate': { code: 0, signal: null },
}

/** Whether everything under way was done before the end: nothing made the process or the worker stop early. */
const isQuiet = (ending: string) => ending.endsWith('natural')

async function endAt(stage: string, ending: string, strategy: string): Promise<Buffer> {
  const path = freshPath(folder)
  const env = { UNCACHED_IO_ENGINE: expectedEngine() }
  const end = await runChild(fixture('stages'), [path, stage, ending, strategy], { env })
  const { code, signal, hung } = end
  expect({ code, signal, hung }, end.stderr).toEqual({ ...endings[ending], hung: false })
  if (ending === 'throw') expect(end.stderr).toContain('nobody catches this')
  else expect(end.stderr).toBe('')
  const content = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
  rmSync(path, { force: true })
  rmSync(`${path}-next`, { force: true })
  return content
}

/** Every block is as it was given, or was not reached; nothing but zeros pads it. */
function expectOnlyGiven(content: Buffer): void {
  const rounded = Math.ceil((writtenLength + 1) / block) * block
  expect(content.byteLength).toBeLessThanOrEqual(rounded)
  for (let start = 0; start < content.byteLength; start += block) {
    const bytes = content.subarray(start, start + block)
    const given = Buffer.from(bytes.map((_, i) => (start + i < writtenLength ? byteAt(start + i) : 0)))
    // The stage `syncing` takes one byte more.
    if (start + block > writtenLength && start <= writtenLength) {
      const last = writtenLength - start
      expect([0, 1]).toContain(bytes[last] ?? 0)
      given.set(bytes.subarray(last, last + 1), last)
    }
    const unreached = bytes.every((byte) => byte === 0)
    expect(unreached || bytes.equals(given), `the block at ${start}`).toBe(true)
  }
}

/** What is in the file is the beginning of what was given, without a gap. */
function expectBeginning(content: Buffer): void {
  expectOnlyGiven(content)
  expect(content.includes(0)).toBe(false)
}

/** As `expectOnlyGiven`, for the many bytes of the stage `flooding`. */
function expectOnlyFlooded(content: Buffer): void {
  expect(content.byteLength).toBeLessThanOrEqual(floodedLength)
  const period = Buffer.from(Uint8Array.from({ length: 251 * block }, (_, offset) => byteAt(offset)))
  const nothing = Buffer.alloc(block)
  for (let start = 0; start < content.byteLength; start += block) {
    const bytes = content.subarray(start, start + block)
    const at = start % period.byteLength
    const given = bytes.equals(period.subarray(at, at + block))
    expect(given || bytes.equals(nothing), `the block at ${start}`).toBe(true)
  }
}

describe.each(enginesHere())('by %s', (engine) => {
  beforeEach(() => expectEngine(engine))

  describe.each(Object.keys(endings))('the end by %s', (ending) => {
    test.each(stages)('at the stage %s leaves only bytes that were given', async (stage) => {
      const content = await endAt(stage, ending, 'direct')
      if (isQuiet(ending)) expectBeginning(content)
      else expectOnlyGiven(content)
      if (stage === 'opening' || stage === 'opened' || stage === 'buffered') expect(content.byteLength).toBe(0)
      const complete = stage === 'ended' || (isQuiet(ending) && (stage === 'ending' || stage === 'resetting'))
      // The last buffer was not full, so nothing brought it to the file.
      if (isQuiet(ending) && stage === 'writing') expect(content.byteLength).toBe(10 * 256 * 1024)
      if (complete) expect(content.byteLength).toBe(writtenLength)
    })
  })

  describe.each(['evict', 'buffered'])('under %s', (strategy) => {
    test.each(['exit', 'throw', 'natural', 'worker-terminate'])('the end by %s is no different', async (ending) => {
      expectOnlyGiven(await endAt('writing', ending, strategy))
    })
  })

  test.each(Object.keys(endings))(
    'the end by %s leaves only bytes that were given of many large writes',
    async (ending) => {
      const content = await endAt('flooding', ending, 'direct')
      expectOnlyFlooded(content)
      if (isQuiet(ending)) expect(content.byteLength).toBe(floodedLength)
    },
  )

  const env = { UNCACHED_IO_ENGINE: engine }
  const own = temporaryFolder()

  test('fifty workers one after the other leave no thread and no descriptor', async () => {
    const left = await resultOfChild(fixture('workers'), [own], { timeLimitMs: 55_000, env })
    expect(left).toEqual({ codes: Array.from({ length: 50 }, () => 0), threads: 0, openFiles: 0 })
    for (let i = 0; i < 50; i += 3) {
      expect(readFileSync(`${own}/worker-${i}`).equals(Buffer.alloc(100_001, 1 + i))).toBe(true)
    }
  })

  test('workers terminated in the middle of calls take nothing else down', async () => {
    const left = await resultOfChild(fixture('terminations'), [own], { timeLimitMs: 55_000, env })
    expect(left).toEqual({ openFiles: 0 })
  })
})
