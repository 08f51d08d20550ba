import type { Function as FunctionNode, Node } from 'oxc-parser'
import { callOf } from './calls.ts'
import { type Facts, isSafe, opposite, type Use } from './facts.ts'
import { type Frame, fail, intOf, type Result } from './frame.ts'
import type { Program } from './program.ts'
import { nameOf } from './source.ts'
import { merge, type State, under, withHeap, withSlot } from './state.ts'
import {
  and,
  arithmetic,
  bool,
  choose,
  compare,
  int,
  ite,
  not,
  or,
  type Term,
  undefinedValue,
  type Value,
} from './values.ts'

/** Expressions. */
export class Evaluator {
  constructor(
    readonly facts: Facts,
    readonly program: Program,
    /** Runs a routine's body. */
    readonly run: (routine: FunctionNode, state: State, frame: Frame) => Result,
  ) {}

  evaluate(node: Node, state: State, frame: Frame): Result {
    switch (node.type) {
      case 'Literal':
        return [this.#literal(node), state]
      case 'Identifier':
        return [this.#variable(node.name, node, state, frame), state]
      case 'ThisExpression':
        return [frame.self ?? fail(node, frame, '`this` outside of a class'), state]
      case 'ParenthesizedExpression':
      case 'TSAsExpression':
        return this.evaluate(node.expression, state, frame)
      case 'MemberExpression':
        return this.#member(node, state, frame)
      case 'BinaryExpression':
        return this.#binary(node, state, frame)
      case 'LogicalExpression':
        return this.#logical(node, state, frame)
      case 'UnaryExpression':
        return this.#unary(node, state, frame)
      case 'ConditionalExpression':
        return this.#conditional(node, state, frame)
      case 'AssignmentExpression':
        return this.#assign(node, state, frame)
      case 'UpdateExpression': {
        const [before, next] = this.evaluate(node.argument, state, frame)
        const after = this.#sum('+', intOf(before), '1', node, next, frame)
        return [after, this.store(node.argument, after, next, frame)]
      }
      case 'ObjectExpression':
        return this.#object(node, state, frame)
      case 'ArrayExpression':
        if (node.elements.length > 0) return fail(node, frame, 'an array with elements')
        return [{ kind: 'list', array: this.facts.fresh('(Array Int Int)'), lo: '0', hi: '0' }, state]
      case 'CallExpression':
      case 'NewExpression':
        return callOf(this, node, state, frame)
      default:
        return fail(node, frame, node.type)
    }
  }

  /** A truth value; contracts: in the given use. */
  truth(node: Node, state: State, frame: Frame): readonly [Term, State] {
    const [value, next] = this.evaluate(node, state, frame)
    if (value.kind !== 'bool') return fail(node, frame, `a ${value.kind} as a condition`)
    return [value.term, next]
  }

  #literal(node: Node & { type: 'Literal' }): Value {
    if (typeof node.value === 'number' && Number.isSafeInteger(node.value)) return int(node.value)
    if (typeof node.value === 'boolean') return bool(String(node.value))
    if (typeof node.value === 'string') return int(this.program.codeOf(node.value))
    throw new Error(`the literal ${String(node.value)} is outside of the verified subset`)
  }

  #variable(name: string, node: Node, state: State, frame: Frame): Value {
    if (name === 'undefined') return undefinedValue
    const value = frame.bound.get(name) ?? state.slots.get(frame.prefix + name)
    if (value !== undefined) return value
    const constant = this.program.constant(name, frame.module)
    if (constant !== undefined) return this.evaluate(constant, state, frame)[0]
    return fail(node, frame, `the name ${name}`)
  }

