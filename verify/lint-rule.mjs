import { readFileSync } from 'node:fs'

/** @type {{ nodes: string[], operators: string[], not: string[] }} */
const subset = JSON.parse(readFileSync(new URL('subset.json', import.meta.url), 'utf8'))

const nodes = new Set(subset.nodes)
const operators = new Set(subset.operators)

/**
 * What `npm run verify` can translate, and no more. The translation itself refuses everything else as well; here it is said
 * while one writes.
 */
const verifiedSubset = {
  meta: { type: 'problem' },
  /** @param {{ report(problem: { node: unknown, message: string }): void }} context */
  create(context) {
    /** @param {{ type: string, operator?: string, computed?: boolean }} node */
    const check = (node) => {
      const flag = subset.not.find((name) => /** @type {Record<string, unknown>} */ (node)[name] === true)
      if (flag !== undefined || (node.computed === true && node.type !== 'MemberExpression')) {
        context.report({ node, message: `${flag ?? 'a computed name'} is outside of the verified subset` })
      }
      if (!nodes.has(node.type)) {
        context.report({ node, message: `${node.type} is outside of the verified subset (verify/subset.json)` })
      } else if (node.operator !== undefined && !operators.has(node.operator)) {
        context.report({ node, message: `the operator ${node.operator} is outside of the verified subset` })
      }
    }
    return { ':not([type=/^TS/])': check }
  },
}

export default { meta: { name: 'verify' }, rules: { subset: verifiedSubset } }
