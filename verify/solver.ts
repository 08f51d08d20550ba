import { init } from 'z3-solver'
import type { Facts, Obligation } from './facts.ts'
import { type Ast, type Context, TermReader, type Z3 } from './term-reader.ts'

/** What the solver found out about an obligation. */
export type Verdict = 'proved' | 'refuted' | 'unknown'

type Model = ReturnType<Z3['solver_get_model']>

interface Attempt {
  /** z3 has two solvers for integers. */
  readonly arithmetic: 2 | 6
  readonly seed: number
  readonly timeoutMs: number
}

/** Where one attempt goes astray another is there at once: each is given up early, and tried for longer later. */
const attempts: readonly Attempt[] = [300, 1000, 3000, 10_000, 30_000].flatMap((timeoutMs, seed) => [
  { arithmetic: 2, seed, timeoutMs },
  { arithmetic: 6, seed, timeoutMs },
])

const answers: Record<string, Verdict> = { '-1': 'proved', '0': 'unknown', '1': 'refuted' }

/** Of what can be, an example is the proof. */
const opposite: Record<Verdict, Verdict> = { proved: 'refuted', refuted: 'proved', unknown: 'unknown' }

let started: Promise<Z3> | undefined

/** The solver, z3, in this process. */
export class Solver {
  private constructor(private readonly z3: Z3) {}

  static async start(): Promise<Solver> {
    started ??= init().then(({ Z3 }) => Z3)
    return new Solver(await started)
  }

  /** Goes through the obligations in order, each with what was said before it, until `tell` says that it is enough. */
  async check(
    facts: Pick<Facts, 'lines' | 'obligations'>,
    tell: (obligation: Obligation, verdict: Verdict) => boolean,
  ): Promise<void> {
    await this.#inContext(async (context) => {
      const reader = new TermReader(this.z3, context)
      const premises = facts.lines.map((line) => reader.read(line))
      // One solver that learns as it goes on answers most of them at once.
      const first = this.#solver(context, { arithmetic: 2, seed: 0, timeoutMs: 300 })
      let told = 0
      for (const obligation of facts.obligations) {
        const own = [...obligation.own, `(assert ${obligation.violated})`].map((line) => reader.read(line))
        first.assert(premises.slice(told, obligation.lines))
        told = obligation.lines
        const atOnce = await first.ask(own)
        const all = [...premises.slice(0, obligation.lines), ...own]
        const verdict = atOnce === 'unknown' ? await this.#ask(context, all) : atOnce
        if (!tell(obligation, obligation.canBe === true ? opposite[verdict] : verdict)) break
      }
      first.end()
    })
  }

  async #ask(context: Context, assertions: readonly (Ast | null)[]): Promise<Verdict> {
    for (const attempt of attempts) {
      const verdict = await this.#attempt(context, assertions, attempt)
      if (verdict !== 'unknown') return verdict
    }
    return 'unknown'
  }

  async #attempt(context: Context, assertions: readonly (Ast | null)[], attempt: Attempt): Promise<Verdict> {
    const solver = this.#solver(context, attempt)
    try {
      solver.assert(assertions)
      return await solver.check()
    } finally {
      solver.end()
    }
  }

  #solver(context: Context, { arithmetic, seed, timeoutMs }: Attempt): OneSolver {
    const { z3 } = this
    const parameters = z3.mk_params(context)
    z3.params_inc_ref(context, parameters)
    const set = (name: string, value: number) =>
      z3.params_set_uint(context, parameters, z3.mk_string_symbol(context, name), value)
    set('timeout', timeoutMs)
    set('arith.solver', arithmetic)
    set('random_seed', seed)
    const solver = z3.mk_simple_solver(context)
    z3.solver_inc_ref(context, solver)
    z3.solver_set_params(context, solver, parameters)
    z3.params_dec_ref(context, parameters)
    return new OneSolver(z3, context, solver)
  }

  async #inContext<T>(work: (context: Context) => Promise<T>): Promise<T> {
    const config = this.z3.mk_config()
    const context = this.z3.mk_context(config)
    try {
      return await work(context)
    } finally {
      this.z3.del_context(context)
      this.z3.del_config(config)
    }
  }
}

class OneSolver {
  constructor(
    private readonly z3: Z3,
    private readonly context: Context,
    private readonly solver: ReturnType<Z3['mk_simple_solver']>,
  ) {}

  assert(assertions: readonly (Ast | null)[]): void {
    for (const assertion of assertions) {
      if (assertion !== null) this.z3.solver_assert(this.context, this.solver, assertion)
    }
  }

  async check(found: (model: Model) => void = () => undefined): Promise<Verdict> {
    const verdict = answers[await this.z3.solver_check(this.context, this.solver)] as Verdict
    if (verdict === 'refuted') found(this.z3.solver_get_model(this.context, this.solver))
    return verdict
  }

  /** As `check`, with assertions that are forgotten again. */
  async ask(assertions: readonly (Ast | null)[], found?: (model: Model) => void): Promise<Verdict> {
    this.z3.solver_push(this.context, this.solver)
    this.assert(assertions)
    const verdict = await this.check(found)
    this.z3.solver_pop(this.context, this.solver, 1)
    return verdict
  }

  end(): void {
    this.z3.solver_dec_ref(this.context, this.solver)
  }
}
