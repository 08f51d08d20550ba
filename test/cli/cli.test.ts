import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pageCacheOf } from '../../src/index.ts'
import { cliPath } from '../process/run-child.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'

const folder = temporaryFolder()
const content = someBytes(3_000_001)

function run(
  args: string[],
  input: Uint8Array | string = '',
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cliPath, ...args], { input, encoding: 'utf8' })
  return { status, stdout, stderr }
}

test.each([[], ['--sync'], ['--atomic'], ['--atomic', '--sync'], ['--preallocate', '4MiB'], ['--verify']])(
  'write puts standard input into a file, past the page cache: %s %s',
  async (...options) => {
    const path = freshPath(folder)
    expect(run(['write', path, '--strategy', 'direct', ...options], content)).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    })
    expect(readFileSync(path).equals(content)).toBe(true)
    const again = freshPath(folder)
    run(['write', again, '--strategy', 'direct', '--sync'], content)
    expect((await pageCacheOf(again)).residentBytes).toBe(0)
  },
)

test.each([
  ['tried before', '', ''],
  ['forced', '1', 'uncached-io: written as direct: FORCEDIRECTIO is set\n'],
])('write says what it does that was not asked for: %s', (_name, forced, says) => {
  const args = [cliPath, 'write', freshPath(folder)]
  const env = { ...process.env, FORCEDIRECTIO: forced }
  const { status, stderr } = spawnSync(process.execPath, args, { input: content, encoding: 'utf8', env })
  expect([status, stderr]).toEqual([0, says])
})

test('write --exclusive refuses what is there', () => {
  const path = freshPath(folder)
  writeFileSync(path, 'old')
  const { status, stderr } = run(['write', path, '--exclusive'], 'new')
  expect([status, stderr]).toEqual([1, `uncached-io: EEXIST: File exists, open '${path}'\n`])
  expect(readFileSync(path, 'utf8')).toBe('old')
})

test.each([true, false])(
  'write that is interrupted leaves an exact prefix, or with --atomic nothing: %s',
  async (atomic) => {
    const own = temporaryFolder()
    const path = join(own, 'file')
    const child = spawn(process.execPath, [cliPath, 'write', path, ...(atomic ? ['--atomic'] : [])])
    // When the last of it is on its way, all but what a socket holds has been read.
    await new Promise<void>((resolve) => child.stdin.write(content, () => resolve()))
    child.kill('SIGINT')
    const signal = await new Promise((resolve) => child.once('exit', (_code, by) => resolve(by)))
    expect(signal).toBe('SIGINT')
    expect(readdirSync(own)).toEqual(atomic ? [] : ['file'])
    if (atomic) return
    const left = readFileSync(path)
    expect(left.byteLength).toBeGreaterThan(content.byteLength - 1_000_000)
    expect(left.equals(content.subarray(0, left.byteLength))).toBe(true)
  },
)

test('footprint shows what is in the page cache, and evict drops it', () => {
  const path = freshPath(folder)
  writeFileSync(path, content)
  const before = run(['footprint', path, '--json'])
  expect(JSON.parse(before.stdout)).toMatchObject([{ path, sizeBytes: 3_000_001, residentBytes: 733 * 4096 }])
  expect(run(['evict', path])).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(run(['footprint', path]).stdout.split('\n')[1]).toBe(`       0 B        0 B    2.9 MiB    0 % ${path}`)
  const missing = run(['footprint', `${path}-missing`, path])
  expect([missing.status, missing.stdout.split('\n').length]).toEqual([1, 3])
})

test('probe tells in words and as JSON', () => {
  expect(run(['probe', folder]).stdout).toContain('recommended    direct')
  expect(JSON.parse(run(['probe', folder, '--json']).stdout)).toMatchObject({ folder, recommended: 'direct' })
  expect(run(['probe', join(folder, 'missing')]).status).toBe(1)
})

test.each([
  [[], 2],
  [['--help'], 0],
  [['--version'], 0],
  [['frob'], 2],
  [['write'], 2],
  [['write', 'a', '--strategy', 'fast'], 2],
  [['write', 'a', '--preallocate', '10x'], 2],
  [['write', 'a', '--colour'], 2],
  [['footprint'], 2],
])('%o ends with %i', (args, status) => {
  expect(run(args).status).toBe(status)
})
