import type { Function as FunctionNode, Node } from 'oxc-parser'
import { Evaluator } from './evaluate.ts'
import type { Facts } from './facts.ts'
import { type Frame, fail, intOf, type Result } from './frame.ts'
import type { Program } from './program.ts'
import { type Clause, nameOf, noContract } from './source.ts'
import { changed, merge, type State, under, withHeap, withSlot } from './state.ts'
import { and, arithmetic, bool, compare, int, not, type Term, undefinedValue, type Value } from './values.ts'

/** The ways out of a statement: to the next one, or somewhere else. */
interface Ways {
  readonly on: State
  readonly returns: readonly (readonly [Value, State])[]
  readonly breaks: readonly State[]
}

/** Statements. */
export class Executor {
  readonly evaluator: Evaluator
  /** What `old` speaks of in the routine that is run. */
  #entries: State[] = []

  constructor(
    private readonly facts: Facts,
    program: Program,
  ) {
    this.evaluator = new Evaluator(facts, program, (node, state, frame) => this.run(node, state, frame))
  }

  /** Runs the body of a routine, whose parameters are set. */
  run(node: FunctionNode, state: State, frame: Frame): Result {
    if (node.body === null) return fail(node, frame, 'a routine without a body')
    this.#entries.push(state)
    const { on, returns } = this.#all(node.body.body, state, frame)
    this.#entries.pop()
    const ends: (readonly [Value, State])[] = [...returns]
    if (on.reached !== 'false' && (returns.length === 0 || this.#mayFallThrough(node))) ends.push([undefinedValue, on])
    const [last, ...others] = ends.toReversed()
    if (last === undefined) return [undefinedValue, on]
    const [value, end] = others.reduce<Result>(([so, behind], [other, at]) => {
      const merged = this.#shortened(merge(at.reached, at, behind))
      return [this.#choose(at.reached, other, so), merged]
    }, last)
    return [value, withoutLocals(end, frame)]
  }

  /** A routine that gives nothing can return early. */
  #mayFallThrough(node: FunctionNode): boolean {
    const type = node.returnType?.typeAnnotation.type
    return type === undefined || type === 'TSVoidKeyword'
  }

  #choose(condition: Term, a: Value, b: Value): Value {
    const merged = merge(condition, one(a), one(b)).slots.get('value')
    return this.evaluator.short(merged ?? a)
  }

  #all(nodes: readonly Node[], state: State, frame: Frame): Ways {
    let on = state
    const returns: (readonly [Value, State])[] = []
    const breaks: State[] = []
    for (const node of nodes) {
      if (on.reached === 'false') break
      const ways = this.#statement(node, on, frame)
      returns.push(...ways.returns)
      breaks.push(...ways.breaks)
      on = ways.on
    }
    return { on, returns, breaks }
  }

  #statement(node: Node, state: State, frame: Frame): Ways {
    switch (node.type) {
      case 'BlockStatement':
        return this.#all(node.body, state, frame)
      case 'VariableDeclaration':
        return going(node.declarations.reduce((so, { id, init }) => this.#declare(id, init, so, frame), state))
      case 'ExpressionStatement':
        return going(this.evaluator.evaluate(node.expression, state, frame)[1])
      case 'ReturnStatement': {
        const result: Result =
          node.argument === null ? [undefinedValue, state] : this.evaluator.evaluate(node.argument, state, frame)
        return { on: unreached(state), returns: [result], breaks: [] }
      }
      case 'BreakStatement':
        return { on: unreached(state), returns: [], breaks: [state] }
      case 'IfStatement':
        return this.#if(node, state, frame)
      case 'ForOfStatement':
      case 'ForStatement':
      case 'WhileStatement':
        return this.#loop(node, state, frame)
      default:
        return fail(node, frame, node.type)
    }
  }

  #declare(id: Node, init: Node | null, state: State, frame: Frame): State {
    if (init === null) return fail(id, frame, 'a variable without a value')
    const [value, next] = this.evaluator.evaluate(init, state, frame)
    return this.#bind(id, value, next, frame)
  }

