import { expect } from 'vitest'
import { binding } from '../../src/binding.ts'
import { type Engine, engines } from '../../src/engine.ts'

// Which engine brings the writes of a test to the kernel. Every test has one that it expects, and engine.setup.ts
// fails the test when a write goes another way, here or in a process that the test starts.

/** Asked for when the tests were started; tests may change the environment later. */
const asked = process.env.UNCACHED_IO_ENGINE ?? ''

/** What `auto` has to be in this run. */
export const engineOfRun: Engine = fromEnvironment()

/** What tests of the addon give to pwrite, so that they follow the run. */
export const throughRing: boolean = engineOfRun === 'io_uring'
if (throughRing) binding().startRing()

/** The name of a group of tests that need io_uring, with the reason for which it does not run. */
export function namedRing(name: string): string {
  const why = whyNoRing()
  return why === null ? name : `${name} (skipped: ${why})`
}

/** For tests that go through the engines: those that can be used here, or the one that was asked for. */
export function enginesHere(): readonly Engine[] {
  if (asked === 'io_uring' || asked === 'threads') return [asked]
  return engines.filter((engine) => engine === 'threads' || whyNoRing() === null)
}

/** Why io_uring can't be used here; null when it can. Sets it up to know. */
export function whyNoRing(): string | null {
  try {
    binding().startRing()
    return null
  } catch (error) {
    return `io_uring can't be used: ${String(error)}`
  }
}

function fromEnvironment(): Engine {
  if (asked === 'io_uring' || asked === 'threads') return asked
  if (asked !== '' && asked !== 'auto') throw new Error(`UNCACHED_IO_ENGINE is '${asked}'`)
  return whyNoRing() === null ? 'io_uring' : 'threads'
}

let allowed: readonly Engine[] = [engineOfRun]
const writes: Record<Engine, number> = { io_uring: 0, threads: 0 }

/** The engine that a writer is to have which asks for none, or that of the test if it declared one. */
export function expectedEngine(): Engine {
  return allowed[0] as Engine
}

/** Declares for the rest of a test, hooks included, which engines its writes go through: it chooses them itself. */
export function expectEngine(first: Engine, ...others: Engine[]): void {
  checkEngines()
  allowed = [first, ...others]
  tellChildren()
}

/** Sees a write. */
export function noteEngine(engine: Engine): void {
  writes[engine]++
}

/** How many writes of this process have gone through an engine since the test began or declared one. */
export function writesThrough(engine: Engine): number {
  return writes[engine]
}

/** Fails when a write since the last check went through an engine that is not expected. */
export function checkEngines(): void {
  const seen = { ...writes }
  for (const engine of engines) writes[engine] = 0
  const unexpected = engines.filter((engine) => seen[engine] > 0 && !allowed.includes(engine))
  expect(unexpected, `writes went another way than by ${allowed.join(' or ')}`).toEqual([])
}

/** To be called when a test ends. */
export function endOfTest(): void {
  try {
    checkEngines()
  } finally {
    allowed = [engineOfRun]
    tellChildren()
  }
}

const preload = new URL('engine-preload.mjs', import.meta.url).href

/** For the processes that a test starts: what they may do, and who watches them. */
function tellChildren(): void {
  process.env.UNCACHED_IO_TEST_ENGINES = allowed.join(',')
  const options = process.env.NODE_OPTIONS ?? ''
  if (!options.includes(preload)) process.env.NODE_OPTIONS = `${options} --import ${preload}`
}

tellChildren()
