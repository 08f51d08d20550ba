import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { codeOf } from '../../bench/errors.ts'
import { packageFolder } from '../../bench/package.ts'
import { KIB, MIB } from '../../bench/units.ts'
import { demandFileSystemsInCI, mounted, named, whyNot } from '../filesystem/file-systems.ts'
import { bench, patienceMs, readJson, start } from './bench-command.ts'

demandFileSystemsInCI()

// On the project's own file system, since the system's temporary folder may be one that cannot do direct.
const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Takes all space that is left. */
function fill(file: number): void {
  try {
    for (;;) writeSync(file, Buffer.alloc(64 * KIB))
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC') throw error
  }
}

describe('npm run bench', () => {
  it(
    'shows what a neighbour feels, with and without a writer, and gives its results to everybody who asks',
    async () => {
      const [json, html, textfile] = [join(folder, 'n.json'), join(folder, 'n.html'), join(folder, 'n.prom')]
      const profile = join(folder, 'neighbour-profile.json')
      const neighbour = { hotBytes: '4MiB', limitBytes: '128MiB', readsPerSecond: 500, writeBytesPerSecond: '16MiB' }
      const large = { bytes: '4MiB', situations: ['neighbour', 'neighbour-throttled'] }
      writeFileSync(profile, JSON.stringify({ rounds: 1, subjects: ['direct'], workloads: { large }, neighbour }))
      const outputs = ['--json', json, '--html', html, '--textfile', textfile, '--metrics-port', '0']
      const { code, stdout, stderr } = await bench('--dir', folder, '--profile', profile, ...outputs)
      expect(stderr).toMatch(/^metrics: http:\/\/127\.0\.0\.1:\d+\/metrics$/m)
      expect(code).toBe(0)
      const { runs, environment } = readJson(json)
      expect(runs.map(({ subject, situation }) => `${subject} ${situation}`)).toEqual([
        'no-writer neighbour',
        'direct neighbour',
        'no-writer neighbour-throttled',
        'direct neighbour-throttled',
      ])
      for (const run of runs) {
        expect(run.bytes).toBe(run.subject === 'no-writer' ? 0 : 4 * MIB)
        expect(run.neighbour?.before.latency.count).toBeGreaterThan(20)
        expect(run.neighbour?.during.latency.count).toBeGreaterThan(0)
        expect(run.neighbour?.limitBytes).toBe(typeof environment.memoryCgroup === 'string' ? null : 128 * MIB)
      }
      const throttled = runs.find(({ subject, situation }) => subject === 'direct' && situation !== 'neighbour')
      expect(throttled?.seconds).toBeGreaterThan(4 / 16 - 1 / 16)
      expect(stdout).toContain('large beside a neighbour, throttled: 4 MiB')
      expect(readFileSync(html, 'utf8')).toContain('large, beside a neighbour')
      expect(readFileSync(textfile, 'utf8')).toContain('uncached_io_bench_neighbour_read_seconds{subject="no-writer"')
    },
    patienceMs,
  )

  it(
    'sweeps block sizes and depths',
    async () => {
      const json = join(folder, 'sweep.json')
      const args = [
        '--dir',
        folder,
        '--sweep',
        '--bytes',
        '4MiB',
        '--rounds',
        '1',
        '--subjects',
        'direct,fs-filehandle',
      ]
      const { code, stdout } = await bench(...args, '--json', json)
      expect(code).toBe(0)
      const { runs } = readJson(json)
      expect(runs.filter(({ subject }) => subject === 'direct')).toHaveLength(12)
      expect(runs.filter(({ subject }) => subject === 'fs-filehandle')).toHaveLength(4)
      expect(new Set(runs.map(({ point }) => JSON.stringify(point))).size).toBe(12)
      expect(stdout).toContain('direct: large by block size and blocks in flight')
      expect(stdout).toMatch(/^64 KiB( +[\d.]+){9}$/m)
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
    },
    patienceMs,
  )

  it(
    'runs fio beside the subjects with --ceiling, and shows their ratio to it',
    async () => {
      const json = join(folder, 'ceiling.json')
      const what = ['--workloads', 'large,small-records,many-files', '--situations', 'alone', '--subjects', 'direct']
      const args = ['--dir', folder, '--bytes', '4MiB', '--rounds', '2', ...what, '--ceiling']
      const { code, stdout } = await bench(...args, '--json', json)
      expect(code).toBe(0)
      const { runs, notRun } = readJson(json)
      for (const name of ['fio', 'fio-buffered', 'fio-uncached']) {
        const told = [...runs, ...notRun].filter(({ subject }) => subject === name)
        expect(new Set(told.map(({ workload }) => workload))).toEqual(new Set(['large', 'small-records']))
      }
      expect(stdout).toContain('fio is the ceiling')
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
      // An older fio has uncached=1 by a number that the kernel gave to something else.
      expect(notRun.filter(({ state }) => state === 'failed')).toEqual([])
      const isPossible = notRun.every(({ subject }) => subject === 'fio-uncached')
      expect(stdout.match(/^against fio +throughput +CPU per GiB$/gm)?.length).toBe(isPossible ? 2 : undefined)
      for (const run of runs) expect(run.eventLoopDelayMsMax === null).toBe(run.subject.startsWith('fio'))
    },
    patienceMs,
  )

  it(
    'says with --ceiling that fio is not installed',
    async () => {
      const what = ['--workloads', 'large', '--situations', 'alone', '--subjects', 'fs-filehandle', '--ceiling']
      const args = ['--dir', folder, '--bytes', '1MiB', '--rounds', '1', ...what]
      const { child, ended } = start(args, { ...process.env, PATH: mkdtempSync(join(folder, 'no-fio-')) })
      const { stdout } = await ended
      // The pages of what is read back are dropped by dd, which is not there either: that run has failed.
      expect(child.exitCode).toBe(1)
      expect(stdout).toMatch(/^fio +not possible here: fio is not installed \(Debian: apt-get install fio\)$/m)
    },
    patienceMs,
  )

  it.skipIf(whyNot !== null)(
    named('keeps what it has when the disk becomes full half-way, says so, and leaves nothing on it'),
    async () => {
      const disk = mounted('ext4', { mebibytes: 64 })
      try {
        const json = join(folder, 'full.json')
        const what = ['--workloads', 'large', '--situations', 'alone', '--subjects', 'direct,fs-filehandle']
        const args = ['--dir', disk.folder, '--bytes', '16MiB', '--rounds', '1000', ...what, '--json', json]
        const { child, texts, ended } = start(args)
        while (!texts.stderr.includes('2/')) await once(child.stderr, 'data')
        const ballast = openSync(join(disk.folder, 'ballast'), 'a')
        // What a run gives back is taken as well.
        while (child.exitCode === null) {
          fill(ballast)
          await sleep(10)
        }
        closeSync(ballast)
        const { code, stdout } = await ended
        expect(code).toBe(1)
        const { runs, notRun } = readJson(json)
        expect(runs.length).toBeGreaterThanOrEqual(2)
        expect(notRun.map(({ state }) => state)).toEqual(['failed', 'failed'])
        for (const { message } of notRun) expect(message).toContain('ENOSPC')
        expect(stdout).toMatch(/fs-filehandle: \d+ of \d+ rounds\. FAILED in round \d+: .*ENOSPC/)
        expect(readdirSync(disk.folder).toSorted()).toEqual(['ballast', 'lost+found'])
      } finally {
        disk.remove()
      }
    },
    patienceMs,
  )
})
