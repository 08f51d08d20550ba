import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Node, Program } from 'oxc-parser'
import { root } from './root.ts'
import { walk } from './walk.ts'

/** As lint knows it, too. */
const subset = JSON.parse(readFileSync(join(root, 'verify/subset.json'), 'utf8')) as {
  nodes: string[]
  operators: string[]
  /** Properties of nodes that change what they do. */
  not: string[]
}

const nodes = new Set(subset.nodes)
const operators = new Set(subset.operators)

/**
 * Refuses what the translation does not know. Types are no part of what runs and are not looked at.
 *
 * @throws Error naming the first construct outside of the subset
 */
export function assertInSubset(program: Program, placeOf: (node: { start: number }) => string): void {
  walk(program, (node) => {
    if (!isType(node) && !nodes.has(node.type)) {
      throw new Error(`${placeOf(node)}: ${node.type} is outside of the verified subset (verify/subset.json)`)
    }
    const flag = subset.not.find((name) => !isType(node) && (node as unknown as Record<string, unknown>)[name] === true)
    const computed = node.type !== 'MemberExpression' && 'computed' in node && node.computed
    if (flag !== undefined || computed) {
      throw new Error(`${placeOf(node)}: ${flag ?? 'a computed name'} is outside of the verified subset`)
    }
    if (!isType(node) && 'operator' in node && !operators.has(node.operator)) {
      throw new Error(`${placeOf(node)}: the operator ${node.operator} is outside of the verified subset`)
    }
  })
}

function isType(node: Node): boolean {
  return node.type.startsWith('TS')
}
