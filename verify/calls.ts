import type { Node } from 'oxc-parser'
import type { Evaluator } from './evaluate.ts'
import { type Frame, fail, intOf, type Result } from './frame.ts'
import { type ClassSource, type Clause, nameOf, type Routine } from './source.ts'
import { type State, withHeap, withSlot } from './state.ts'
import { and, arithmetic, bool, compare, int, ite, type Term, undefinedValue, type Value } from './values.ts'

type Call = Node & { type: 'CallExpression' | 'NewExpression' }

/** Calls: of the few functions of JavaScript in the subset, of what a contract can say, and of the program's own. */
export function callOf(evaluator: Evaluator, node: Call, state: State, frame: Frame): Result {
  const { callee } = node
  if (node.type === 'NewExpression') return construct(evaluator, node, state, frame)
  if (callee.type === 'Identifier') {
    if (callee.name === 'old' && frame.before !== null) {
      return [evaluator.evaluate(argument(node, 0), earlier(state, frame), frame)[0], state]
    }
    const routine = evaluator.program.functionNamed(callee.name, frame.module)
    if (routine === undefined) return fail(node, frame, `the function ${callee.name}`)
    return invoke(evaluator, routine, null, node, state, frame)
  }
  if (callee.type !== 'MemberExpression' || callee.computed) return fail(node, frame, 'calling this')
  const name = nameOf(callee.property)
  if (callee.object.type === 'Identifier' && callee.object.name === 'Math')
    return extreme(evaluator, name, node, state, frame)
  const [object, next] = evaluator.evaluate(callee.object, state, frame)
  if (object.kind === 'list')
    return listCall(evaluator, { name, list: object, target: callee.object, node }, next, frame)
  if (object.kind !== 'object') return fail(node, frame, `calling ${name} of a ${object.kind}`)
  const routine = evaluator.program.classNamed(object.className).routines.get(name)
  if (routine === undefined) return fail(node, frame, `the method ${name}`)
  return invoke(evaluator, routine, object, node, next, frame)
}

/** The state that `old` speaks of: what was then in fields and heap, under the present names of parameters. */
function earlier(state: State, frame: Frame): State {
  const before = frame.before as State
  return { ...before, slots: new Map([...state.slots, ...before.slots]) }
}

function argument(node: Call, index: number): Node {
  const found = node.arguments[index]
  if (found === undefined || found.type === 'SpreadElement') throw new Error('an argument is missing')
  return found
}

function extreme(evaluator: Evaluator, name: string, node: Call, state: State, frame: Frame): Result {
  if (name !== 'max' && name !== 'min') return fail(node, frame, `Math.${name}`)
  let next = state
  const terms = node.arguments.map((_, index) => {
    const [value, after] = evaluator.evaluate(argument(node, index), next, frame)
    next = after
    return intOf(value)
  })
  const better = name === 'max' ? '>=' : '<='
  const most = terms.reduce((a, b) => evaluator.facts.named(ite(compare(better, a, b), a, b), 'Int', name))
  return [int(most), next]
}

/** Runs a routine of the program on the values of its arguments. */
function invoke(
  evaluator: Evaluator,
  routine: Routine,
  self: (Value & { kind: 'object' }) | null,
  node: Call,
  state: State,
  frame: Frame,
): Result {
  const prefix = evaluator.program.freshPrefix()
  const inner: Frame = { ...frame, prefix, module: routine.module, self, owner: routine.owner, bound: new Map() }
  let next = state
  for (const [index, parameter] of routine.node.params.entries()) {
    const [value, after] = evaluator.evaluate(argument(node, index), next, frame)
    next = withSlot(after, prefix + parameterName(parameter), evaluator.short(value))
  }
  if (frame.use !== null) return [evaluator.run(routine.node, next, inner)[0], state]
  // Methods of one's own are a part of what is shown.
  const isOther = self === null || self.id !== frame.self?.id
  if (isOther) demand(evaluator, routine.owner?.contract.invariant ?? [], routine, next, inner, node, frame)
  demand(evaluator, routine.contract.requires, routine, next, inner, node, frame)
  const [value, last] = evaluator.run(routine.node, next, inner)
  if (isOther) recall(evaluator, routine, value, next, last, inner)
  return [value, last]
}

