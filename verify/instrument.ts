import type { Clause, Module, Routine } from './source.ts'

/**
 * The source with its contracts as code: a routine that is called without what it requires, that does not give what it
 * ensures, or that leaves its object without its invariants, throws a ContractError. Loops are left as they are: what is
 * said of them is for the proof alone.
 */
export function instrumented(module: Module): string {
  const edits: { at: number; text: string }[] = []
  const ofClasses = [...module.classes.values()].flatMap(({ routines }) => Array.from(routines.values()))
  const routines = [...module.functions.values(), ...ofClasses]
  for (const routine of routines) {
    if (routine.node.body === null) continue
    const { start, end } = routine.node.body
    const { before, behind } = checksOf(routine)
    if (routine.name === 'constructor') {
      edits.push({ at: start + 1, text: before })
      continue
    }
    if (before === '' && behind === '') continue
    edits.push({ at: start + 1, text: `${before}const result = (() => {` })
    edits.push({ at: end - 1, text: `})();${behind}return result;` })
  }
  const checker = edits.length === 0 ? '' : contractCheck
  let text = module.text
  for (const { at, text: added } of edits.toReversed().toSorted((a, b) => b.at - a.at))
    text = text.slice(0, at) + added + text.slice(at)
  return text + checker
}

/** What is thrown knows whose contract it is and what it says. At the end, so that lines keep their numbers. */
const contractCheck = `
function __contract(holds: boolean, kind: string, routine: string, clause: string): void {
  if (holds) return
  throw Object.assign(new Error(routine + ' ' + kind + ' ' + clause), { name: 'ContractError', kind, routine })
}
`

function checksOf(routine: Routine): { before: string; behind: string } {
  const { contract, owner, name, kind } = routine
  const full = owner === null ? name : `${owner.name}.${name}`
  const olds: string[] = []
  const behind = [
    ...contract.ensures.map((clause) => check('ensures', full, clause, olds)),
    // Private methods are steps within one that others can call.
    ...(kind === 'method' && !name.startsWith('#') ? (owner?.contract.invariant ?? []) : []).map((clause) =>
      check('keeps', full, clause, olds),
    ),
  ].join('')
  const before = contract.requires.map((clause) => check('requires', full, clause, [])).join('')
  return { before: before + olds.join(''), behind }
}

function check(kind: string, routine: string, { text }: Clause, olds: string[]): string {
  let condition = text
  for (let at = condition.indexOf('old('); at >= 0; at = condition.indexOf('old(')) {
    const end = closingOf(condition, at + 'old'.length)
    const name = `__before${olds.length}`
    olds.push(`const ${name} = ${condition.slice(at + 'old'.length, end)};`)
    condition = condition.slice(0, at) + name + condition.slice(end)
  }
  return `__contract(${condition}, '${kind}', '${routine}', ${JSON.stringify(text)});`
}

/** Behind the bracket that closes the one at `from`. */
function closingOf(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === '(') depth++
    if (text[at] === ')' && --depth === 0) return at + 1
  }
  throw new Error(`a bracket that is not closed in '${text}'`)
}
