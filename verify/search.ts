import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { array, check, constantFrom, nat, oneof, property, record, tuple } from 'fast-check'
import { transformWithOxc } from 'vite'
import { parameterName } from './calls.ts'
import { instrumented } from './instrument.ts'
import type { Module, Routine } from './source.ts'

/** Sequences of calls that are tried before the search is given up. A fault is mostly found in the first hundreds. */
const runsMax = 60_000

/** The seed of the search: the same source gives the same sequence. */
const seed = 20_261_130

/** The sequence of calls, from a file just opened, after which something does not hold, and what. */
export interface Counterexample {
  readonly calls: readonly string[]
  readonly what: string
}

interface Step {
  readonly name: string
  readonly numbers: readonly number[]
}

interface Outstanding {
  readonly start: number
  readonly end: number
  readonly doneBytes: number
}

interface Subject {
  readonly block: number
  readonly start: number
  readonly position: number
  readonly inflight: { readonly ranges: readonly Outstanding[] }
}

type SubjectClass = new (...parameters: unknown[]) => Subject

/** Sizes at and next to blocks and buffers, from the beginning of files to the end of what numbers can say. */
const numbers = oneof(
  { weight: 4, arbitrary: constantFrom(0, 1, 2) },
  { weight: 6, arbitrary: constantFrom(100, 511, 512, 513, 1000, 1024, 1536, 2048, 4096) },
  { weight: 2, arbitrary: nat(10_000) },
  { weight: 1, arbitrary: constantFrom(9_000_000_000_000_000, 8_999_999_999_999_999, 8_999_999_999_999_488) },
)

/**
 * Looks for a short sequence of calls that breaks a contract, by making the calls: on the modules as they are, with their
 * contracts as code.
 *
 * @param className the class whose methods are called: its own `@requires` say when they may be
 * @returns null when none was found
 */
export async function counterexample(modules: readonly Module[], className: string): Promise<Counterexample | null> {
  const folder = mkdtempSync(join(tmpdir(), 'uncached-io-verify-'))
  try {
    const subject = await compiled(modules, className, folder)
    const source = modules.flatMap(({ classes }) => [...classes.values()]).find(({ name }) => name === className)
    if (source === undefined) throw new Error(`no class ${className}`)
    return search(subject, source.routines)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function compiled(modules: readonly Module[], className: string, folder: string): Promise<SubjectClass> {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const module of modules) {
    const name = basename(module.path)
    const { code } = await transformWithOxc(instrumented(module), name)
    const local = code.replaceAll(/from "[^"]*\/([a-z-]+)\.ts"/g, 'from "./$1.js"')
    writeFileSync(join(folder, name.replace(/\.ts$/, '.js')), local)
  }
  const last = basename(modules.at(-1)?.path ?? '').replace(/\.ts$/, '.js')
  const exports = (await import(pathToFileURL(join(folder, last)).href)) as Record<string, SubjectClass>
  return exports[className] as SubjectClass
}

function search(subject: SubjectClass, routines: ReadonlyMap<string, Routine>): Counterexample | null {
  const names = [...routines.values()]
    .filter(({ kind, name }) => kind === 'method' && !name.startsWith('#'))
    .map(({ name }) => name)
  const anyNumbers = array(numbers, { minLength: 8, maxLength: 8 })
  const anyStep = record({ name: constantFrom(...names), numbers: anyNumbers })
  const anySteps = tuple(anyNumbers, array(anyStep, { minLength: 1, maxLength: 30, size: 'max' }))
  let found: Counterexample | null = null
  const holds = property(anySteps, ([opening, steps]) => {
    const broken = run(subject, routines, opening, steps)
    if (broken !== null) found = broken
    return broken === null
  })
  // Shrinks: what was found last is the shortest.
  const outcome = check(holds, { numRuns: runsMax, seed, endOnFailure: false })
  return outcome.failed ? found : null
}

/** Makes the calls that may be made. What they were, when a contract was broken, and which. */
function run(
  subject: SubjectClass,
  routines: ReadonlyMap<string, Routine>,
  opening: readonly number[],
  steps: readonly Step[],
): Counterexample | null {
  const calls: string[] = []
  const [bufferBlocks = 0, at = 0, start = 0, length = 0, preallocate = 0, byte = 0, which = 0] = opening
  const block = [512, 1024, 4096][which % 3] as number
  const bufferSize = block * (1 + (bufferBlocks % 10))
  const values = [block, 512, bufferSize, at, start, length, preallocate, at < length ? byte % 256 : 0]
  try {
    const made = new subject(...values)
    calls.push(told('open', routines.get('constructor') as Routine, values))
    for (const step of steps) {
      const routine = routines.get(step.name) as Routine
      const parameters = parametersOf(routine, step.numbers, made)
      calls.push(told(step.name, routine, parameters))
      try {
        ;(made as unknown as Record<string, (...all: unknown[]) => void>)[step.name]?.(...parameters)
      } catch (error) {
        if (!isOf(error, 'requires', `${subject.name}.${step.name}`)) throw error
        // It may not be called now, and nothing has happened.
        calls.pop()
      }
    }
    return null
  } catch (error) {
    if (isOf(error, 'requires', `${subject.name}.constructor`)) return null
    return { calls, what: (error as Error).message }
  }
}

function isOf(error: unknown, kind: string, routine: string): boolean {
  const { name, kind: itsKind, routine: itsRoutine } = error as { name?: string; kind?: string; routine?: string }
  return name === 'ContractError' && itsKind === kind && itsRoutine === routine
}

/** Arguments that often are what the call requires: of a transfer that there is, and inside what was written. */
function parametersOf(routine: Routine, given: readonly number[], made: Subject): (number | boolean)[] {
  const { ranges } = made.inflight
  const chosen = (given[0] as number) % Math.max(1, ranges.length)
  const range = ranges[chosen] ?? { start: 0, end: 0, doneBytes: 0 }
  const left = range.end - range.start - range.doneBytes
  const fitting: Record<string, (value: number) => number> = {
    address: (value) => (value % 8) * 4096,
    index: () => chosen,
    bytes: (value) => (value % 2 === 0 ? left : value % (left + 1)),
    torn: (value) => value % (left + 1),
    offset: (value) => made.start + (value % (made.position - made.start + 1)),
    maxLength: (value) => made.block * (1 + (value % 3)),
  }
  return routine.node.params.map((parameter, index) => {
    const value = given[index] as number
    const fit = fitting[parameterName(parameter)]
    if (fit !== undefined) return fit(value)
    const type = parameter.type === 'Identifier' ? parameter.typeAnnotation?.typeAnnotation.type : undefined
    return type === 'TSBooleanKeyword' ? value % 2 === 1 : value
  })
}

function told(name: string, routine: Routine, values: readonly (number | boolean)[]): string {
  const parameters = routine.node.params.map((parameter, index) => `${parameterName(parameter)} = ${values[index]}`)
  return `${name}(${parameters.join(', ')})`
}
