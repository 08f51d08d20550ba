import { readFileSync } from 'node:fs'
import { type Comment, type Function as FunctionNode, type Node, type Program, parseSync } from 'oxc-parser'
import { assertInSubset } from './subset.ts'
import { walk } from './walk.ts'

/** What stands before a function, a class or a loop: expressions of TypeScript that the proof assumes or shows. */
export interface Contract {
  readonly requires: readonly Clause[]
  readonly ensures: readonly Clause[]
  readonly invariant: readonly Clause[]
  readonly decreases: readonly Clause[]
}

/** One expression of a contract, and where it stands. */
export interface Clause {
  readonly text: string
  readonly expression: Node
  readonly place: string
}

/** A function or method. */
export interface Routine {
  readonly name: string
  readonly kind: 'function' | 'method' | 'get' | 'constructor'
  readonly node: FunctionNode
  readonly contract: Contract
  readonly module: Module
  readonly owner: ClassSource | null
}

/** A class: its fields with their types, in the order they are made, and what can be called. */
export interface ClassSource {
  readonly name: string
  readonly fields: Map<string, FieldSource>
  readonly routines: Map<string, Routine>
  readonly contract: Contract
  readonly module: Module
  /** Objects of it are told apart and can be in lists: their fields may change. */
  readonly isReference: boolean
}

export interface FieldSource {
  readonly name: string
  readonly type: Node | null
  readonly initial: Node | null
}

/** A file of the subset. */
export interface Module {
  readonly path: string
  readonly text: string
  readonly functions: Map<string, Routine>
  readonly classes: Map<string, ClassSource>
  readonly interfaces: Map<string, Map<string, Node>>
  readonly constants: Map<string, Node>
  readonly loops: Map<number, Contract>
  /** Where something stands, as `path:line`. */
  readonly placeOf: (node: { start: number }) => string
}

export const noContract: Contract = { requires: [], ensures: [], invariant: [], decreases: [] }

/**
 * Reads a file of the subset.
 *
 * @param text its content, when it is another than on the disk
 * @throws Error for what can't be parsed, or is outside of the subset
 */
export function readModule(path: string, text: string = readFileSync(path, 'utf8')): Module {
  return new Reader(path, text).read()
}

class Reader {
  readonly #module: Module
  readonly #program: Program
  readonly #comments: readonly Comment[]

