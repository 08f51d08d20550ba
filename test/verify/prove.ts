import { Program } from '../../verify/program.ts'
import { obligationsOf, routinesOf } from '../../verify/prove.ts'
import { Solver } from '../../verify/solver.ts'
import { readModule } from '../../verify/source.ts'

/** What of a source can't be proved: `routine: what`. `block` in it stands for 512. */
export async function unproved(source: string): Promise<string[]> {
  const program = new Program([readModule('test.ts', source)], new Map([['block', 512]]))
  const solver = await Solver.start()
  const found: string[] = []
  for (const routine of routinesOf(program)) {
    await solver.check(obligationsOf(program, routine), ({ what }, verdict) => {
      if (verdict !== 'proved') found.push(`${routine.name}: ${what}`)
      return true
    })
  }
  return found
}
