import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, test } from 'vitest'
import { alignmentOf } from '../../src/alignment.ts'
import type { Engine } from '../../src/engine.ts'
import { enginesHere, expectEngine } from '../support/engine.ts'
import { temporaryFolder } from '../support/folders.ts'
import { whyNoRefusal } from './refusal.ts'
import { resultOfChild } from './run-child.ts'
import { reasonAgainstStrace } from './strace.ts'

// What the kernel is asked for, seen from outside of the process.

const folder = temporaryFolder()
const program = new URL('fixtures/odd-writes.mjs', import.meta.url)
const source = fileURLToPath(new URL('fixtures/alignment-tracer.c', import.meta.url))
// The compiler and root, the right to trace, and the registers of the one processor that the tracer knows.
const whyNot = whyNoRefusal ?? reasonAgainstStrace() ?? (process.arch === 'x64' ? null : 'needs x86-64')

test('a process can be traced here, or nobody demands it', () => {
  if (process.env.CI === 'true') expect(whyNot).toBeNull()
})

describe.skipIf(whyNot !== null).each(enginesHere())(
  `by %s${whyNot === null ? '' : ` (skipped: ${whyNot})`}`,
  (engine) => {
    beforeEach(() => expectEngine(engine))

    test('no direct write that is misaligned reaches the kernel, whatever sizes are written', async () => {
      const { memory, offset } = await alignmentOf(folder)
      const report = await traced(engine, memory, offset)
      expect(report.lines).toEqual([])
      expect(report.misaligned).toBe(0)
      // All went this way: full buffers, lent memory, tails and patches.
      expect(engine === 'io_uring' ? report.ring : report.direct).toBeGreaterThan(200)
      expect(engine === 'io_uring' ? report.direct : report.ring).toBe(0)
    })

    test('the tracer sees writes that do not fit a stricter alignment', async () => {
      const report = await traced(engine, 512, 65536)
      expect(report.misaligned).toBeGreaterThan(50)
      expect(report.lines).toHaveLength(report.misaligned)
    })
  },
)

interface Report {
  readonly direct: number
  readonly ring: number
  readonly misaligned: number
  readonly lines: string[]
}

let runs = 0

async function traced(engine: Engine, memory: number, offset: number): Promise<Report> {
  const tracer = join(folder, 'tracer')
  execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', tracer, source], { stdio: 'pipe' })
  const files = join(folder, String(runs++))
  mkdirSync(files)
  const reportPath = join(files, 'report')
  const through = [tracer, reportPath, String(memory), String(offset), '--']
  const result = await resultOfChild(program, [files], { through })
  expect(result).toEqual({ right: true, engine, alignment: await alignmentOf(folder) })
  const lines = readFileSync(reportPath, 'utf8').trim().split('\n')
  const last = lines.pop() ?? ''
  const [, direct, ring, misaligned] = /^direct (\d+) ring (\d+) misaligned (\d+)$/.exec(last) ?? []
  return { direct: Number(direct), ring: Number(ring), misaligned: Number(misaligned), lines }
}
