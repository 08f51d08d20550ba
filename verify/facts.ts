import type { State } from './state.ts'
import { and, compare, implies, not, type Term } from './values.ts'

/** Something that has to follow from all facts before it. */
export interface Obligation {
  readonly what: string
  readonly place: string
  /** True where it does not hold. */
  readonly violated: Term
  /** How many lines of the script are its premises. */
  readonly lines: number
  /** Whether it is to be shown that this can be, instead: premises that contradict each other prove everything. */
  readonly canBe?: boolean
  /** Further lines that matter to it alone: of the elements that it speaks of. */
  readonly own: readonly string[]
}

/** What is known of all elements of a list: of each, `body` holds under the guard. */
interface Rule {
  readonly guard: Term
  readonly lo: Term
  readonly hi: Term
  readonly body: (index: Term) => Term
}

type Sort = 'Int' | 'Bool' | '(Array Int Int)'

/** 2^53 - 1: no integer up to it is rounded. */
export const safeMax = '9007199254740991'

/**
 * The facts of one run, in the order in which they come up, as a script of SMT-LIB without quantifiers: a statement over
 * all elements of a list is given for each index that is spoken of. That leaves out facts, and so can fail to prove what
 * is true, but never proves what is not.
 */
export class Facts {
  readonly lines: string[] = []
  readonly obligations: Obligation[] = []
  #rules: Rule[] = []
  #indexes: Term[] = []
  #known = new Set<Term>()
  #names = new Map<Term, Term>()
  /** Lists that were there at first: of what they refer to, everything was made before `bound`. */
  readonly #lists: { array: Term; lo: Term; hi: Term; bound: Term }[] = []
  #count = 0
  /** Above 0: what is run is only looked at for what it changes. */
  #suspended = 0

  /** Runs `work` without a trace. */
  suspend<T>(work: () => T): T {
    this.#suspended++
    try {
      return work()
    } finally {
      this.#suspended--
    }
  }

  fresh(sort: Sort, hint = 'v'): Term {
    const name = `${hint.replaceAll(/[^A-Za-z0-9_]/g, '_')}!${this.#count++}`
    this.#add(`(declare-const ${name} ${sort})`)
    return name
  }

  /** A name for a term, so that it is not written out again and again. */
  named(term: Term, sort: Sort, hint = 'v'): Term {
    if (!term.startsWith('(') || /^\(- \d+\)$/.test(term)) return term
    const known = this.#names.get(term)
    if (known !== undefined) return known
    const name = this.fresh(sort, hint)
    this.#add(`(assert (= ${name} ${term}))`)
    if (this.#suspended === 0) this.#names.set(term, name)
    return name
  }

  assume(state: State, term: Term): void {
    this.#assert(implies(state.reached, term))
  }

  oblige(state: State, term: Term, what: string, place: string): void {
    this.claim(state, () => term, what, place)
  }

  /** As `oblige`: what is said and spoken of while the term is made is the obligation's own. */
  claim(state: State, termOf: () => Term, what: string, place: string): void {
    if (this.#suspended > 0) return
    const [rules, indexes] = [[...this.#rules], [...this.#indexes]]
    const [known, names] = [new Set(this.#known), new Map(this.#names)]
    const lines = this.lines.length
    const violated = and(state.reached, not(termOf()))
    const own = this.lines.splice(lines)
    this.#rules = rules
    this.#indexes = indexes
    this.#known = known
    this.#names = names
    if (violated !== 'false') this.obligations.push({ what, place, violated, lines, own })
  }

  /** To be shown: that this state can be reached. */
  possible(state: State, what: string, place: string): void {
    this.obligations.push({ what, place, violated: state.reached, lines: this.lines.length, own: [], canBe: true })
  }

  /** An integer that is not known, but safe. */
  freshInteger(hint?: string): Term {
    const term = this.fresh('Int', hint)
    this.assumeSafe(term)
    return term
  }

  assumeSafe(term: Term): void {
    this.#assert(isSafe(term))
  }

  /** A fact once, however often it comes up. */
  note(term: Term): void {
    if (this.#known.has(term) || this.#suspended > 0) return
    this.#known.add(term)
    this.#assert(term)
  }

  /** A list that is there at first, of which only is known that its elements are there. */
  givenList(array: Term, lo: Term, hi: Term, bound: Term): void {
    this.#lists.push({ array, lo, hi, bound })
  }

  /** What is known of an index whatever list it is of: what has been made since is no element of a list of before. */
  noteElement(at: Term): void {
    for (const { array, lo, hi, bound } of this.#lists) {
      const element = `(select ${array} ${at})`
      const inside = and(compare('<=', lo, at), compare('<', at, hi))
      this.note(implies(inside, and(compare('<=', '0', element), compare('<', element, bound))))
    }
  }

  /** Speaks of an element: all that is known of all of them is now said of it. */
  spokenOf(index: Term): void {
    if (this.#suspended > 0 || this.#indexes.includes(index)) return
    this.#indexes.push(index)
    for (const rule of this.#rules.slice()) this.#instance(rule, index)
  }

  /**
   * Whether `body` holds of all indexes in [lo, hi), as a truth value.
   *
   * @param use `assumed`: only what follows from its being true is of interest; `shown`: only from its being false
   */
  every(lo: Term, hi: Term, use: Use, body: (index: Term, use: Use) => Term): Term {
    const all = this.fresh('Bool', 'all')
    if (this.#suspended > 0) return all
    if (use !== 'shown') {
      const rule = { guard: all, lo, hi, body: (index: Term) => body(index, 'assumed') }
      this.#rules.push(rule)
      for (const index of this.#indexes.slice()) this.#instance(rule, index)
    }
    if (use !== 'assumed') {
      const exception = this.fresh('Int', 'some')
      this.spokenOf(exception)
      const within = and(compare('<=', lo, exception), compare('<', exception, hi))
      this.#assert(implies(not(all), and(within, not(body(exception, 'shown')))))
    }
    return all
  }

  /** Whether `body` holds of one index in [lo, hi) that has been spoken of. True says that there is one; false nothing. */
  some(lo: Term, hi: Term, use: Use, body: (index: Term) => Term): Term {
    return not(this.every(lo, hi, opposite(use), (index) => not(body(index))))
  }

  #instance({ guard, lo, hi, body }: Rule, index: Term): void {
    const within = and(guard, compare('<=', lo, index), compare('<', index, hi))
    if (within !== 'false') this.#assert(implies(within, body(index)))
  }

  #assert(term: Term): void {
    if (term !== 'true') this.#add(`(assert ${term})`)
  }

  #add(line: string): void {
    if (this.#suspended === 0) this.lines.push(line)
  }
}

/** What a statement is needed for. */
export type Use = 'assumed' | 'shown' | 'either'

export function opposite(use: Use): Use {
  if (use === 'either') return use
  return use === 'assumed' ? 'shown' : 'assumed'
}

export function isSafe(term: Term): Term {
  return and(compare('<=', `(- ${safeMax})`, term), compare('<=', term, safeMax))
}
