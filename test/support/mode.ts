import { expect } from 'vitest'
import { directIsForced } from '../../src/force.ts'
import type { Strategy } from '../../src/index.ts'
import type { Writer } from '../../src/writer.ts'
import { expectedEngine } from './engine.ts'

/** The strategy that a writer has to be in when `asked` is asked for: FORCEDIRECTIO=1 makes all of them direct. */
export function strategyInEffect(asked: Strategy): Strategy {
  return directIsForced() ? 'direct' : asked
}

/** What is in effect when these are asked for, each once: for tests that take long and would be the same ones again. */
export function strategiesInEffect(...asked: Strategy[]): Strategy[] {
  return [...new Set(asked.map(strategyInEffect))]
}

/** Every test that is parametrised over strategies asserts the one it got, and the engine below it. */
export function expectMode(writer: Writer, asked: Strategy): void {
  expect(writer.mode.asked).toBe(asked)
  expect(writer.mode.inEffect).toBe(strategyInEffect(asked))
  expect(writer.mode.why === null).toBe(strategyInEffect(asked) === asked)
  expect(writer.engine).toBe(expectedEngine())
}
