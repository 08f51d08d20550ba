import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { packageFolder } from '../../bench/package.ts'
import type { JsonReport } from '../../bench/report/json.ts'
import { strategyNames, subjects } from '../../bench/subjects/index.ts'
import { MIB } from '../../bench/units.ts'
import { workloadNamed, workloads } from '../../bench/workloads/index.ts'
import type { Workload } from '../../bench/workloads/workload.ts'

const main = fileURLToPath(new URL('../../out/bench/main.js', import.meta.url))

// On the project's own file system, since the system's temporary folder may be one that cannot do direct.
const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const isForced = process.env.FORCEDIRECTIO === '1'
const strategies = new Set(['direct', 'dontcache', 'evict', 'buffered'])
/** Real runs of many processes, on a machine that also runs other tests. */
const patienceMs = 60_000

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  // A process group of its own: what is left of it can be asked for.
  const child = spawn(process.execPath, [main, ...args], {
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  const ended = once(child, 'close').then((): Ended => ({ code: child.exitCode, ...texts }))
  return { child, texts, ended }
}

/** File systems whose O_DIRECT goes past the page cache; tmpfs and btrfs take the flag and use the cache. */
function isTrulyDirect({ fileSystemType }: JsonReport['environment']): boolean {
  return fileSystemType === 'ext4' || fileSystemType === 'xfs'
}

/** The names of the subjects that can do a workload. */
function ableTo(workload: Workload): readonly string[] {
  return workload.subjects === 'all' ? subjects.map(({ name }) => name) : strategyNames
}

const bench = (...args: string[]): Promise<Ended> => start(args).ended

function readJson(path: string): JsonReport {
  const report: JsonReport = JSON.parse(readFileSync(path, 'utf8'))
  return report
}

describe('npm run bench', () => {
  it(
    'compacts blocks in a cgroup of its own, from inputs that no run finds in the page cache',
    async () => {
      const json = join(folder, 'compaction.json')
      const args = ['--dir', folder, '--bytes', '16MiB', '--rounds', '2', '--workloads', 'tsdb-compaction']
      const { code, stdout } = await bench(...args, '--subjects', 'direct,buffered', '--json', json)
      expect(code).toBe(0)
      const { environment, runs, notRun } = readJson(json)
      expect(notRun.map(({ subject }) => subject)).toEqual(isForced ? ['buffered'] : [])
      expect(runs.filter(({ subject }) => subject === 'direct')).toHaveLength(2)
      const samples = new Set(runs.map((run) => run.sampleCount))
      expect(samples.size, 'all runs compact the same').toBe(1)
      for (const run of runs) {
        // All of the inputs comes from the device each time, and at least as much goes there.
        const { deviceReadBytes, deviceWrittenBytes, bytes } = run
        if (environment.countedDevice.startsWith('/')) expect(deviceReadBytes).toBeNull()
        if (deviceReadBytes !== null) expect(deviceReadBytes).toBeGreaterThanOrEqual(bytes)
        if (deviceWrittenBytes !== null) expect(deviceWrittenBytes).toBeGreaterThanOrEqual(bytes)
        if (typeof environment.memoryCgroup === 'string') {
          expect(run.cacheChargePeakBytes).toBeNull()
          expect(stdout).toContain('not permitted')
        } else if (run.subject === 'buffered') {
          // Inputs and output.
          expect(run.cacheChargePeakBytes).toBeGreaterThan(1.8 * bytes)
        } else if (isTrulyDirect(environment)) {
          expect(run.cacheChargePeakBytes).toBeLessThan(0.1 * bytes)
          expect(run.footprintResidualBytes).toBe(0)
        }
      }
    },
    patienceMs,
  )

  it(
    'leaves out workloads that no subject asked for can do, and says so',
    async () => {
      const args = ['--dir', folder, '--bytes', '1MiB', '--rounds', '1', '--subjects', 'fs-filehandle']
      const { code, stdout, stderr } = await bench(...args)
      expect(code).toBe(0)
      expect(stdout).toContain('Left out: tsdb-compaction, wal: written through this package only')
      expect(stderr).not.toContain('making')
    },
    patienceMs,
  )

  it(
    'runs every subject on every workload, tells it in a table and in JSON, and cleans up',
    async () => {
      const dir = mkdtempSync(join(folder, 'all-'))
      const json = join(folder, 'all.json')
      const { code, stdout, stderr } = await bench('--dir', dir, '--bytes', '8MiB', '--rounds', '1', '--json', json)
      expect(stderr).not.toContain('failed')
      expect(code).toBe(0)
      expect(readdirSync(dir)).toEqual([])

      const { schemaVersion, environment, runs, notRun, brokenClaims } = readJson(json)
      expect(schemaVersion).toBe(1)
      expect(environment).toMatchObject({ node: process.version, cpuCount: expect.any(Number) })
      expect(environment.fileSystemType).toEqual(expect.any(String))
      const told = [...runs, ...notRun].map(({ subject, workload }) => `${subject} ${workload}`)
      const all = workloads.flatMap((workload) => ableTo(workload).map((name) => `${name} ${workload.name}`))
      expect(told.toSorted()).toEqual(all.toSorted())
      for (const run of runs) {
        expect(Object.keys(run)).toEqual([
          'subject',
          'workload',
          'round',
          'bytes',
          'seconds',
          'cpuUserSeconds',
          'cpuSystemSeconds',
          'footprintPeakBytes',
          'footprintResidualBytes',
          'eventLoopDelayMsMax',
          'cacheChargePeakBytes',
          'cacheChargeMeanBytes',
          'deviceReadBytes',
          'deviceWrittenBytes',
          'sampleCount',
          'commits',
        ])
        expect(run.round).toBe(1)
        // What a workload of the TSDB writes comes in whole samples and chunks.
        if (workloadNamed(run.workload).subjects === 'all') expect(run.bytes).toBe(8 * MIB)
        else expect(run.bytes).toBeGreaterThanOrEqual(8 * MIB)
        expect(run.sampleCount !== null).toBe(run.workload === 'tsdb-compaction')
        expect(run.commits !== null).toBe(run.workload === 'wal')
        expect(run.seconds).toBeGreaterThan(0)
        expect(run.cpuUserSeconds + run.cpuSystemSeconds).toBeGreaterThan(0)
        expect(run.footprintPeakBytes).toBeGreaterThanOrEqual(run.footprintResidualBytes)
      }
      // Every subject has a row in each table of what it can do, also those without numbers.
      for (const { name } of subjects) {
        const tables = workloads.filter((workload) => ableTo(workload).includes(name)).length
        expect(stdout.match(new RegExp(`^${name}\\b(?!-)`, 'gm'))?.length).toBe(tables)
      }
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
      expect(stdout).not.toContain('\x1b')
      // Where direct is known to be direct nothing is broken; elsewhere the report must not hide it.
      if (isTrulyDirect(environment)) expect(brokenClaims).toEqual([])
      for (const { subject } of brokenClaims) expect(stdout).toMatch(new RegExp(`^${subject} !`, 'm'))
    },
    patienceMs,
  )

  it(
    'shows that direct leaves nothing in the page cache and buffered leaves the file there',
    async () => {
      const json = join(folder, 'residency.json')
      const args = ['--dir', folder, '--bytes', '32MiB', '--rounds', '2', '--workloads', 'large']
      const { code } = await bench(...args, '--subjects', 'direct,buffered,fs-filehandle', '--json', json)
      expect(code).toBe(0)
      const { environment, runs, notRun } = readJson(json)
      const residualsOf = (name: string) =>
        runs.filter(({ subject }) => subject === name).map((run) => run.footprintResidualBytes)
      const direct = notRun.find(({ subject }) => subject === 'direct')
      if (isTrulyDirect(environment)) expect(residualsOf('direct')).toEqual([0, 0])
      else if (direct !== undefined) expect(direct.code).toBe('ERR_DIRECT_UNSUPPORTED')
      else expect(residualsOf('direct')).toHaveLength(2)
      expect(residualsOf('fs-filehandle')).toEqual([32 * MIB, 32 * MIB])
      // Under FORCEDIRECTIO there is no buffered writer, and a number under its name would be a lie.
      expect(residualsOf('buffered')).toEqual(isForced ? [] : [32 * MIB, 32 * MIB])
    },
    patienceMs,
  )

  it(
    'reports as not run what FORCEDIRECTIO turned into something else',
    async () => {
      const json = join(folder, 'forced.json')
      const args = ['--dir', folder, '--bytes', '1MiB', '--rounds', '2', '--workloads', 'large', '--json', json]
      const { code, stdout } = await bench(...args)
      expect(code).toBe(0)
      const forced = readJson(json).notRun.filter((run) => run.code === 'ERR_STRATEGY_NOT_IN_EFFECT')
      const names = isForced ? [...strategies].filter((name) => name !== 'direct') : []
      expect(forced.map(({ subject }) => subject).toSorted()).toEqual(names.toSorted())
      expect(stdout.includes('FORCEDIRECTIO=1 is set')).toBe(isForced)
    },
    patienceMs,
  )

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'cleans up after %s, ends its processes and keeps what was measured',
    async (signal) => {
      const dir = mkdtempSync(join(folder, 'interrupted-'))
      const json = join(folder, `${signal}.json`)
      const args = ['--dir', dir, '--bytes', '64MiB', '--rounds', '1000', '--subjects', 'fs-filehandle', '--json', json]
      const { child, texts, ended } = start(args)
      const pid = child.pid
      if (pid === undefined) throw new Error('the benchmark could not be started')
      while (!texts.stderr.includes('1/')) await once(child.stderr, 'data')
      expect(readdirSync(dir)).toHaveLength(1)
      // To the whole group, as a terminal does it.
      process.kill(-pid, signal)
      const { code, stdout } = await ended
      expect(code).toBe(signal === 'SIGINT' ? 130 : 143)
      expect(stdout).toContain('Interrupted')
      expect(readdirSync(dir)).toEqual([])
      expect(readJson(json).runs.length).toBeGreaterThan(0)
      expect(() => process.kill(-pid, 0), 'a process is left').toThrow('ESRCH')
    },
    patienceMs,
  )

  it(
    'cleans up when it is interrupted while it makes the input of a workload',
    async () => {
      const dir = mkdtempSync(join(folder, 'set-up-'))
      const args = ['--dir', dir, '--bytes', '256MiB', '--workloads', 'tsdb-compaction', '--subjects', 'direct']
      const { child, texts, ended } = start(args)
      const pid = child.pid
      if (pid === undefined) throw new Error('the benchmark could not be started')
      while (!texts.stderr.includes('making 256 MiB of input')) await once(child.stderr, 'data')
      process.kill(-pid, 'SIGINT')
      const { code, stdout } = await ended
      expect(code).toBe(130)
      expect(stdout).toContain('Interrupted')
      expect(readdirSync(dir)).toEqual([])
      expect(() => process.kill(-pid, 0), 'a process is left').toThrow('ESRCH')
    },
    patienceMs,
  )

  it(
    'prints its tables also when the JSON cannot be written in the end',
    async () => {
      const args = ['--dir', folder, '--bytes', '1MiB', '--rounds', '1', '--subjects', 'fs-filehandle']
      const { code, stdout, stderr } = await bench(...args, '--json', '/dev/full')
      expect(stdout.match(/^fs-filehandle/gm)).toHaveLength(2)
      expect(stderr).toContain('bench: --json: ENOSPC')
      expect(code).toBe(1)
    },
    patienceMs,
  )

  it(
    'runs fio beside the subjects with --ceiling, and shows their ratio to it',
    async () => {
      const json = join(folder, 'ceiling.json')
      const args = ['--dir', folder, '--bytes', '4MiB', '--rounds', '2', '--subjects', 'direct', '--ceiling']
      const { code, stdout } = await bench(...args, '--json', json)
      expect(code).toBe(0)
      const { runs, notRun } = readJson(json)
      const told = [...runs, ...notRun].filter(({ subject }) => subject === 'fio')
      expect(new Set(told.map(({ workload }) => workload))).toEqual(new Set(['large', 'small-records']))
      expect(stdout).toContain('fio is the ceiling')
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
      const isPossible = notRun.length === 0
      expect(stdout.match(/^against fio +throughput +CPU per GiB$/gm)?.length).toBe(isPossible ? 2 : undefined)
      for (const run of runs) expect(run.eventLoopDelayMsMax === null).toBe(run.subject === 'fio')
    },
    patienceMs,
  )

  it(
    'says with --ceiling that fio is not installed',
    async () => {
      const args = ['--dir', folder, '--bytes', '1MiB', '--rounds', '1', '--subjects', 'fs-filehandle', '--ceiling']
      const { child, ended } = start(args, { ...process.env, PATH: mkdtempSync(join(folder, 'no-fio-')) })
      const { stdout } = await ended
      expect(child.exitCode).toBe(0)
      const row = 'fio            not possible here: fio is not installed (Debian: apt-get install fio)'
      expect(stdout.split('\n').filter((line) => line === row)).toHaveLength(2)
    },
    patienceMs,
  )

  it('prints its help', async () => {
    const { code, stdout } = await bench('--help')
    expect(code).toBe(0)
    for (const { name } of [...subjects, ...workloads]) expect(stdout).toContain(`  ${name} `)
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
  })

  it.each([
    [['--subject', 'direct'], "Unknown option '--subject'"],
    [['--subjects', 'floppy'], 'Known subjects: direct, dontcache, evict, buffered, fs-write-stream'],
    [['--workloads', 'huge'], 'Known workloads: large, small-records, tsdb-compaction, wal'],
    [['--workloads', 'wal', '--subjects', 'sonic-boom'], 'wal: written through this package only'],
    [['--bytes', 'much'], '--bytes much: not a size'],
    [['--rounds', '0'], '--rounds 0: not a whole number'],
    [['--dir', '/no/such/folder'], '--dir: /no/such/folder does not exist'],
    [['--json', '/no/such/folder/x.json'], '--json: /no/such/folder/x.json cannot be written'],
  ])('answers %j with exit code 2 and what is wrong', async (args, message) => {
    const { code, stdout, stderr } = await bench(...args)
    expect(stderr).toContain(message)
    expect(stderr.startsWith('bench: ')).toBe(true)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  it('says before anything is written that there is not enough space', async () => {
    const dir = mkdtempSync(join(folder, 'space-'))
    const json = join(folder, 'space.json')
    const { code, stderr } = await bench('--dir', dir, '--bytes', '7000TiB', '--json', json)
    expect(code).toBe(1)
    expect(stderr).toMatch(/not enough space in .* needed, .* free/)
    expect(readdirSync(dir)).toEqual([])
    expect(existsSync(json)).toBe(false)
  })
})
