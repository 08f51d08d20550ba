import type { Node, Program } from 'oxc-parser'

/** Calls `visit` for a node and all below it. */
export function walk(node: Node | Program, visit: (node: Node) => void): void {
  visit(node)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === 'object' && child !== null && 'type' in child) walk(child as Node, visit)
    }
  }
}
