import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { matrixLines } from '../../bench/matrix/lines.ts'
import { makeFileSystem, removeLeftovers } from '../../bench/matrix/loop-file-systems.ts'
import { mebibytesFor, placeKinds } from '../../bench/matrix/places.ts'
import { type MatrixPlan, runMatrix } from '../../bench/matrix/run-matrix.ts'
import { packageFolder } from '../../bench/package.ts'
import type { Place } from '../../bench/schema/report.ts'
import { MIB } from '../../bench/units.ts'
import { demandFileSystemsInCI, named, whyNot } from '../filesystem/file-systems.ts'
import { plausibleRun } from './reports.ts'
import { measured, notRun } from './runs.ts'

demandFileSystemsInCI()

const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const site = { dir: folder, prefix: 'matrix-test-' }
const never = new AbortController().signal

/** What is mounted, and attached to loop devices, out of the folder. */
function traces(): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const loops = spawnSync('losetup', ['--list'], { encoding: 'utf8', env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' } })
  return [...mounts, ...loops.stdout.split('\n')].filter((line) => line.includes(folder))
}

const kindsNamed = (...names: string[]) => placeKinds.filter(({ name }) => names.includes(name))

describe('the places', () => {
  it('are ext4, xfs and btrfs with both sizes of sectors, tmpfs and overlayfs', () => {
    expect(placeKinds.map(({ name }) => name)).toEqual([
      'ext4, 512-byte sectors',
      'ext4, 4096-byte sectors',
      'xfs, 512-byte sectors',
      'xfs, 4096-byte sectors',
      'btrfs, 512-byte sectors',
      'btrfs, 4096-byte sectors',
      'tmpfs',
      'overlayfs on ext4',
    ])
    expect(mebibytesFor(MIB)).toBe(320)
    expect(mebibytesFor(1024 * MIB)).toBe(1152)
  })
})

const fails = () => Promise.reject(new Error('a bug'))

describe.skipIf(whyNot !== null)(named('runMatrix'), () => {
  const none = { runs: [], notRun: [], brokenClaims: [] }
  const plan = (changes: Partial<MatrixPlan>): MatrixPlan => ({
    places: kindsNamed('ext4, 4096-byte sectors', 'tmpfs', 'overlayfs on ext4'),
    site,
    bytes: MIB,
    runAt: async () => none,
    signal: never,
    ...changes,
  })

  it('makes one after the other, runs there, and leaves nothing', async () => {
    const seen: string[][] = []
    const runAt = async (place: string) => {
      writeFileSync(join(place, 'file'), 'x')
      seen.push(traces())
      return { ...none, runs: [measured()] }
    }
    const places = await runMatrix(plan({ runAt }))
    expect(places.map(({ name, notMade, runs }) => [name, notMade, runs.length])).toEqual([
      ['ext4, 4096-byte sectors', null, 1],
      ['tmpfs', null, 1],
      ['overlayfs on ext4', null, 1],
    ])
    expect(places[0]!.alignment?.offset).toBeGreaterThanOrEqual(512)
    for (const lines of seen) expect(lines.length).toBeGreaterThan(0)
    expect(traces()).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })

  it('leaves nothing when a run throws, or all is to end', async () => {
    await expect(runMatrix(plan({ places: kindsNamed('tmpfs'), runAt: fails }))).rejects.toThrow('a bug')
    expect(traces()).toEqual([])
    expect(await runMatrix(plan({ signal: AbortSignal.abort() }))).toEqual([])
  })

  it('goes on behind a place that cannot be made, and says why', async () => {
    const [tmpfs] = kindsNamed('tmpfs')
    const impossible = { ...tmpfs!, name: 'none', kind: 'zfs' as 'xfs' }
    const places = await runMatrix(plan({ places: [impossible, tmpfs!] }))
    expect(places.map(({ name }) => name)).toEqual(['none', 'tmpfs'])
    expect(places[0]!.notMade).toContain('mkfs.zfs')
    expect(places[1]!.notMade).toBeNull()
    expect(readdirSync(folder)).toEqual([])
  })

  it('removes what a process has left that was killed', async () => {
    const library = fileURLToPath(new URL('../../out/bench/matrix/loop-file-systems.js', import.meta.url))
    const body = `import { makeFileSystem } from ${JSON.stringify(library)}
      makeFileSystem('ext4', ${JSON.stringify(site)}, { mebibytes: 16 })
      console.log('made')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', body], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    expect(traces().length).toBeGreaterThan(0)
    removeLeftovers(site)
    expect(traces().length, 'it is somebody’s').toBeGreaterThan(0)
    child.kill('SIGKILL')
    await once(child, 'exit')
    makeFileSystem('tmpfs', site).remove()
    expect(traces()).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })

  it('is cleaned up when the benchmark is interrupted', async () => {
    const main = fileURLToPath(new URL('../../out/bench/main.js', import.meta.url))
    const args = [main, '--matrix', '--dir', folder, '--bytes', '4MiB', '--rounds', '9', '--subjects', 'direct']
    const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    await once(child.stderr, 'data')
    expect(traces().length).toBeGreaterThan(0)
    process.kill(-child.pid!, 'SIGINT')
    await once(child, 'close')
    expect(child.exitCode).toBe(130)
    expect(stdout).toContain('Interrupted')
    expect(traces()).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('npm run bench -- --matrix', () => {
  it('says that it needs root', () => {
    const main = fileURLToPath(new URL('../../out/bench/main.js', import.meta.url))
    const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, main, '--matrix']
    const isRoot = process.getuid?.() === 0
    const [command, args] = isRoot ? ['setpriv', asNobody] : [process.execPath, [main, '--matrix']]
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
    expect(stderr).toContain('needs root')
    expect(status).toBe(1)
  })
})

const at = (name: string, changes: Partial<Place> = {}): Place => ({
  name,
  fileSystemType: 'ext4',
  sectorBytes: 4096,
  alignment: { memory: 4, offset: 4096, source: 'statx' },
  notMade: null,
  runs: [plausibleRun('direct', 1), plausibleRun('buffered', 1)],
  notRun: [],
  brokenClaims: [],
  ...changes,
})

describe('matrixLines', () => {
  const what = 'left 64 MiB (100.0 %) in the page cache, not nothing'
  const hidden = plausibleRun('evict', 1)
  const places = [
    at('ext4, 4096-byte sectors'),
    at('tmpfs', {
      notRun: [notRun()],
      brokenClaims: [{ subject: 'direct', workload: 'large', situation: 'alone', what }],
    }),
    at('xfs', { notMade: 'mkfs.xfs: not found' }),
    at('overlayfs', { runs: [{ ...hidden, memory: { ...hidden.memory!, cachePeakBytes: hidden.bytes } }] }),
  ]
  const subjects = ['direct', 'dontcache', 'evict', 'buffered']

  it('shows what works, what is left, what is hidden, and what is not what it says', () => {
    const lines = matrixLines(places, subjects, false)
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(100)
    const rowOf = (name: string) => lines.find((line) => line.startsWith(name))?.replace(/ {2,}/g, '  ')
    expect(rowOf('ext4')).toMatch(/^ext4, 4096-byte sectors {2}4096\/4 statx {2}\d+, 0 % {2}- {2}- {2}\d+, 100 %$/)
    expect(rowOf('tmpfs')).toMatch(/^tmpfs {2}4096\/4 statx {2}! \d+, 0 % {2}no {2}- {2}\d+, 100 %$/)
    expect(rowOf('xfs')).toBe('xfs  could not be made: mkfs.xfs: not found')
    expect(rowOf('overlayfs')).toMatch(/\d+, hidden {2}-$/)
    expect(lines).toContain(`! tmpfs: direct ${what}`)
    expect(lines).toContain('no: dontcache: EOPNOTSUPP, RWF_DONTCACHE is not known here (tmpfs)')
    expect(lines.join('')).not.toContain('\x1b')
    expect(matrixLines(places, subjects, true)).toContain(`\x1b[31m! tmpfs: direct ${what}\x1b[39m`)
  })
})
