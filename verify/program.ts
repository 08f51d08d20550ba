import type { Node } from 'oxc-parser'
import type { ClassSource, Module, Routine } from './source.ts'

/** Several modules, which know each other's names. */
export class Program {
  readonly #codes: string[] = []
  #prefixes = 0
  #ids = 0

  /** @param configuration names that stand for one number throughout, wherever they are a parameter or a field */
  constructor(
    readonly modules: readonly Module[],
    readonly configuration: ReadonlyMap<string, number>,
  ) {}

  functionNamed(name: string, from: Module): Routine | undefined {
    return from.functions.get(name) ?? this.#first(({ functions }) => functions.get(name))
  }

  /** @throws Error when there is none */
  classNamed(name: string): ClassSource {
    const found = this.#first(({ classes }) => classes.get(name))
    if (found === undefined) throw new Error(`the class ${name} is outside of the verified subset`)
    return found
  }

  hasClass(name: string): boolean {
    return this.#first(({ classes }) => classes.get(name)) !== undefined
  }

  interfaceNamed(name: string): ReadonlyMap<string, Node> | undefined {
    return this.#first(({ interfaces }) => interfaces.get(name))
  }

  constant(name: string, from: Module): Node | undefined {
    return from.constants.get(name) ?? this.#first(({ constants }) => constants.get(name))
  }

  /** The number that stands for a string. */
  codeOf(text: string): number {
    if (!this.#codes.includes(text)) this.#codes.push(text)
    return this.#codes.indexOf(text)
  }

  /** The numbers that a field of a reference can be, when it is a choice of strings. */
  codesOfField(name: string): number[] {
    for (const { interfaces } of this.modules) {
      for (const members of interfaces.values()) {
        const type = members.get(name)
        if (type?.type === 'TSUnionType') return type.types.map((one) => this.codeOf(literalOf(one)))
      }
    }
    return []
  }

  /** The fields of all objects that can be in lists. */
  get heapFields(): string[] {
    const references = this.modules.flatMap(({ classes }) => [...classes.values()]).filter((one) => one.isReference)
    const range = this.interfaceNamed('Range')
    const own = references.flatMap(({ fields }) => Array.from(fields.keys()))
    return [...new Set([...(range?.keys() ?? []), ...own])]
  }

  freshPrefix(): string {
    return `f${this.#prefixes++}:`
  }

  freshId(className: string): string {
    return `${className}${this.#ids++}`
  }

  #first<T>(find: (module: Module) => T | undefined): T | undefined {
    for (const module of this.modules) {
      const found = find(module)
      if (found !== undefined) return found
    }
    return undefined
  }
}

function literalOf(type: Node): string {
  if (type.type === 'TSLiteralType' && type.literal.type === 'Literal') return String(type.literal.value)
  throw new Error(`the type ${type.type} is outside of the verified subset`)
}
