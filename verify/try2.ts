import { writeFileSync } from 'node:fs'
import { obligationsOf, routinesOf } from './prove.ts'
import { Program } from './program.ts'
import { readModule } from './source.ts'
const files = ['src/plan.ts','src/inflight.ts','verify/model.ts']
const block = 512
const program = new Program(files.map((f)=>readModule(f)), new Map([['block', block], ['memory',512], ['grain', Math.max(block,4096)]]))
for (const r of routinesOf(program)) {
  if (r.name !== process.argv[2] || r.owner?.name !== 'WatchedWriter') continue
  const facts = obligationsOf(program, r)
  facts.obligations.forEach((o, i) => {
    writeFileSync(`/tmp/smt/${r.name}-${i}.smt2`, facts.lines.slice(0,o.lines).concat(o.own).join('\n')+`\n(assert ${o.violated})\n(check-sat)\n`)
    console.log(i, o.what)
  })
}
