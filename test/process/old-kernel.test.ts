import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { engineOfRun } from '../support/engine.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { addonPath, packagePath } from './run-child.ts'
import { reasonAgainstStrace } from './strace.ts'

const folder = temporaryFolder()
const program = fileURLToPath(new URL('fixtures/old-kernel.mjs', import.meta.url))

const whyNot = reasonAgainstStrace()

test('system calls can be made to fail here, or nobody demands it', () => {
  if (process.env.CI === 'true') expect(whyNot).toBeNull()
})

describe.skipIf(whyNot !== null)(whyNot === null ? 'statx' : `statx (skipped: ${whyNot})`, () => {
  // ENOSYS: before Linux 4.11. EPERM: filters of container runtimes that do not know the call.
  test.each(['ENOSYS', 'EPERM'])('answering %s, direct writes are aligned to 4096', async (code) => {
    const path = freshPath(folder)
    const inject = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=statx', '-e', `inject=statx:error=${code}`]
    const { stdout } = await promisify(execFile)('strace', [...inject, process.execPath, program, path], {
      env: { ...process.env, ADDON: addonPath, PACKAGE: packagePath },
      timeout: 30_000,
    })
    const alignment = { memory: 4096, offset: 4096, readOffset: 4096, source: 'default' }
    expect(JSON.parse(stdout)).toEqual([alignment, engineOfRun])
    expect(readFileSync(path).equals(Buffer.concat([Buffer.alloc(100_001, 7), Buffer.from('end')]))).toBe(true)
  })
})