/** What is shown of a routine elsewhere is known where it is called. */
function recall(
  evaluator: Evaluator,
  routine: Routine,
  result: Value,
  before: State,
  after: State,
  inner: Frame,
): void {
  const { facts } = evaluator
  const parameters = [...before.slots].filter(([slot]) => slot.startsWith(inner.prefix))
  const names = parameters.map(([slot, value]) => [slot.slice(inner.prefix.length), value] as const)
  const bound = new Map(names).set('result', result)
  const frame: Frame = { ...inner, use: 'assumed', before, bound }
  for (const { expression } of [...routine.contract.ensures, ...(routine.owner?.contract.invariant ?? [])]) {
    facts.assume(after, evaluator.truth(expression, after, frame)[0])
  }
}

/** Whoever calls has to fulfil what the contract asks for. */
function demand(
  evaluator: Evaluator,
  clauses: readonly Clause[],
  routine: Routine,
  state: State,
  inner: Frame,
  node: Node,
  frame: Frame,
): void {
  for (const { expression, text } of clauses) {
    const termOf = () => evaluator.truth(expression, state, { ...inner, use: 'shown', before: state })[0]
    evaluator.facts.claim(state, termOf, `${routine.name} requires ${text}`, frame.module.placeOf(node))
  }
}

export function parameterName(parameter: Node): string {
  const target = parameter.type === 'TSParameterProperty' ? parameter.parameter : parameter
  if (target.type !== 'Identifier') throw new Error(`a parameter that is a ${target.type}`)
  return target.name
}

interface ListCall {
  readonly name: string
  readonly list: Value & { kind: 'list' }
  /** What the list is a value of. */
  readonly target: Node
  readonly node: Call
}

function listCall(evaluator: Evaluator, call: ListCall, state: State, frame: Frame): Result {
  const { name, list, target, node } = call
  const { facts } = evaluator
  if (name === 'every' || name === 'some') return [quantified(evaluator, call, state, frame), state]
  if (name === 'slice' && node.arguments.length === 0) return [list, state]
  const [first, next] = evaluator.evaluate(argument(node, 0), state, frame)
  if (name === 'includes' && first.kind === 'ref') {
    const use = frame.use ?? 'either'
    const equals = (index: Term) => compare('=', `(select ${list.array} ${index})`, first.term)
    return [bool(facts.some(list.lo, list.hi, use, equals)), next]
  }
  if (name === 'push' && first.kind === 'ref') {
    const array = facts.named(`(store ${list.array} ${list.hi} ${first.term})`, '(Array Int Int)', 'list')
    const hi = facts.named(arithmetic('+', list.hi, '1'), 'Int', 'hi')
    facts.spokenOf(list.hi)
    facts.spokenOf(facts.named(arithmetic('-', list.hi, '1'), 'Int', 'last'))
    return [undefinedValue, evaluator.store(target, { ...list, array, hi }, next, frame)]
  }
  if (name === 'splice') return splice(evaluator, call, intOf(first), next, frame)
  return fail(node, frame, `${name} of a list`)
}

/** Takes out what stands at the beginning or the end. */
function splice(
  evaluator: Evaluator,
  { list, target, node }: ListCall,
  from: Term,
  state: State,
  frame: Frame,
): Result {
  const { facts } = evaluator
  const place = frame.module.placeOf(node)
  const length = arithmetic('-', list.hi, list.lo)
  const second = node.arguments.length > 1 ? argument(node, 1) : null
  if (second !== null && from !== '0') return fail(node, frame, 'splice in the middle')
  const [count, next] = second === null ? [int(from), state] : evaluator.evaluate(second, state, frame)
  const at = facts.named(arithmetic('+', list.lo, intOf(count)), 'Int', 'cut')
  const inside = and(compare('<=', '0', intOf(count)), compare('<=', intOf(count), length))
  facts.oblige(next, inside, 'no more is taken out than there is', place)
  facts.spokenOf(at)
  const [before, behind] = [
    { ...list, hi: at },
    { ...list, lo: at },
  ]
  const [taken, left] = second === null ? [behind, before] : [before, behind]
  return [taken, evaluator.store(target, left, next, frame)]
}

