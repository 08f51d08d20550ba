import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { runChild } from './run-child.ts'
import { reasonAgainstStrace } from './strace.ts'

const folder = temporaryFolder()
const program = new URL('fixtures/replace.mjs', import.meta.url)
const whyNot = reasonAgainstStrace()

/** The system calls that decide what a power cut leaves, in their order. */
async function callsOfReplacing(path: string, durable: 'durable' | 'not'): Promise<string[]> {
  const trace = `${path}.trace`
  const through = ['strace', '-f', '-qq', '-o', trace, '-e', 'trace=fdatasync,fchmod,fsync,renameat,renameat2']
  const { code, stderr } = await runChild(program, [path, durable], { through })
  expect([code, stderr]).toEqual([0, ''])
  const call = /^\d+ +(?<name>[a-z]+)2?\(/u
  return readFileSync(trace, 'utf8')
    .split('\n')
    .flatMap((line) => call.exec(line)?.groups?.name ?? [])
}

// Each fsync here is one of the folder.
const written = ['fdatasync', 'fsync']
const renamed = ['renameat', 'fsync']

describe.skipIf(whyNot !== null)(
  `what an atomic writeFile replaces${whyNot === null ? '' : ` (skipped: ${whyNot})`}`,
  () => {
    test('has its permissions on the disk before it takes the name', async () => {
      const path = freshPath(folder)
      writeFileSync(path, 'old')
      chmodSync(path, 0o777)
      expect(await callsOfReplacing(path, 'durable')).toEqual([...written, 'fchmod', 'fsync', ...renamed])
      expect(statSync(path).mode & 0o777).toBe(0o777)
    })

    test('costs no sync more where the permissions are those of a new file', async () => {
      const path = freshPath(folder)
      writeFileSync(path, 'old')
      expect(await callsOfReplacing(path, 'durable')).toEqual([...written, ...renamed])
    })

    test('is synced by nothing without durable', async () => {
      const path = freshPath(folder)
      writeFileSync(path, 'old')
      chmodSync(path, 0o777)
      expect(await callsOfReplacing(path, 'not')).toEqual(['fchmod', 'renameat'])
    })
  },
)
