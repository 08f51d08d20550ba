import { obligationsOf, routinesOf } from './prove.ts'
import { Program } from './program.ts'
import { readModule } from './source.ts'
import { Solver } from './solver.ts'
const files = ['src/plan.ts','src/inflight.ts','verify/model.ts']
const solver = await Solver.start()
for (const block of process.argv[2] ? [Number(process.argv[2])] : [512]) {
  const program = new Program(files.map((f)=>readModule(f)), new Map([['block', block], ['memory', Math.min(512, block)], ['grain', Math.max(block,4096)]]))
  for (const r of routinesOf(program)) {
    if (process.argv[3] && r.name !== process.argv[3]) continue
    const t = performance.now()
    let facts
    try { facts = obligationsOf(program, r) } catch (e) { console.log(r.name, 'ERR', (e as Error).stack?.split('\n').slice(0,6).join('\n')); continue }
    if (process.env.DUMP) { console.log(facts.lines.map((l,i)=>i+': '+l).join('\n')); continue }
    const bad: string[] = []
    await solver.check(facts, (o, v) => { if (v !== 'proved') bad.push(`   ${v}: ${o.what} at ${o.place}`) })
    console.log(block, r.name, facts.obligations.length, 'obligations', facts.lines.length, 'lines', Math.round(performance.now()-t), 'ms', bad.length ? 'FAILED' : '')
    for (const b of bad) console.log(b)
    if (process.env.DUMP) console.log(facts.lines.join('\n'))
  }
}
process.exit(0)