  #bind(id: Node, value: Value, state: State, frame: Frame): State {
    if (id.type === 'Identifier') return withSlot(state, frame.prefix + id.name, this.evaluator.short(value))
    if (id.type !== 'ObjectPattern') return fail(id, frame, id.type)
    let next = state
    for (const property of id.properties) {
      if (property.type !== 'Property') return fail(property, frame, property.type)
      const [field, after] = this.evaluator.field(value, nameOf(property.key), property, next, frame)
      next = this.#bind(property.value, field, after, frame)
    }
    return next
  }

  #if(node: Node & { type: 'IfStatement' }, state: State, frame: Frame): Ways {
    const [test, next] = this.evaluator.truth(node.test, state, frame)
    const condition = this.facts.named(test, 'Bool', 'if')
    const yes = this.#statement(node.consequent, this.#under(next, condition), frame)
    const no: Ways =
      node.alternate === null
        ? going(this.#under(next, not(condition)))
        : this.#statement(node.alternate, this.#under(next, not(condition)), frame)
    return {
      on: this.#shortened(merge(condition, yes.on, no.on)),
      returns: [...yes.returns, ...no.returns],
      breaks: [...yes.breaks, ...no.breaks],
    }
  }

  #under(state: State, condition: Term): State {
    const next = under(state, condition)
    return { ...next, reached: this.facts.named(next.reached, 'Bool', 'at') }
  }

  /** The same state with names for what is long. */
  #shortened(state: State): State {
    const slots = new Map([...state.slots].map(([slot, value]) => [slot, this.#short(value)]))
    const heap = new Map(
      [...state.heap].map(([field, term]) => [field, this.facts.named(term, '(Array Int Int)', field)]),
    )
    const reached = this.facts.named(state.reached, 'Bool', 'at')
    return { reached, slots, heap, nextRef: this.facts.named(state.nextRef, 'Int', 'ref') }
  }

  #short(value: Value): Value {
    const { facts } = this
    if (value.kind === 'list') {
      const array = facts.named(value.array, '(Array Int Int)', 'list')
      return { kind: 'list', array, lo: facts.named(value.lo, 'Int', 'lo'), hi: facts.named(value.hi, 'Int', 'hi') }
    }
    if (value.kind === 'record') {
      return { kind: 'record', fields: new Map([...value.fields].map(([name, field]) => [name, this.#short(field)])) }
    }
    return this.evaluator.short(value)
  }

  #loop(node: Loop, state: State, frame: Frame): Ways {
    const contract = frame.module.loops.get(node.start) ?? noContract
    if (frame.use !== null) return fail(node, frame, 'a loop in what a contract speaks of')
    const begun = this.#begin(node, state, frame)
    if (contract.invariant.length === 0) return fail(node, frame, 'a loop without an @invariant')
    this.#claim(contract.invariant, begun, frame, 'at first')
    // Looked at for what it changes; all that is then known of these is the invariant.
    const once = this.facts.suspend(() => this.#round(node, begun, frame))
    const any = this.#forgotten(begun, [once.on, ...once.breaks], node, frame)
    this.#suppose(contract.invariant, any, frame)
    const round = this.#round(node, any, frame)
    this.#claim(contract.invariant, round.on, frame, 'after a round')
    this.#decreases(contract.decreases, node, any, round.on, frame)
    if (round.returns.length > 0) return fail(node, frame, 'a return inside a loop')
    return { on: this.#ends([round.over, ...round.breaks]), returns: [], breaks: [] }
  }

  #ends(states: readonly State[]): State {
    const [last, ...others] = states.toReversed() as [State, ...State[]]
    return this.#shortened(others.reduce((so, at) => merge(at.reached, at, so), last))
  }

  /** What comes before the first round. */
  #begin(node: Loop, state: State, frame: Frame): State {
    if (node.type === 'WhileStatement') return state
    if (node.type === 'ForOfStatement') return withSlot(state, indexOf(frame), int(0))
    return node.init === null ? state : this.#statement(node.init, state, frame).on
  }

  /** One round: what is behind it, where it was left, and the state in which there is no further round. */
  #round(node: Loop, state: State, frame: Frame): Ways & { over: State } {
    if (node.type === 'ForOfStatement') return this.#roundOf(node, state, frame)
    if (node.test === null) return fail(node, frame, 'a loop without a condition')
    const [test, next] = this.evaluator.truth(node.test, state, frame)
    const condition = this.facts.named(test, 'Bool', 'go')
    const body = this.#statement(node.body, this.#under(next, condition), frame)
    const update = node.type === 'ForStatement' ? node.update : null
    const on =
      update === null || body.on.reached === 'false' ? body.on : this.evaluator.evaluate(update, body.on, frame)[1]
    return { ...body, on, over: this.#under(next, not(condition)) }
  }

  #roundOf(node: Node & { type: 'ForOfStatement' }, state: State, frame: Frame): Ways & { over: State } {
    const [list, next] = this.evaluator.evaluate(node.right, state, frame)
    if (list.kind !== 'list' || node.left.type !== 'VariableDeclaration') return fail(node, frame, 'this loop')
    const index = intOf(next.slots.get(indexOf(frame)) as Value)
    const at = this.facts.named(arithmetic('+', list.lo, index), 'Int', 'index')
    const inside = this.#under(next, compare('<', at, list.hi))
    const element = this.evaluator.element(list, at, frame)
    const id = node.left.declarations[0]?.id
    if (id === undefined) return fail(node, frame, 'this loop')
    const bound = this.#bind(id, { ...element, defined: 'true' } as Value, inside, frame)
    const body = this.#statement(node.body, bound, frame)
    const on = withSlot(body.on, indexOf(frame), int(this.facts.named(arithmetic('+', index, '1'), 'Int', 'index')))
    return { ...body, on, over: this.#under(next, not(compare('<', at, list.hi))) }
  }

  /** A state of which nothing is known that the loop changes. */
  #forgotten(before: State, after: readonly State[], node: Loop, frame: Frame): State {
    let state = before
    for (const later of after) {
      const { slots, heap } = changed(before, later)
      for (const slot of slots) state = withSlot(state, slot, this.#unknown(state.slots.get(slot) as Value, slot))
      for (const field of heap) state = withHeap(state, field, this.facts.fresh('(Array Int Int)', field))
    }
    if (node.type !== 'ForOfStatement') return state
    const index = this.facts.freshInteger('index')
    const [list] = this.evaluator.evaluate(node.right, state, frame)
    if (list.kind !== 'list') return state
    const within = and(compare('<=', '0', index), compare('<=', index, arithmetic('-', list.hi, list.lo)))
    this.facts.assume(state, within)
    return withSlot(state, indexOf(frame), int(index))
  }

  #unknown(value: Value, hint: string): Value {
    if (value.kind === 'int') return int(this.facts.freshInteger(hint))
    if (value.kind === 'bool') return bool(this.facts.fresh('Bool', hint))
    throw new Error(`a loop changes ${hint}, which is a ${value.kind}`)
  }

  #claim(clauses: readonly Clause[], state: State, frame: Frame, when: string): void {
    for (const { expression, text, place } of clauses) {
      const termOf = () => this.#said(expression, state, frame, 'shown')
      this.facts.claim(state, termOf, `invariant ${when}: ${text}`, place)
    }
  }

  #suppose(clauses: readonly Clause[], state: State, frame: Frame): void {
    for (const { expression } of clauses) this.facts.assume(state, this.#said(expression, state, frame, 'assumed'))
  }

  #said(expression: Node, state: State, frame: Frame, use: 'assumed' | 'shown'): Term {
    const before = this.#entries.at(-1) ?? state
    const index = state.slots.get(indexOf(frame))
    const bound = index === undefined ? frame.bound : new Map(frame.bound).set('index', index)
    return this.evaluator.truth(expression, state, { ...frame, use, before, bound })[0]
  }

  /** A loop comes to an end: of a list it does by itself. */
  #decreases(clauses: readonly Clause[], node: Loop, before: State, after: State, frame: Frame): void {
    if (node.type === 'ForOfStatement') return
    const [clause] = clauses
    if (clause === undefined) return fail(node, frame, 'a loop without @decreases')
    const measure = (state: State) =>
      intOf(this.evaluator.evaluate(clause.expression, state, { ...frame, use: 'shown' })[0])
    const [first, then] = [measure(before), measure(after)]
    const less = and(compare('<', then, first), compare('<=', '0', first))
    this.facts.oblige(after, less, `decreases ${clause.text}`, clause.place)
  }
}

type Loop = Node & { type: 'ForOfStatement' | 'ForStatement' | 'WhileStatement' }

/** Where the number of the round of a loop over a list stands. */
function indexOf(frame: Frame): string {
  return `${frame.prefix}(index)`
}

function going(on: State): Ways {
  return { on, returns: [], breaks: [] }
}

function unreached(state: State): State {
  return { ...state, reached: 'false' }
}

/** What is local to a routine is not in sight behind it. */
function withoutLocals(state: State, { prefix }: Frame): State {
  return { ...state, slots: new Map([...state.slots].filter(([slot]) => !slot.startsWith(prefix))) }
}

function one(value: Value): State {
  return { reached: 'true', slots: new Map([['value', value]]), heap: new Map(), nextRef: '0' }
}