  constructor(
    readonly path: string,
    readonly text: string,
  ) {
    const { program, comments, errors } = parseSync(path, text)
    const [error] = errors
    if (error !== undefined) throw new Error(`${path}: ${error.message}`)
    this.#program = program
    this.#comments = comments
    const placeOf = ({ start }: { start: number }) => `${path}:${text.slice(0, start).split('\n').length}`
    this.#module = {
      path,
      text,
      functions: new Map(),
      classes: new Map(),
      interfaces: new Map(),
      constants: new Map(),
      loops: new Map(),
      placeOf,
    }
  }

  read(): Module {
    assertInSubset(this.#program, this.#module.placeOf)
    for (const statement of this.#program.body) {
      if (statement.type === 'ExportNamedDeclaration' && statement.declaration !== null) {
        this.#declare(statement.declaration, statement)
      } else if (statement.type !== 'ImportDeclaration') {
        this.#declare(statement, statement)
      }
    }
    return this.#module
  }

  #declare(node: Node, statement: Node): void {
    const module = this.#module
    if (node.type === 'FunctionDeclaration' && node.id !== null) {
      const { name } = node.id
      const contract = this.#contractBefore(statement)
      module.functions.set(name, { name, kind: 'function', node, contract, module, owner: null })
      this.#loopsIn(node)
    } else if (node.type === 'TSInterfaceDeclaration') {
      module.interfaces.set(node.id.name, membersOf(node))
    } else if (node.type === 'VariableDeclaration') {
      for (const { id, init } of node.declarations) {
        if (id.type === 'Identifier' && init !== null) module.constants.set(id.name, init)
      }
    } else if (node.type === 'ClassDeclaration' && node.id !== null) {
      this.#declareClass(node, statement)
    } else {
      throw new Error(`${module.placeOf(node)}: ${node.type} is outside of the verified subset`)
    }
  }

  #declareClass(node: Node & { type: 'ClassDeclaration' | 'ClassExpression' }, statement: Node): void {
    const owner: ClassSource = {
      name: node.id?.name ?? '',
      fields: new Map(),
      routines: new Map(),
      contract: this.#contractBefore(statement),
      module: this.#module,
      isReference: (node.implements ?? []).length > 0,
    }
    for (const member of node.body.body) {
      if (member.type === 'PropertyDefinition') {
        const name = nameOf(member.key)
        owner.fields.set(name, { name, type: member.typeAnnotation?.typeAnnotation ?? null, initial: member.value })
      } else if (member.type === 'MethodDefinition' && member.kind !== 'set') {
        this.#declareMethod(owner, member)
      } else {
        throw new Error(`${this.#module.placeOf(member)}: ${member.type} is outside of the verified subset`)
      }
    }
    this.#module.classes.set(owner.name, owner)
  }

  #declareMethod(owner: ClassSource, member: Node & { type: 'MethodDefinition' | 'TSAbstractMethodDefinition' }): void {
    const node = member.value
    if (node.type !== 'FunctionExpression') throw new Error(`${this.#module.placeOf(node)}: a method without a body`)
    const kind = member.kind as Routine['kind']
    const name = nameOf(member.key)
    owner.routines.set(name, {
      name,
      kind,
      node,
      contract: this.#contractBefore(member),
      module: this.#module,
      owner,
    })
    if (kind === 'constructor') {
      for (const parameter of node.params) {
        if (parameter.type !== 'TSParameterProperty') continue
        const target = parameter.parameter.type === 'AssignmentPattern' ? parameter.parameter.left : parameter.parameter
        if (target.type !== 'Identifier') continue
        const type = target.typeAnnotation?.typeAnnotation ?? null
        owner.fields.set(target.name, { name: target.name, type, initial: null })
      }
    }
    this.#loopsIn(node)
  }

  #loopsIn(routine: Node): void {
    walk(routine, (node) => {
      if (node.type === 'ForStatement' || node.type === 'ForOfStatement' || node.type === 'WhileStatement') {
        this.#module.loops.set(node.start, this.#contractBefore(node))
      }
    })
  }

  /** The contract in the comment right before `node`. */
  #contractBefore(node: { start: number }): Contract {
    const comment = this.#comments.findLast(({ end }) => end <= node.start)
    if (comment === undefined || this.text.slice(comment.end, node.start).trim() !== '') return noContract
    const clauses: Record<keyof Contract, Clause[]> = { requires: [], ensures: [], invariant: [], decreases: [] }
    const place = this.#module.placeOf(comment)
    for (const line of comment.value.split('\n')) {
      const [, tag, text] = /^\s*\*?\s*@(requires|ensures|invariant|decreases) (.*?)\s*$/.exec(line) ?? []
      if (tag === undefined || text === undefined) continue
      clauses[tag as keyof Contract].push({ text, expression: parseExpression(text, place), place })
    }
    return clauses
  }
}

/** An expression of a contract. */
function parseExpression(text: string, place: string): Node {
  // In a class, so that private names of its own are known.
  const { program, errors } = parseSync('clause.ts', `class A { f() { return (${privateAsPublic(text)}) } }`)
  const [error] = errors
  if (error !== undefined) throw new Error(`${place}: ${error.message} in '${text}'`)
  let found: Node | null = null
  walk(program, (node) => {
    if (node.type === 'ReturnStatement') found ??= node.argument
  })
  if (found === null) throw new Error(`${place}: no expression in '${text}'`)
  return found
}

/** The parser refuses private names that the class does not declare. */
function privateAsPublic(text: string): string {
  return text.replaceAll('this.#', 'this.private_')
}

/** The name of a field, a parameter or a method; `#` of private ones included. */
export function nameOf(key: Node): string {
  if (key.type === 'PrivateIdentifier') return `#${key.name}`
  if (key.type === 'Identifier') return key.name.replace(/^private_/, '#')
  throw new Error(`a computed name (${key.type}) is outside of the verified subset`)
}

function membersOf(node: Node & { type: 'TSInterfaceDeclaration' }): Map<string, Node> {
  const members = new Map<string, Node>()
  for (const member of node.body.body) {
    if (member.type === 'TSPropertySignature' && member.typeAnnotation !== null) {
      members.set(nameOf(member.key), member.typeAnnotation.typeAnnotation)
    }
  }
  return members
}
