import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { cliPath, packagePath } from '../process/run-child.ts'
import { engineOfRun } from '../support/engine.ts'
import { temporaryFolder } from '../support/folders.ts'

// The package on what else it has to run on. The binaries stand in a package of their own, because they are large:
// `npm ci --prefix test/runtimes/binaries`.

const root = fileURLToPath(new URL('../../', import.meta.url))
const fixture = fileURLToPath(new URL('fixtures/package.mjs', import.meta.url))
const binary = (path: string): string => fileURLToPath(new URL(`binaries/node_modules/${path}`, import.meta.url))

interface Runtime {
  command: string
  /** Before the program. */
  options?: string[]
  version: RegExp
}

const runtimes: Record<string, Runtime> = {
  'this Node': { command: process.execPath, version: /^v/ },
  'Node 22': { command: binary('node22/bin/node'), version: /^v22\./ },
  'Node 24': { command: binary('node24/bin/node'), version: /^v24\./ },
  'Node 26': {
    command: binary('node26/bin/node'),
    options: ['--experimental-stream-iter', '--disable-warning=ExperimentalWarning'],
    version: /^v26\./,
  },
  Bun: { command: binary('@oven/bun-linux-x64-baseline/bin/bun'), version: /^1\./ },
  Deno: { command: binary('@deno/linux-x64-glibc/deno'), options: ['run', '-A'], version: /^deno 2\./ },
}

const checks = [
  'a direct writer, by every call',
  'memory of the caller, without a copy',
  'every strategy',
  'errors',
  'a stream in the place of that of fs',
  'writeFile, of everything',
  'probe',
  'events',
  'many writers at once',
  'in a thread',
  'node:stream/iter',
]

const missing = Object.values(runtimes).some(({ command }) => !existsSync(command))
const why = missing ? ' (skipped: npm ci --prefix test/runtimes/binaries)' : ''

test('every runtime is there', () => {
  if (process.env.CI === 'true') expect(missing).toBe(false)
})

function run(command: string, options: readonly string[], env: Record<string, string> = {}): string {
  // Our watch on the engine is Node's; the fixture says itself which one it got.
  const all = { ...process.env, ENGINE: engineOfRun, NODE_OPTIONS: '', FORCEDIRECTIO: '', ...env }
  const { status, stdout, stderr } = spawnSync(command, options, { encoding: 'utf8', env: all, cwd: root })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}

describe.skipIf(missing).each(Object.entries(runtimes))(`on %s${why}`, (_name, { command, options = [], version }) => {
  let results: Record<string, string | null> | undefined

  test('it is the version that it is said to be', () => {
    expect(run(command, ['--version'])).toMatch(version)
  })

  test.each(checks)('%s', (check) => {
    results ??= JSON.parse(run(command, [...options, fixture, packagePath, temporaryFolder()])) as typeof results
    expect(Object.keys(results ?? {})).toEqual(checks)
    expect(results?.[check]).toBeNull()
  })
})

const nodes = Object.entries(runtimes).filter(([name]) => name.startsWith('Node'))

describe.skipIf(missing).each(nodes)(`on %s, its writes forced${why}`, (_name, { command }) => {
  test('a program sees what it saw without', () => {
    const program = fileURLToPath(new URL('../force/fixtures/writes.mjs', import.meta.url))
    const through = (forced: string) => {
      const output = run(command, ['--import', 'uncached-io/force', program, temporaryFolder()], {
        FORCEDIRECTIO: forced,
      })
      return JSON.parse(output) as {
        passedThrough: object
        results: Record<string, { saw: unknown; directBytes: number }>
      }
    }
    const [before, after] = [through(''), through('1')]
    for (const [name, { saw }] of Object.entries(before.results)) expect(after.results[name]?.saw, name).toEqual(saw)
    expect(after.passedThrough).toEqual(before.passedThrough)
    // As on this Node: which function of node:fs makes use of which other one is not the same.
    const directBytes = Object.values(after.results).reduce((sum, result) => sum + result.directBytes, 0)
    expect(directBytes).toBe(20_000_527)
  })

  test('the command works', () => {
    expect(run(command, [cliPath, 'probe', temporaryFolder()])).toContain('recommended    direct')
  })
})
