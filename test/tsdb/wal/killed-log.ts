import { existsSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { runChild } from '../../process/run-child.ts'

const program = new URL('fixtures/killed.mjs', import.meta.url)
const built = fileURLToPath(new URL('../../../out/bench/tsdb/wal/wal-writer.js', import.meta.url))

/** Records that fixtures/killed.mjs commits, in 30 batches, before it comes to a stage. */
const COMMITTED = 90

/** A log, in a new folder below `folder`, whose writer killed itself at a stage of fixtures/killed.mjs. */
export async function killedLog(
  folder: string,
  stage: string,
  strategy: string,
  sync: string,
  turns: number,
): Promise<{ path: string; committed: number }> {
  expect(existsSync(built), `${built}: run npm run build`).toBe(true)
  const path = join(mkdtempSync(join(folder, 'killed-')), 'wal')
  const { signal, hung, stderr, stdout } = await runChild(program, [path, strategy, sync, stage, String(turns)])
  expect({ signal, hung, stderr }).toEqual({ signal: 'SIGKILL', hung: false, stderr: '' })
  expect(Number(stdout.trim().split('\n').at(-1))).toBe(COMMITTED)
  return { path, committed: COMMITTED }
}
