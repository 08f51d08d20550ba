import type { init } from 'z3-solver'

export type Z3 = Awaited<ReturnType<typeof init>>['Z3']
export type Context = ReturnType<Z3['mk_context']>
export type Ast = ReturnType<Z3['mk_true']>

type Expression = string | Expression[]

/**
 * Makes the solver's terms of text. Its own parser can't be used: as WebAssembly it lays all of a text on a stack that is
 * too small for it.
 */
export class TermReader {
  readonly #constants = new Map<string, Ast>()

  constructor(
    private readonly z3: Z3,
    private readonly context: Context,
  ) {}

  /** A line of a script. Of an assertion gives what is asserted, of a declaration null. */
  read(line: string): Ast | null {
    const [command, ...rest] = parse(line) as Expression[]
    if (command === 'assert') return this.#term(rest[0] as Expression)
    if (command !== 'declare-const') throw new Error(`no line of a script: ${line}`)
    const name = rest[0] as string
    const symbol = this.z3.mk_string_symbol(this.context, name)
    this.#constants.set(name, this.z3.mk_const(this.context, symbol, this.#sort(rest[1] as Expression)))
    return null
  }

  term(text: string): Ast {
    return this.#term(parse(text))
  }

  #sort(sort: Expression): ReturnType<Z3['mk_int_sort']> {
    const { z3, context } = this
    if (sort === 'Int') return z3.mk_int_sort(context)
    if (sort === 'Bool') return z3.mk_bool_sort(context)
    return z3.mk_array_sort(context, z3.mk_int_sort(context), z3.mk_int_sort(context))
  }

  #term(expression: Expression): Ast {
    const { z3, context } = this
    if (typeof expression === 'string') {
      if (/^\d/.test(expression)) return z3.mk_numeral(context, expression, z3.mk_int_sort(context))
      if (expression === 'true') return z3.mk_true(context)
      if (expression === 'false') return z3.mk_false(context)
      const constant = this.#constants.get(expression)
      if (constant === undefined) throw new Error(`the solver was not told of ${expression}`)
      return constant
    }
    const [operator, ...operands] = expression
    return this.#apply(
      operator as string,
      operands.map((operand) => this.#term(operand)),
    )
  }

  #apply(operator: string, terms: Ast[]): Ast {
    const { z3, context } = this
    const [a, b, c] = terms as [Ast, Ast, Ast]
    switch (operator) {
      case '+':
        return z3.mk_add(context, terms)
      case '-':
        return terms.length === 1 ? z3.mk_unary_minus(context, a) : z3.mk_sub(context, terms)
      case '*':
        return z3.mk_mul(context, terms)
      case 'mod':
        return z3.mk_mod(context, a, b)
      case '<':
        return z3.mk_lt(context, a, b)
      case '<=':
        return z3.mk_le(context, a, b)
      case '>':
        return z3.mk_gt(context, a, b)
      case '>=':
        return z3.mk_ge(context, a, b)
      case '=':
        return z3.mk_eq(context, a, b)
      case 'not':
        return z3.mk_not(context, a)
      case 'and':
        return z3.mk_and(context, terms)
      case '=>':
        return z3.mk_implies(context, a, b)
      case 'ite':
        return z3.mk_ite(context, a, b, c)
      case 'select':
        return z3.mk_select(context, a, b)
      case 'store':
        return z3.mk_store(context, a, b, c)
      default:
        throw new Error(`no operator: ${operator}`)
    }
  }
}

/** Nested lists of words. */
function parse(text: string): Expression {
  const stack: Expression[][] = [[]]
  for (const [word] of text.matchAll(/[()]|[^()\s]+/g)) {
    if (word === '(') {
      stack.push([])
    } else if (word === ')') {
      const done = stack.pop() as Expression[]
      stack.at(-1)?.push(done)
    } else {
      stack.at(-1)?.push(word)
    }
  }
  return stack[0]?.[0] as Expression
}
