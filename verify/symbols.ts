import type { Node } from 'oxc-parser'
import type { Facts } from './facts.ts'
import type { Program } from './program.ts'
import type { ClassSource } from './source.ts'
import { type State, withSlot } from './state.ts'
import { and, bool, compare, int, type Value } from './values.ts'

/** Values of which nothing is known but their type. */
export class Symbols {
  constructor(
    private readonly facts: Facts,
    private readonly program: Program,
  ) {}

  /** A state in which nothing has been made. */
  get start(): State {
    const nextRef = this.facts.fresh('Int', 'ref')
    this.facts.note(compare('<=', '0', nextRef))
    const heap = new Map(this.program.heapFields.map((field) => [field, this.facts.fresh('(Array Int Int)', field)]))
    return { reached: 'true', slots: new Map(), heap, nextRef }
  }

  /** Any value of a type; of a name that the configuration gives, that number. */
  any(type: Node | null, name: string, state: State): Value {
    const fixed = this.program.configuration.get(name)
    if (fixed !== undefined) return int(fixed)
    if (type === null) throw new Error(`${name} has no type`)
    switch (type.type) {
      case 'TSNumberKeyword':
        return int(this.facts.freshInteger(name))
      case 'TSBooleanKeyword':
        return bool(this.facts.fresh('Bool', name))
      case 'TSArrayType':
        return this.#list(name, state)
      case 'TSTypeReference':
        return this.#named(type, name, state)
      default:
        throw new Error(`${name} is a ${type.type}, which is outside of the verified subset`)
    }
  }

  #list(name: string, state: State): Value {
    const hi = this.facts.freshInteger(`${name}_length`)
    this.facts.note(compare('<=', '0', hi))
    const array = this.facts.fresh('(Array Int Int)', name)
    this.facts.givenList(array, '0', hi, state.nextRef)
    return { kind: 'list', array, lo: '0', hi }
  }

  #named(type: Node & { type: 'TSTypeReference' }, name: string, state: State): Value {
    const typeName = type.typeName.type === 'Identifier' ? type.typeName.name : ''
    const members = this.program.interfaceNamed(typeName)
    const isReference = typeName === 'R' || typeName === 'Range' || this.#isReference(typeName)
    if (members !== undefined && !isReference) {
      const fields = [...members].map(([field, of]) => [field, this.any(of, field, state)] as const)
      return { kind: 'record', fields: new Map(fields) }
    }
    if (isReference) {
      const term = this.facts.fresh('Int', name)
      this.facts.note(and(compare('<=', '0', term), compare('<', term, state.nextRef)))
      return { kind: 'ref', term, defined: 'true' }
    }
    throw new Error(`${name} is a ${typeName}, which is outside of the verified subset`)
  }

  #isReference(name: string): boolean {
    return this.program.hasClass(name) && this.program.classNamed(name).isReference
  }

  /** Any object of a class, with any objects in its fields. */
  object(source: ClassSource, state: State): readonly [Value & { kind: 'object' }, State] {
    const self = { kind: 'object', className: source.name, id: this.program.freshId(source.name) } as const
    let next = state
    for (const { name, type, initial } of source.fields.values()) {
      const className = classNameOf(type)
      if (className !== null && this.program.hasClass(className)) {
        const [inner, after] = this.object(this.program.classNamed(className), next)
        next = withSlot(after, `${self.id}.${name}`, inner)
      } else {
        const value = this.any(type ?? typeOf(initial), name, next)
        next = withSlot(next, `${self.id}.${name}`, value)
      }
    }
    return [self, next]
  }
}

function classNameOf(type: Node | null): string | null {
  if (type?.type !== 'TSTypeReference' || type.typeName.type !== 'Identifier') return null
  return type.typeName.name
}

/** The type of a field that only has a first value. */
function typeOf(initial: Node | null): Node | null {
  if (initial?.type !== 'Literal') return null
  const type = typeof initial.value === 'boolean' ? 'TSBooleanKeyword' : 'TSNumberKeyword'
  return { type, start: initial.start, end: initial.end }
}
