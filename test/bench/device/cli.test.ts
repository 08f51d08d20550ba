import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import type { DeviceJson } from '../../../bench/device/json.ts'
import { names } from '../../../bench/device/names.ts'
import { packageFolder } from '../../../bench/package.ts'
import { MIB } from '../../../bench/units.ts'
import { expectEngine } from '../../support/engine.ts'

const main = fileURLToPath(new URL('../../../out/bench/device/main.js', import.meta.url))

// On the project's own file system, since the system's temporary folder may be one that cannot do direct.
const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
const emptyFolder = mkdtempSync(join(tmpdir(), 'bench-no-fio-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
  rmSync(emptyFolder, { recursive: true })
})

/** Real runs of many processes, on a machine that also runs other tests. */
const patienceMs = 180_000

async function bench(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env })
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  await once(child, 'close')
  return { code: child.exitCode, ...texts }
}

describe('npm run bench:device', () => {
  it(
    'runs everything, tells it in tables and in JSON, and cleans up',
    async () => {
      expectEngine('io_uring', 'threads')
      const dir = mkdtempSync(join(folder, 'all-'))
      const json = join(folder, 'all.json')
      const args = ['--dir', dir, '--size', '64MiB', '--pairs', '1', '--json', json]
      const { code, stdout, stderr } = await bench(args)
      expect(stderr).not.toContain('failed')
      expect(code).toBe(0)
      expect(readdirSync(dir)).toEqual([])
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
      const report: DeviceJson = JSON.parse(readFileSync(json, 'utf8'))
      expect(report).toMatchObject({ schemaVersion: 1, pairs: 1, bytes: 64 * MIB })
      const told = [...report.throughput, ...report.eventLoop, ...report.idleWriters, ...report.notRun]
      const subjects = told.map(({ subject }) => subject)
      for (const [name] of names.slice(0, -2)) {
        expect(subjects).toContain(name)
        expect(stdout).toMatch(new RegExp(`^${name} +\\S`, 'm'))
      }
      for (const workload of ['event-loop', 'idle-writers']) {
        expect(told.map((run) => run.workload)).toContain(workload)
      }
      for (const { verdict } of report.targets) expect(['reached', 'missed', 'not measured']).toContain(verdict)
    },
    patienceMs,
  )

  it(
    'says in its row that fio is not installed, and runs the others',
    async () => {
      const args = ['--dir', folder, '--size', '64MiB', '--pairs', '1', '--only', 'fio,copy-loop']
      // sync(1) is asked for as well, and does not matter here.
      const { code, stdout } = await bench(args, { ...process.env, PATH: emptyFolder })
      expect(stdout).toContain('not possible here: fio is not installed (Debian: apt-get install fio)')
      expect(stdout).toMatch(/^copy-loop +\d+/m)
      expect(code).toBe(0)
    },
    patienceMs,
  )

  it('prints its help', async () => {
    const { code, stdout } = await bench(['--help'])
    expect(code).toBe(0)
    for (const [name] of names) expect(stdout).toContain(`  ${name} `)
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
  })

  it.each([
    [['--only', 'floppy'], "unknown name 'floppy'. Known names: fio, large, "],
    [['--size', '1MiB'], '--size 1MiB: not a multiple of 1 MiB from 64 MiB on'],
    [['--pairs', '0'], '--pairs 0: not a whole number'],
    [['--dir', '/no/such/folder'], '--dir: /no/such/folder does not exist'],
  ])('answers %j with exit code 2 and what is wrong', async (args, message) => {
    const { code, stdout, stderr } = await bench(args)
    expect(stderr).toContain(message)
    expect(stderr.startsWith('bench:device: ')).toBe(true)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})
