import { parameterName } from './calls.ts'
import type { Frame } from './evaluate.ts'
import { Executor } from './execute.ts'
import { Facts, type Obligation } from './facts.ts'
import type { Program } from './program.ts'
import type { ClassSource, Routine } from './source.ts'
import type { Solver } from './solver.ts'
import { merge, type State, under, withSlot } from './state.ts'
import { Symbols } from './symbols.ts'
import { compare, or, type Term, type Value } from './values.ts'

/** More calls are not looked through: each takes longer than all before it. */
const callsMax = 6

/** How often a loop goes round at most, and so how many transfers there are at a time. */
const roundsMax = 3

/** A call with its arguments, as symbols. */
interface Call {
  readonly name: string
  /** True where it is this call that is made. */
  readonly made: Term
  readonly parameters: readonly (readonly [string, Term])[]
}

/** What goes wrong, and after which calls. */
export interface Counterexample {
  readonly calls: readonly string[]
  readonly what: string
  readonly place: string
}

/**
 * The shortest sequence of calls, from a file just opened, after which something does not hold that the proof was to show.
 *
 * @param className the class whose methods are called
 * @returns null when there is none of `callsMax` calls
 */
export async function counterexample(program: Program, className: string, solver: Solver): Promise<Counterexample | null> {
  const search = new Search(program, program.classNamed(className))
  search.open()
  for (let calls = 0; ; calls++) {
    const found = await search.violation(solver)
    if (found !== null || calls === callsMax) return found
    search.step()
  }
}

class Search {
  readonly #facts = new Facts()
  readonly #executor: Executor
  readonly #symbols: Symbols
  readonly #routines: readonly Routine[]
  readonly #calls: Call[][] = []
  #self!: Value & { kind: 'object' }
  #state!: State
  /** Up to where the obligations have been looked at. */
  #looked = 0

  constructor(
    private readonly program: Program,
    private readonly source: ClassSource,
  ) {
    this.#executor = new Executor(this.#facts, program, roundsMax)
    this.#symbols = new Symbols(this.#facts, program)
    this.#routines = [...source.routines.values()].filter(({ name, kind }) => kind === 'method' && !name.startsWith('#'))
    for (let i = 0; i <= roundsMax; i++) this.#facts.spokenOf(String(i))
  }

  /** The first call makes the object. */
  open(): void {
    const routine = this.source.routines.get('constructor') as Routine
    const { prefix, state, parameters } = this.#parameters(routine, this.#symbols.start)
    this.#calls.push([{ name: 'open', made: 'true', parameters }])
    this.#self = { kind: 'object', className: this.source.name, id: this.program.freshId(this.source.name) }
    let made = state
    for (const { name, initial } of this.source.fields.values()) {
      const value = made.slots.get(prefix + name)
      if (value !== undefined) made = withSlot(made, `${this.#self.id}.${name}`, value)
      if (initial === null) continue
      made = withSlot(made, `${this.#self.id}.${name}`, this.#executor.evaluator.evaluate(initial, made, this.#frame(prefix))[0])
    }
    this.#state = this.#run(routine, made, prefix)
  }

  /** One more call, any. */
  step(): void {
    const number = this.#calls.length
    const choice = this.#facts.fresh('Int', `call${number}`)
    const calls: Call[] = []
    let end: State | null = null
    for (const [index, routine] of this.#routines.entries()) {
      const made = compare('=', choice, String(index))
      const { prefix, state, parameters } = this.#parameters(routine, this.#state)
      calls.push({ name: routine.name, made, parameters })
      const behind = this.#run(routine, under(state, made), prefix)
      end = end === null ? behind : this.#executor.shortened(merge(made, behind, end))
    }
    this.#calls.push(calls)
    this.#state = end as State
  }

  #run(routine: Routine, state: State, prefix: string): State {
    const { evaluator } = this.#executor
    const frame = this.#frame(prefix)
    for (const { expression } of routine.contract.requires) {
      this.#facts.assume(state, evaluator.truth(expression, state, { ...frame, use: 'assumed', before: state })[0])
    }
    const bound = new Map([...state.slots].filter(([slot]) => slot.startsWith(prefix)))
    const names = new Map([...bound].map(([slot, value]) => [slot.slice(prefix.length), value]))
    const [, end] = evaluator.run(routine.node, state, frame)
    const clauses = [...routine.contract.ensures, ...this.source.contract.invariant]
    for (const { expression, text, place } of clauses) {
      const termOf = () => evaluator.truth(expression, end, { ...frame, use: 'shown', before: state, bound: names })[0]
      this.#facts.claim(end, termOf, text, place)
    }
    return end
  }

  #frame(prefix: string): Frame {
    const { module } = this.source
    const none = new Map<string, Value>()
    return { prefix, module, self: this.#self, owner: this.source, use: null, before: null, bound: none, silent: false }
  }

  #parameters(
    routine: Routine,
    before: State,
  ): { prefix: string; state: State; parameters: (readonly [string, Term])[] } {
    const prefix = this.program.freshPrefix()
    const parameters: (readonly [string, Term])[] = []
    let state = before
    for (const parameter of routine.node.params) {
      const name = parameterName(parameter)
      const target = parameter.type === 'TSParameterProperty' ? parameter.parameter : parameter
      const type = target.type === 'Identifier' ? (target.typeAnnotation?.typeAnnotation ?? null) : null
      const value = this.#symbols.any(type, name, state)
      if (value.kind === 'int' || value.kind === 'bool') parameters.push([name, value.term])
      state = withSlot(state, prefix + name, value)
    }
    return { prefix, state, parameters }
  }

  /** Whether something of the last call can go wrong. */
  async violation(solver: Solver): Promise<Counterexample | null> {
    const obligations = this.#facts.obligations.slice(this.#looked)
    this.#looked = this.#facts.obligations.length
    const marks = obligations.map((_, index) => `violated!${this.#looked}_${index}`)
    const lines = [...this.#facts.lines]
    for (const [index, { own, violated }] of obligations.entries()) {
      lines.push(...own, `(declare-const ${marks[index]} Bool)`, `(assert (= ${marks[index]} ${violated}))`)
    }
    lines.push(`(assert ${or(...marks)})`)
    const terms = this.#calls.flatMap((calls) =>
      calls.flatMap(({ made, parameters }) => [made, ...parameters.map(([, term]) => term)]),
    )
    const values = await solver.example(lines, [...terms, ...marks])
    return values === null ? null : this.#told(values, obligations, marks)
  }

  #told(
    values: ReadonlyMap<Term, string>,
    obligations: readonly Obligation[],
    marks: readonly string[],
  ): Counterexample {
    const calls = this.#calls.map((choices) => {
      const call = choices.find(({ made }) => values.get(made) === 'true') as Call
      return `${call.name}(${call.parameters.map(([name, term]) => `${name} = ${values.get(term)}`).join(', ')})`
    })
    const { what, place } = obligations[marks.findIndex((mark) => values.get(mark) === 'true')] as Obligation
    return { calls, what, place }
  }
}

