import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/folders.ts'
import { resultOfChild } from './run-child.ts'

const folder = temporaryFolder()
const program = new URL('fixtures/hot-path.mjs', import.meta.url)

/** Lines of V8's own trace that say `what` of one of the functions that every small piece goes through. */
function said(trace: string, what: RegExp): string[] {
  return trace.split('\n').filter((line) => what.test(line) && /<JSFunction (writeSync|append|fill)\b/.test(line))
}

// Compiling again takes ten milliseconds, in which the loop runs uncompiled and timers wait.
test('a file that passes 2 GiB throws away none of the code that was compiled for its small pieces', async () => {
  const trace = join(folder, 'trace')
  const nodeArguments = ['--trace-opt', '--trace-deopt', '--redirect-code-traces', `--redirect-code-traces-to=${trace}`]
  const { position, before, after } = await resultOfChild<{ position: number; before: string; after: string }>(
    program,
    [folder, trace],
    { nodeArguments },
  )
  expect(position).toBeGreaterThanOrEqual(2 ** 31 + 8 * 1024 * 1024)
  expect(said(before, /completed optimizing/)).not.toEqual([])
  expect(said(after, /bailout|deoptimizing/)).toEqual([])
})
