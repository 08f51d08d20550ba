import { parameterName, withFirstValues } from './calls.ts'
import { Executor } from './execute.ts'
import { Facts } from './facts.ts'
import type { Frame } from './frame.ts'
import type { Program } from './program.ts'
import type { ClassSource, Clause, Routine } from './source.ts'
import { type State, withSlot } from './state.ts'
import { Symbols } from './symbols.ts'
import type { Value } from './values.ts'

/** Everything that has a body of its own to be proved: functions, and of classes what others can call. */
export function routinesOf(program: Program): Routine[] {
  return program.modules.flatMap(({ functions, classes }) => [
    ...functions.values(),
    ...[...classes.values()]
      .filter((one) => !one.isReference)
      .flatMap(({ routines }) => [...routines.values()].filter(({ name }) => !name.startsWith('#'))),
  ])
}

/** What has to be shown for one routine: what its contract promises, and what it asks of others. */
export function obligationsOf(program: Program, routine: Routine): Facts {
  const facts = new Facts()
  new Proof(facts, program, routine).write()
  return facts
}

class Proof {
  readonly #executor: Executor
  readonly #symbols: Symbols

  constructor(
    private readonly facts: Facts,
    private readonly program: Program,
    private readonly routine: Routine,
  ) {
    this.#executor = new Executor(facts, program)
    this.#symbols = new Symbols(facts, program)
  }

  write(): void {
    const { routine } = this
    const [self, made] = this.#self()
    const { prefix, bound, state } = this.#parameters(made, self)
    const frame: Frame = {
      prefix,
      module: routine.module,
      self,
      owner: routine.owner,
      use: null,
      before: null,
      bound: new Map(),
      silent: false,
    }
    if (self !== null && routine.kind !== 'constructor') this.#assumeInvariants(self, state, frame)
    this.#suppose(routine.contract.requires, state, frame)
    const [result, end] = this.#executor.evaluator.run(routine.node, state, frame)
    const names = new Map(bound).set('result', result)
    const behind: Frame = { ...frame, bound: names, use: 'shown', before: state }
    this.#claim(routine.contract.ensures, 'ensures', end, behind)
    if (self !== null && routine.kind !== 'get') this.#claimInvariants(self, end, behind)
    this.facts.possible(end, 'it can be called and comes to its end', routine.module.placeOf(routine.node))
  }

  #self(): readonly [(Value & { kind: 'object' }) | null, State] {
    const { owner, kind } = this.routine
    const start = this.#symbols.start
    if (owner === null) return [null, start]
    if (kind !== 'constructor') return this.#symbols.object(owner, start)
    return this.#unmade(owner, start)
  }

  /** An object before its constructor runs: only what has a first value is there. */
  #unmade(owner: ClassSource, start: State): readonly [Value & { kind: 'object' }, State] {
    const self = { kind: 'object', className: owner.name, id: this.program.freshId(owner.name) } as const
    const frame: Frame = {
      prefix: this.program.freshPrefix(),
      module: owner.module,
      self,
      owner,
      use: null,
      before: null,
      bound: new Map(),
      silent: false,
    }
    return [self, withFirstValues(this.#executor.evaluator, start, frame, self.id)]
  }

  #parameters(
    made: State,
    self: (Value & { kind: 'object' }) | null,
  ): { prefix: string; bound: Map<string, Value>; state: State } {
    const prefix = this.program.freshPrefix()
    const bound = new Map<string, Value>()
    let state = made
    for (const parameter of this.routine.node.params) {
      const name = parameterName(parameter)
      const target = parameter.type === 'TSParameterProperty' ? parameter.parameter : parameter
      const type = target.type === 'Identifier' ? (target.typeAnnotation?.typeAnnotation ?? null) : null
      const value = this.#symbols.any(type, name, state)
      bound.set(name, value)
      state = withSlot(state, prefix + name, value)
      if (parameter.type === 'TSParameterProperty' && self !== null)
        state = withSlot(state, `${self.id}.${name}`, value)
    }
    return { prefix, bound, state }
  }

  /** Those of an object and of the objects in its fields. */
  #assumeInvariants(self: Value & { kind: 'object' }, state: State, frame: Frame): void {
    this.#eachObject(self, state, (object, source) => {
      const inner = { ...frame, self: object, owner: source, module: source.module }
      this.#suppose(source.contract.invariant, state, inner)
    })
  }

  #claimInvariants(self: Value & { kind: 'object' }, state: State, frame: Frame): void {
    this.#eachObject(self, state, (object, source) => {
      const inner = { ...frame, self: object, owner: source, module: source.module }
      this.#claim(source.contract.invariant, `invariant of ${source.name}`, state, inner)
    })
  }

  #eachObject(
    self: Value & { kind: 'object' },
    state: State,
    visit: (object: Value & { kind: 'object' }, source: ClassSource) => void,
  ): void {
    for (const [slot, value] of state.slots) {
      if (slot.startsWith(`${self.id}.`) && value.kind === 'object') this.#eachObject(value, state, visit)
    }
    visit(self, this.program.classNamed(self.className))
  }

  #suppose(clauses: readonly Clause[], state: State, frame: Frame): void {
    for (const { expression } of clauses) {
      const [term] = this.#executor.evaluator.truth(expression, state, { ...frame, use: 'assumed', before: state })
      this.facts.assume(state, term)
    }
  }

  #claim(clauses: readonly Clause[], what: string, state: State, frame: Frame): void {
    for (const { expression, text, place } of clauses) {
      const termOf = () => this.#executor.evaluator.truth(expression, state, { ...frame, use: 'shown' })[0]
      this.facts.claim(state, termOf, `${what} ${text}`, place)
    }
  }
}