  #member(node: Node & { type: 'MemberExpression' }, state: State, frame: Frame): Result {
    const [object, next] = this.evaluate(node.object, state, frame)
    if (node.computed) {
      const [index, last] = this.evaluate(node.property, next, frame)
      if (object.kind !== 'list') return fail(node, frame, `an element of a ${object.kind}`)
      const at = this.#named(arithmetic('+', object.lo, intOf(index)))
      return [this.element(object, at, frame), last]
    }
    const name = nameOf(node.property)
    if (object.kind === 'list' && name === 'length') return [int(arithmetic('-', object.hi, object.lo)), next]
    return this.field(object, name, node, next, frame)
  }

  /** The element of a list at an index of its array; undefined outside of the list. */
  element(list: Value & { kind: 'list' }, at: Term, frame: Frame): Value {
    if (!frame.silent) this.facts.spokenOf(at)
    const term = `(select ${list.array} ${at})`
    const inside = and(compare('<=', list.lo, at), compare('<', at, list.hi))
    this.facts.noteElement(at)
    return { kind: 'ref', term, defined: inside }
  }

  /** A field, or what a getter gives. */
  field(object: Value, name: string, node: Node, state: State, frame: Frame): Result {
    if (object.kind === 'record') return [object.fields.get(name) ?? fail(node, frame, `no field ${name}`), state]
    if (object.kind === 'ref') {
      this.#oblige(frame, state, object.defined, 'the element exists', node)
      const term = this.#named(
        `(select ${state.heap.get(name) ?? fail(node, frame, `no field ${name}`)} ${object.term})`,
      )
      this.facts.note(isSafe(term))
      const codes = this.program.codesOfField(name)
      if (codes.length > 0) this.facts.note(or(...codes.map((code) => compare('=', term, String(code)))))
      return [int(term), state]
    }
    if (object.kind !== 'object') return fail(node, frame, `the field ${name} of a ${object.kind}`)
    const stored = state.slots.get(`${object.id}.${name}`)
    if (stored !== undefined) return [stored, state]
    const owner = this.program.classNamed(object.className)
    const getter = owner.routines.get(name)
    if (getter?.kind !== 'get') return fail(node, frame, `no field ${name} in ${object.className}`)
    const inner = { ...frame, prefix: this.program.freshPrefix(), module: owner.module, self: object, owner }
    const [value] = this.run(getter.node, state, inner)
    return [value, state]
  }

  #named(term: Term): Term {
    return term.length > 60 ? this.facts.named(term, 'Int') : term
  }

  #oblige(frame: Frame, state: State, term: Term, what: string, node: Node): void {
    if (frame.use === null) this.facts.oblige(state, term, what, frame.module.placeOf(node))
  }

  #sum(operator: '+' | '-' | '*', a: Term, b: Term, node: Node, state: State, frame: Frame): Value {
    const term = this.#named(arithmetic(operator, a, b))
    this.#oblige(frame, state, isSafe(term), 'no number is rounded', node)
    return int(term)
  }

  #binary(node: Node & { type: 'BinaryExpression' }, state: State, frame: Frame): Result {
    const [a, middle] = this.evaluate(node.left, state, { ...frame, use: sides(node.operator, frame.use) })
    const [b, next] = this.evaluate(node.right, middle, { ...frame, use: sides(node.operator, frame.use) })
    const operator = node.operator
    switch (operator) {
      case '+':
      case '-':
      case '*':
        return [this.#sum(operator, intOf(a), intOf(b), node, next, frame), next]
      case '%':
        this.#oblige(
          frame,
          next,
          and(compare('<=', '0', intOf(a)), compare('<', '0', intOf(b))),
          '% of no negative number',
          node,
        )
        return [int(this.#named(arithmetic('mod', intOf(a), intOf(b)))), next]
      case '<':
      case '<=':
      case '>':
      case '>=':
        return [bool(compare(operator, intOf(a), intOf(b))), next]
      case '===':
        return [bool(equal(a, b)), next]
      case '!==':
        return [bool(not(equal(a, b))), next]
      default:
        return fail(node, frame, operator)
    }
  }

  #logical(node: Node & { type: 'LogicalExpression' }, state: State, frame: Frame): Result {
    const [a, middle] = this.truth(node.left, state, frame)
    const condition = node.operator === '&&' ? a : not(a)
    const [b, right] = this.truth(node.right, onlyIf(condition, middle, frame), frame)
    const next = frame.use === null ? { ...merge(condition, right, middle), reached: state.reached } : state
    return [bool(node.operator === '&&' ? and(a, b) : or(a, b)), next]
  }

  #unary(node: Node & { type: 'UnaryExpression' }, state: State, frame: Frame): Result {
    if (node.operator === '!') {
      const [term, next] = this.truth(node.argument, state, { ...frame, use: frame.use && opposite(frame.use) })
      return [bool(not(term)), next]
    }
    const [value, next] = this.evaluate(node.argument, state, frame)
    return [this.#sum('-', '0', intOf(value), node, next, frame), next]
  }

  #conditional(node: Node & { type: 'ConditionalExpression' }, state: State, frame: Frame): Result {
    const [condition, next] = this.truth(node.test, state, { ...frame, use: frame.use && 'either' })
    const [a, first] = this.evaluate(node.consequent, onlyIf(condition, next, frame), frame)
    const [b, second] = this.evaluate(node.alternate, onlyIf(not(condition), next, frame), frame)
    const value = choose(condition, a, b)
    return [value, frame.use === null ? merge(condition, first, second) : state]
  }

  #object(node: Node & { type: 'ObjectExpression' }, state: State, frame: Frame): Result {
    const fields = new Map<string, Value>()
    let next = state
    for (const property of node.properties) {
      if (property.type !== 'Property') return fail(property, frame, property.type)
      const [value, after] = this.evaluate(property.value, next, frame)
      fields.set(nameOf(property.key), value)
      next = after
    }
    return [{ kind: 'record', fields }, next]
  }

  #assign(node: Node & { type: 'AssignmentExpression' }, state: State, frame: Frame): Result {
    const [right, next] = this.evaluate(node.right, state, frame)
    if (node.operator === '=') return [right, this.store(node.left, right, next, frame)]
    const operator = node.operator.slice(0, -1) as '+' | '-' | '*'
    const [left, last] = this.evaluate(node.left, next, frame)
    const value = this.#sum(operator, intOf(left), intOf(right), node, last, frame)
    return [value, this.store(node.left, value, last, frame)]
  }

  /** The state after a value was assigned to what `target` names. */
  store(target: Node, value: Value, state: State, frame: Frame): State {
    if (target.type === 'Identifier') return withSlot(state, frame.prefix + target.name, this.short(value))
    if (target.type !== 'MemberExpression' || target.computed) return fail(target, frame, `assigning to ${target.type}`)
    const [object, next] = this.evaluate(target.object, state, frame)
    const name = nameOf(target.property)
    if (object.kind === 'object') return this.#storeField(`${object.id}.${name}`, value, next)
    if (object.kind !== 'ref') return fail(target, frame, `assigning to a field of a ${object.kind}`)
    this.#oblige(frame, next, object.defined, 'the element exists', target)
    const array = `(store ${next.heap.get(name) ?? fail(target, frame, `no field ${name}`)} ${object.term} ${intOf(value)})`
    return withHeap(next, name, this.facts.named(array, '(Array Int Int)', name))
  }

  #storeField(slot: string, value: Value, state: State): State {
    const there = state.slots.get(slot)
    if (value.kind !== 'object' || there?.kind !== 'object') return withSlot(state, slot, this.short(value))
    // Nothing else refers to either object: what is in the one is now in the other.
    const slots = new Map(state.slots)
    for (const [name, field] of state.slots) {
      if (name.startsWith(`${value.id}.`)) slots.set(there.id + name.slice(value.id.length), field)
    }
    return { ...state, slots }
  }

  /** The same value with a name for what is long. */
  short(value: Value): Value {
    if (value.kind === 'int') return int(this.facts.named(value.term, 'Int'))
    if (value.kind === 'bool') return bool(this.facts.named(value.term, 'Bool'))
    return value
  }
}

/** What a contract says has no steps, and so none that come under a condition. */
function onlyIf(condition: Term, state: State, frame: Frame): State {
  return frame.use === null ? under(state, condition) : state
}

/** In `a === b` of truth values each is of interest either way. */
function sides(operator: string, use: Use | null): Use | null {
  return use !== null && operator.endsWith('==') ? 'either' : use
}

function equal(a: Value, b: Value): Term {
  if (a.kind === 'undefined' || b.kind === 'undefined') {
    const other = a.kind === 'undefined' ? b : a
    if (other.kind === 'ref') return not(other.defined)
    return String(other.kind === 'undefined')
  }
  if (a.kind === 'ref' && b.kind === 'ref') {
    const both = and(a.defined, b.defined, compare('=', a.term, b.term))
    return ite(and(a.defined, b.defined), both, compare('=', a.defined, b.defined))
  }
  if (a.kind === 'int' && b.kind === 'int') return compare('=', a.term, b.term)
  if (a.kind === 'bool' && b.kind === 'bool') return compare('=', a.term, b.term)
  throw new Error(`a ${a.kind} compared with a ${b.kind}`)
}
