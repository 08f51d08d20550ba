import { readFileSync } from 'node:fs'
import { counterexample } from './counterexample.ts'
import { Program } from './program.ts'
import { readModule } from './source.ts'
import { Solver } from './solver.ts'
const [, , file, from, to] = process.argv
const files = ['src/plan.ts','src/inflight.ts','verify/model.ts']
const solver = await Solver.start()
const modules = files.map((f)=> { const t = readFileSync(f,'utf8'); if (f===file && !t.includes(from!)) throw new Error('not there'); return readModule(f, f === file ? t.replace(from!, to!) : t) })
const t=performance.now()
console.log(await counterexample(new Program(modules, new Map([['block', 512], ['memory',512], ['grain',4096]])), 'WatchedWriter', solver), performance.now()-t)
process.exit(0)