/** Whether a condition holds of every element, or of some. */
function quantified(evaluator: Evaluator, call: ListCall, state: State, frame: Frame): Value {
  const { list, node, name } = call
  const callback = argument(node, 0)
  if (callback.type !== 'ArrowFunctionExpression') return fail(node, frame, 'a condition that is no arrow function')
  const [element, index] = callback.params.map(parameterName)
  const body = expressionOf(callback)
  const holds = (at: Term, use: Frame['use'], silent: boolean): Term => {
    const bound = new Map(frame.bound)
    const inner = { ...frame, bound, use, silent }
    if (element !== undefined) bound.set(element, evaluator.element(list, at, inner))
    if (index !== undefined) bound.set(index, int(arithmetic('-', at, list.lo)))
    return evaluator.truth(body, state, inner)[0]
  }
  const { facts } = evaluator
  const use = frame.use ?? 'either'
  if (name === 'some') {
    return bool(facts.some(list.lo, list.hi, use, (at) => holds(at, 'either', true)))
  }
  return bool(facts.every(list.lo, list.hi, use, (at, of) => holds(at, of, of === 'assumed')))
}

function expressionOf(callback: Node & { type: 'ArrowFunctionExpression' }): Node {
  const { body } = callback
  if (body.type === 'BlockStatement') throw new Error('a condition with statements')
  return body
}

/** Makes an object. */
function construct(evaluator: Evaluator, node: Call, state: State, frame: Frame): Result {
  if (node.callee.type !== 'Identifier') return fail(node, frame, 'making this')
  const source = evaluator.program.classNamed(node.callee.name)
  const values: Value[] = []
  let next = state
  for (const index of node.arguments.keys()) {
    const [value, after] = evaluator.evaluate(argument(node, index), next, frame)
    values.push(value)
    next = after
  }
  return source.isReference
    ? constructReference(evaluator, source, values, next, frame)
    : constructObject(evaluator, source, values, node, next, frame)
}

function constructReference(
  evaluator: Evaluator,
  source: ClassSource,
  values: readonly Value[],
  state: State,
  frame: Frame,
): Result {
  const { facts } = evaluator
  const parameters = source.routines.get('constructor')?.node.params.map(parameterName) ?? []
  const term = facts.named(state.nextRef, 'Int', 'ref')
  let next: State = { ...state, nextRef: facts.named(arithmetic('+', term, '1'), 'Int', 'ref') }
  for (const { name, initial } of source.fields.values()) {
    const given = values[parameters.indexOf(name)]
    const value = given ?? (initial === null ? undefined : evaluator.evaluate(initial, next, frame)[0])
    if (value === undefined) throw new Error(`${source.name}.${name} has no value at first`)
    const array = `(store ${next.heap.get(name)} ${term} ${intOf(value)})`
    next = withHeap(next, name, facts.named(array, '(Array Int Int)', name))
  }
  return [{ kind: 'ref', term, defined: 'true' }, next]
}

/** An object's fields that have a value before its constructor runs. */
export function withFirstValues(evaluator: Evaluator, start: State, frame: Frame, id: string): State {
  let state = start
  for (const { name, initial } of frame.owner?.fields.values() ?? []) {
    if (initial === null) continue
    const [value, next] = evaluator.evaluate(initial, state, frame)
    state = withSlot(next, `${id}.${name}`, value)
  }
  return state
}

function constructObject(
  evaluator: Evaluator,
  source: ClassSource,
  values: readonly Value[],
  node: Call,
  state: State,
  frame: Frame,
): Result {
  const { program } = evaluator
  const self = { kind: 'object', className: source.name, id: program.freshId(source.name) } as const
  const prefix = program.freshPrefix()
  const inner: Frame = { ...frame, prefix, module: source.module, self, owner: source, bound: new Map() }
  const routine = source.routines.get('constructor')
  let next = state
  for (const [index, parameter] of (routine?.node.params ?? []).entries()) {
    const value = values[index]
    if (value === undefined) return fail(node, frame, 'an argument that is left out')
    const name = parameterName(parameter)
    next = withSlot(next, prefix + name, value)
    if (parameter.type === 'TSParameterProperty') next = withSlot(next, `${self.id}.${name}`, value)
  }
  if (routine !== undefined) demand(evaluator, routine.contract.requires, routine, next, inner, node, frame)
  next = withFirstValues(evaluator, next, inner, self.id)
  if (routine !== undefined) next = evaluator.run(routine.node, next, inner)[1]
  return [self, next]
}
