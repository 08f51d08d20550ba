import { counterexample } from './search.ts'
import { Solver } from './solver.ts'
import { modelClass, modulesWith, perform, type Task } from './tasks.ts'

/** A process of the proof: does one part after the other, as it is asked. */

export type Request = { kind: 'prove'; task: Task } | { kind: 'search'; task: Task }

const solver = await Solver.start()

process.on('message', ({ kind, task }: Request) => {
  const answer = kind === 'prove' ? perform(task, solver) : counterexample(modulesWith(task.mutant), modelClass)
  answer.then(
    (outcome) => process.send?.({ outcome }),
    (error: unknown) => process.send?.({ error: String(error instanceof Error ? error.stack : error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
