import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { packageFolder } from '../../bench/package.ts'
import type { Report } from '../../bench/schema/report.ts'
import { strategyNames, subjects } from '../../bench/subjects/index.ts'
import { MIB } from '../../bench/units.ts'
import { workloadNamed, workloads } from '../../bench/workloads/index.ts'
import type { Workload } from '../../bench/workloads/workload.ts'
import { bench, patienceMs, readJson, start } from './bench-command.ts'

// On the project's own file system, since the system's temporary folder may be one that cannot do direct.
const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const isForced = process.env.FORCEDIRECTIO === '1'
const strategies = new Set(['direct', 'dontcache', 'evict', 'buffered'])

/** File systems whose O_DIRECT goes past the page cache; tmpfs and btrfs take the flag and use the cache. */
function isTrulyDirect({ fileSystemType }: Report['environment']): boolean {
  return fileSystemType === 'ext4' || fileSystemType === 'xfs'
}

/** The names of the subjects that can do a workload. */
function ableTo(workload: Workload): readonly string[] {
  return workload.subjects === 'all' ? subjects.map(({ name }) => name) : strategyNames
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
        const { device, memory, footprint, bytes } = run
        if (environment.disk === null) expect(device).toBeNull()
        if (device !== null) {
          expect(device.readBytes).toBeGreaterThanOrEqual(bytes)
          expect(device.writtenBytes).toBeGreaterThanOrEqual(bytes)
        }
        if (memory === null) {
          expect(stdout).toContain('not permitted')
        } else if (run.subject === 'buffered') {
          // Inputs and output.
          expect(memory.cachePeakBytes).toBeGreaterThan(1.8 * bytes)
        } else if (isTrulyDirect(environment)) {
          expect(memory.cachePeakBytes).toBeLessThan(0.1 * bytes)
          expect(footprint.residualBytes).toBe(0)
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
      expect(stdout).toContain('Left out: wal, tsdb-compaction: written through this package only')
      expect(stderr).not.toContain('making')
    },
    patienceMs,
  )

  it(
    'runs every subject and every workload, tells it in tables and in JSON, and cleans up',
    async () => {
      const dir = mkdtempSync(join(folder, 'all-'))
      const json = join(folder, 'all.json')
      const profile = join(folder, 'all-profile.json')
      // Each of them on one workload, and on the others those that differ.
      const few = ['direct', 'buffered', 'fs-writev']
      const all = Object.fromEntries(
        workloads.map(({ name }) => [name, name === 'large' ? { bytes: '2MiB' } : { bytes: '2MiB', subjects: few }]),
      )
      writeFileSync(profile, JSON.stringify({ dir, rounds: 1, workloads: all, json }))
      const { code, stdout, stderr } = await bench('--profile', profile)
      expect(stderr).not.toContain('failed')
      expect(code).toBe(0)
      expect(readdirSync(dir)).toEqual([])

      const { environment, runs, notRun, brokenClaims, summary } = readJson(json)
      expect(environment).toMatchObject({ node: process.version, cpuCount: expect.any(Number) })
      expect(summary).toHaveLength(5)
      const told = [...runs, ...notRun].map(({ subject, workload }) => `${subject} ${workload}`)
      const asked = (workload: Workload) =>
        ableTo(workload).filter((name) => workload.name === 'large' || few.includes(name))
      const able = workloads.flatMap((workload) => asked(workload).map((name) => `${name} ${workload.name}`))
      expect(told.toSorted()).toEqual(able.toSorted())
      for (const run of runs) {
        expect(run.round).toBe(1)
        // What a workload of the TSDB writes comes in whole samples and chunks.
        if (workloadNamed(run.workload).subjects === 'all') expect(run.bytes).toBe(2 * MIB)
        else expect(run.bytes).toBeGreaterThanOrEqual(2 * MIB)
        expect(run.sampleCount !== null).toBe(run.workload === 'tsdb-compaction')
        expect(run.commitLatency !== null).toBe(run.workload === 'wal')
        expect(run.writeLatency !== null).toBe(workloadNamed(run.workload).subjects === 'all')
        expect(run.warmUpBytes > 0).toBe(workloadNamed(run.workload).warmUpBytes > 0)
        expect(run.residentPeakBytes).toBeGreaterThan(0)
        expect(run.seconds).toBeGreaterThan(0)
        expect(run.cpuUserSeconds + run.cpuSystemSeconds).toBeGreaterThan(0)
        expect(run.footprint.peakBytes).toBeGreaterThanOrEqual(run.footprint.residualBytes)
        expect(run.memory === null).toBe(typeof environment.memoryCgroup === 'string')
        expect(run.kernelCpu === null).toBe(environment.kernelThreads !== true)
      }
      // Every subject has a row in the first table of what it can do, also those without numbers.
      for (const { name } of subjects) {
        const tables = workloads.filter((workload) => asked(workload).includes(name)).length
        expect(stdout.match(new RegExp(`^${name}\\b(?!-)`, 'gm'))?.length).toBeGreaterThanOrEqual(tables)
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
      const args = [
        '--dir',
        folder,
        '--bytes',
        '32MiB',
        '--rounds',
        '2',
        '--workloads',
        'large',
        '--situations',
        'alone',
      ]
      const { code } = await bench(...args, '--subjects', 'direct,buffered,fs-filehandle', '--json', json)
      expect(code).toBe(0)
      const { environment, runs, notRun } = readJson(json)
      const residualsOf = (name: string) =>
        runs.filter(({ subject }) => subject === name).map((run) => run.footprint.residualBytes)
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
      const args = [
        '--dir',
        folder,
        '--bytes',
        '1MiB',
        '--rounds',
        '2',
        '--workloads',
        'large',
        '--situations',
        'alone',
        '--json',
        json,
      ]
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
      const what = ['--workloads', 'large', '--subjects', 'fs-filehandle', '--json', json]
      const args = ['--dir', dir, '--bytes', '64MiB', '--rounds', '1000', ...what]
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
      const what = ['--workloads', 'large', '--subjects', 'fs-filehandle']
      const args = ['--dir', folder, '--bytes', '1MiB', '--rounds', '1', ...what]
      const { code, stdout, stderr } = await bench(...args, '--json', '/dev/full')
      expect(stdout).toMatch(/^fs-filehandle +\d/m)
      expect(stderr).toContain('bench: --json: ENOSPC')
      expect(code).toBe(1)
    },
    patienceMs,
  )
})
