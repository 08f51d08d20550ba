import { parseArgs } from 'node:util'
import { mutants } from './mutants.ts'
import { routinesOf } from './prove.ts'
import type { Counterexample } from './search.ts'
import { allTasks, blocks, type Outcome, programFor, type Task } from './tasks.ts'
import { Workers } from './workers.ts'

const usage = `npm run verify -- [--blocks 512,4096] [--proof] [--mutants]

Proves the contracts of src/plan.ts, src/inflight.ts and of the model that puts them together, for every alignment; then
that the proof fails for each of a set of faulty sources, and shows the calls by which the fault comes out. --proof and
--mutants do one of the two.`

const { values } = parseArgs({
  options: {
    blocks: { type: 'string' },
    proof: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(usage)
} else {
  const workers = await Workers.start()
  try {
    const both = values.proof === values.mutants
    const proved = both || values.proof ? await prove(workers) : true
    const told = both || values.mutants ? await tryMutants(workers) : true
    process.exitCode = proved && told ? 0 : 1
  } finally {
    workers.stop()
  }
}

/** The proof itself. Gives whether all of it holds. */
async function prove(workers: Workers): Promise<boolean> {
  const begun = performance.now()
  const chosen = values.blocks?.split(',').map(Number) ?? blocks
  const byRoutine = new Map<string, { obligations: number; milliseconds: number; failed: number }>()
  let holds = true
  await Promise.all(
    allTasks(chosen).map(async (task) => {
      const outcome = await workers.ask<Outcome>({ kind: 'prove', task })
      const sum = byRoutine.get(outcome.routine) ?? { obligations: 0, milliseconds: 0, failed: 0 }
      sum.obligations += outcome.obligations
      sum.milliseconds += outcome.milliseconds
      sum.failed += outcome.failures.length
      byRoutine.set(outcome.routine, sum)
      if (outcome.failures.length > 0) holds = false
      tellFailures(task, outcome)
    }),
  )
  console.log(`\n${'routine'.padEnd(32)}obligations   seconds`)
  for (const [routine, { obligations, milliseconds, failed }] of byRoutine) {
    const seconds = (milliseconds / 1000).toFixed(1).padStart(10)
    console.log(
      `${routine.padEnd(32)}${String(obligations).padStart(11)}${seconds}${failed > 0 ? `  ${failed} NOT PROVED` : ''}`,
    )
  }
  const all = [...byRoutine.values()]
  const count = (of: 'obligations' | 'failed') => all.reduce((sum, one) => sum + one[of], 0)
  const seconds = Math.round((performance.now() - begun) / 1000)
  console.log(
    `\nproved ${count('obligations') - count('failed')} of ${count('obligations')} obligations, ` +
      `for blocks of ${chosen.join(', ')} bytes, in ${seconds} s`,
  )
  return holds
}

function tellFailures({ block, memory }: Task, { routine, failures }: Outcome): void {
  for (const { what, place, verdict } of failures) {
    console.log(`NOT PROVED (${verdict}): ${routine}, block ${block}, memory ${memory}: ${what} (${place})`)
  }
}

/** Gives whether the proof fails for each mutant, and a sequence of calls shows why. */
async function tryMutants(workers: Workers): Promise<boolean> {
  const begun = performance.now()
  const found = await Promise.all(mutants.map((mutant) => tryMutant(workers, mutant)))
  const seconds = Math.round((performance.now() - begun) / 1000)
  console.log(`\n${found.filter(Boolean).length} of ${found.length} faulty sources are refused, in ${seconds} s`)
  return found.every(Boolean)
}

async function tryMutant(workers: Workers, mutant: (typeof mutants)[number]): Promise<boolean> {
  // 1024, so that an alignment of 512 is one that is too small.
  const block = 1024
  const count = routinesOf(programFor(block, 512, null)).length
  let refused: string | null = null
  for (let routine = 0; routine < count && refused === null; routine++) {
    const task = { block, memory: 512, routine, onlyMemory: false, mutant }
    const { failures, routine: name } = await workers.ask<Outcome>({ kind: 'prove', task })
    const [first] = failures
    if (first !== undefined) refused = `${name}: ${first.what} (${first.verdict})`
  }
  const task = { block, memory: 512, routine: 0, onlyMemory: false, mutant }
  const example = await workers.ask<Counterexample | null>({ kind: 'search', task })
  console.log(`\nmutant: ${mutant.name} (${mutant.path})`)
  console.log(refused === null ? '  THE PROOF DOES NOT FAIL' : `  not proved: ${refused}`)
  if (example === null) console.log('  NO SEQUENCE OF CALLS FOUND')
  else for (const line of [...example.calls, `-> ${example.what}`]) console.log(`    ${line}`)
  return refused !== null && example !== null
}
