/** A term of SMT-LIB, as text: an integer, a truth value or an array. */
export type Term = string

/** What an expression of the subset is to the solver. */
export type Value =
  | { readonly kind: 'int'; readonly term: Term }
  | { readonly kind: 'bool'; readonly term: Term }
  /** An object whose fields never change. */
  | { readonly kind: 'record'; readonly fields: ReadonlyMap<string, Value> }
  /** An object whose fields change and stand in the heap; undefined where `defined` is false. */
  | { readonly kind: 'ref'; readonly term: Term; readonly defined: Term }
  /** References: those at [lo, hi) of an array. */
  | { readonly kind: 'list'; readonly array: Term; readonly lo: Term; readonly hi: Term }
  /** An object that nothing else refers to: its fields are slots of the state. */
  | { readonly kind: 'object'; readonly className: string; readonly id: string }
  | { readonly kind: 'undefined' }

export const int = (term: Term | number): Value => ({ kind: 'int', term: numeral(term) })
export const bool = (term: Term): Value => ({ kind: 'bool', term })
export const undefinedValue: Value = { kind: 'undefined' }

export function numeral(value: Term | number): Term {
  if (typeof value === 'string') return value
  return value < 0 ? `(- ${-value})` : String(value)
}

const isNumeral = (term: Term): boolean => /^(\d+|\(- \d+\))$/.test(term)
const valueOf = (term: Term): bigint => (term.startsWith('(') ? -BigInt(term.slice(3, -1)) : BigInt(term))
const ofBigInt = (value: bigint): Term => (value < 0n ? `(- ${-value})` : String(value))

const folded: Record<string, (a: bigint, b: bigint) => bigint> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
}

/** Arithmetic; of two numerals it is done here. */
export function arithmetic(operator: '+' | '-' | '*' | 'mod', a: Term, b: Term): Term {
  const fold = folded[operator]
  if (fold !== undefined && isNumeral(a) && isNumeral(b)) return ofBigInt(fold(valueOf(a), valueOf(b)))
  if ((operator === '+' || operator === '-') && b === '0') return a
  if (operator === '+' && a === '0') return b
  if (operator === 'mod' && b === '1') return '0'
  return `(${operator} ${a} ${b})`
}

export function compare(operator: '<' | '<=' | '>' | '>=' | '=', a: Term, b: Term): Term {
  if (isNumeral(a) && isNumeral(b)) {
    const [x, y] = [valueOf(a), valueOf(b)]
    const holds = { '<': x < y, '<=': x <= y, '>': x > y, '>=': x >= y, '=': x === y }[operator]
    return String(holds)
  }
  if (a === b && operator !== '<' && operator !== '>') return 'true'
  return `(${operator} ${a} ${b})`
}

export function not(term: Term): Term {
  if (term === 'true') return 'false'
  if (term === 'false') return 'true'
  return term.startsWith('(not ') ? term.slice(5, -1) : `(not ${term})`
}

export function and(...terms: Term[]): Term {
  if (terms.includes('false')) return 'false'
  const left = [...new Set(terms.filter((term) => term !== 'true'))]
  if (left.length === 0) return 'true'
  return left.length === 1 ? (left[0] as Term) : `(and ${left.join(' ')})`
}

export function or(...terms: Term[]): Term {
  return not(and(...terms.map(not)))
}

export function implies(condition: Term, term: Term): Term {
  if (condition === 'true' || term === 'true') return term
  return condition === 'false' ? 'true' : `(=> ${condition} ${term})`
}

export function ite(condition: Term, a: Term, b: Term): Term {
  if (condition === 'true' || a === b) return a
  return condition === 'false' ? b : `(ite ${condition} ${a} ${b})`
}

/**
 * A value that is `a` where the condition holds and else `b`.
 *
 * @throws Error when they are of different kinds
 */
export function choose(condition: Term, a: Value, b: Value): Value {
  if (condition === 'true' || a === b) return a
  if (condition === 'false') return b
  const of = (x: Term, y: Term) => ite(condition, x, y)
  if ((a.kind === 'int' && b.kind === 'int') || (a.kind === 'bool' && b.kind === 'bool')) {
    return { kind: a.kind, term: of(a.term, b.term) }
  }
  if (a.kind === 'ref' && b.kind === 'ref') {
    return { kind: 'ref', term: of(a.term, b.term), defined: of(a.defined, b.defined) }
  }
  if (a.kind === 'list' && b.kind === 'list') {
    return { kind: 'list', array: of(a.array, b.array), lo: of(a.lo, b.lo), hi: of(a.hi, b.hi) }
  }
  if (a.kind === 'record' && b.kind === 'record') {
    const fields = [...a.fields].map(([name, value]) => [name, choose(condition, value, b.fields.get(name) ?? value)])
    return { kind: 'record', fields: new Map(fields as [string, Value][]) }
  }
  if (a.kind === b.kind && same(a, b)) return a
  throw new Error(`a ${a.kind} in one case and a ${b.kind} in the other`)
}

export function same(a: Value, b: Value): boolean {
  return a === b || JSON.stringify(plain(a)) === JSON.stringify(plain(b))
}

function plain(value: Value): unknown {
  return value.kind === 'record' ? [...value.fields].map(([name, field]) => [name, plain(field)]) : value
}
