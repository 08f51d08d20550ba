import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type Engine } from '../../src/engine.ts'
import { isWatched, watchWrites } from './engine-watch.mjs'

// Runs before each test file, and before anything has loaded the addon: `engine.ts` does.

const early: Engine[] = []
let note = (engine: Engine): void => void early.push(engine)
watchWrites((engine) => note(engine))

const { checkEngines, endOfTest, noteEngine } = await import('./engine.ts')
const { binding } = await import('../../src/binding.ts')
for (const engine of early) noteEngine(engine)
note = noteEngine

beforeAll(() => {
  expect(isWatched(binding()), 'the addon was loaded before the watch on it began').toBe(true)
})

// Hooks run last in, first out: this one comes after those of the test file.
afterEach(endOfTest)
afterAll(checkEngines)
