import { and, choose, ite, not, same, type Term, type Value } from './values.ts'

/** What holds at one point of a run: all variables and fields, and on what condition the run comes here. */
export interface State {
  /** The condition on which this point is reached. */
  readonly reached: Term
  /** Local variables, by frame and name, and fields of objects, by object and name. */
  readonly slots: ReadonlyMap<string, Value>
  /** The fields of what is referred to: arrays from references to integers. */
  readonly heap: ReadonlyMap<string, Term>
  /** References from here on are not in use. */
  readonly nextRef: Term
}

export function withSlot(state: State, slot: string, value: Value): State {
  return { ...state, slots: new Map(state.slots).set(slot, value) }
}

export function withHeap(state: State, field: string, array: Term): State {
  return { ...state, heap: new Map(state.heap).set(field, array) }
}

export function under(state: State, condition: Term): State {
  return { ...state, reached: and(state.reached, condition) }
}

/** The state where two ways come together; `condition` tells of which the run came. */
export function merge(condition: Term, a: State, b: State): State {
  if (a.reached === 'false') return b
  if (b.reached === 'false') return a
  const slots = new Map<string, Value>()
  for (const [slot, value] of a.slots) {
    const other = b.slots.get(slot)
    // A variable of one way only is not in sight behind it.
    if (other !== undefined) slots.set(slot, choose(condition, value, other))
  }
  const heap = new Map<string, Term>()
  for (const field of new Set([...a.heap.keys(), ...b.heap.keys()])) {
    heap.set(field, ite(condition, a.heap.get(field) as Term, b.heap.get(field) as Term))
  }
  return {
    reached: not(and(not(a.reached), not(b.reached))),
    slots,
    heap,
    nextRef: ite(condition, a.nextRef, b.nextRef),
  }
}

/** The slots and heap fields in which two states differ. */
export function changed(before: State, after: State): { slots: string[]; heap: string[] } {
  const slots = [...before.slots].filter(([slot, value]) => {
    const now = after.slots.get(slot)
    return now !== undefined && !same(value, now)
  })
  const heap = [...after.heap.keys()].filter((field) => before.heap.get(field) !== after.heap.get(field))
  return { slots: slots.map(([slot]) => slot), heap }
}
