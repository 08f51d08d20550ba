import type { Use } from './facts.ts'
import type { ClassSource, Module } from './source.ts'
import type { State } from './state.ts'
import type { Term, Value } from './values.ts'

/** In what surroundings an expression stands. */
export interface Frame {
  /** Before the name of each local variable. */
  readonly prefix: string
  readonly module: Module
  /** What `this` is. */
  readonly self: (Value & { kind: 'object' }) | null
  readonly owner: ClassSource | null
  /** Null in code; in a contract, whether it is assumed or shown. */
  readonly use: Use | null
  /** Contracts: the state that `old` speaks of. */
  readonly before: State | null
  /** Contracts: names that stand for values. */
  readonly bound: ReadonlyMap<string, Value>
  /** Contracts: whether this is said of an element that was spoken of elsewhere, and speaks of no others itself. */
  readonly silent: boolean
}

/** An expression's value, and the state behind it. */
export type Result = readonly [Value, State]

export function intOf(value: Value): Term {
  if (value.kind !== 'int') throw new Error(`a ${value.kind} where a number is expected`)
  return value.term
}

export function fail(node: { start: number }, frame: Frame, what: string): never {
  throw new Error(`${frame.module.placeOf(node)}: ${what} is outside of the verified subset`)
}
