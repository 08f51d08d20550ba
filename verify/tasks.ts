import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Mutant } from './mutants.ts'
import { Program } from './program.ts'
import { obligationsOf, routinesOf } from './prove.ts'
import { root } from './root.ts'
import type { Solver } from './solver.ts'
import { type Module, readModule } from './source.ts'

/** What is proved, and the model in which it is put together; the last one says what a sequence of calls is. */
export const sources = [
  'src/plan.ts',
  'src/inflight.ts',
  'verify/watched-range.ts',
  'verify/watched-buffer.ts',
  'verify/watched-file.ts',
  'verify/model.ts',
]
export const modelClass = 'WatchedWriter'

/** Every alignment of offsets that a file can ask for, and 1 for files that ask for none. */
export const blocks = [512, 1, 1024, 2048, 4096, 8192, 16384, 32768, 65536]

/** The alignment of memory that all is proved for: the weakest, so that what it gives holds for every other. */
const weakestMemory = 512

/** As plan.ts: where transfers best end. */
const grainOf = (block: number) => Math.max(block, 4096)

/** A part of the proof: one routine, for one pair of alignments. */
export interface Task {
  readonly block: number
  readonly memory: number
  /** Which of `routinesOf`. */
  readonly routine: number
  /** Only what speaks of the alignment of memory, which all else does not depend on. */
  readonly onlyMemory: boolean
  readonly mutant: Mutant | null
}

export interface Failure {
  readonly what: string
  readonly place: string
  readonly verdict: string
}

export interface Outcome {
  readonly routine: string
  readonly obligations: number
  readonly failures: readonly Failure[]
  readonly milliseconds: number
}

export function modulesWith(mutant: Mutant | null): Module[] {
  return sources.map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    if (mutant?.path !== path) return readModule(path, text)
    if (text.split(mutant.from).length !== 2) throw new Error(`'${mutant.from}' is not once in ${path}`)
    return readModule(path, text.replace(mutant.from, mutant.to))
  })
}

export function programFor(block: number, memory: number, mutant: Mutant | null): Program {
  const configuration = new Map([
    ['block', block],
    ['memory', memory],
    ['grain', grainOf(block)],
  ])
  return new Program(modulesWith(mutant), configuration)
}

/** All of the proof. */
export function allTasks(chosen: readonly number[]): Task[] {
  const routines = routinesOf(programFor(512, 512, null)).keys()
  const every = [...routines]
  return chosen.flatMap((block) => {
    const memory = Math.min(block, weakestMemory)
    const stricter = blocks.filter((other) => other > memory && other <= block)
    return [
      ...every.map((routine) => ({ block, memory, routine, onlyMemory: false, mutant: null })),
      ...stricter.flatMap((other) =>
        every.map((routine) => ({ block, memory: other, routine, onlyMemory: true, mutant: null })),
      ),
    ]
  })
}

/** Does one part. Of a mutant the first failure is enough. */
export async function perform(task: Task, solver: Solver): Promise<Outcome> {
  const begun = performance.now()
  const program = programFor(task.block, task.memory, task.mutant)
  const routine = routinesOf(program)[task.routine]
  if (routine === undefined) throw new Error(`no routine ${task.routine}`)
  const facts = obligationsOf(program, routine)
  const chosen = task.onlyMemory ? facts.obligations.filter(({ what }) => speaksOfMemory(what)) : facts.obligations
  const failures: Failure[] = []
  await solver.check({ lines: facts.lines, obligations: chosen }, ({ what, place }, verdict) => {
    if (verdict !== 'proved') failures.push({ what, place, verdict })
    return task.mutant === null || failures.length === 0
  })
  const name = routine.owner === null ? routine.name : `${routine.owner.name}.${routine.name}`
  return { routine: name, obligations: chosen.length, failures, milliseconds: performance.now() - begun }
}

function speaksOfMemory(what: string): boolean {
  return /\bmemory\b|address/.test(what)
}
