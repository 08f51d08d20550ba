import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { packageFolder } from '../../bench/package.ts'
import { subjects } from '../../bench/subjects/index.ts'
import { workloads } from '../../bench/workloads/index.ts'
import { bench } from './bench-command.ts'

// On the project's own file system, since the system's temporary folder may be one that cannot do direct.
const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('npm run bench', () => {
  it('prints its help', async () => {
    const { code, stdout } = await bench('--help')
    expect(code).toBe(0)
    for (const { name } of [...subjects, ...workloads]) expect(stdout).toContain(`  ${name} `)
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
  })

  it.each([
    [['--subject', 'direct'], "Unknown option '--subject'"],
    [['--subjects', 'floppy'], 'Known subjects: direct, dontcache, evict, buffered, fs-write-stream'],
    [['--workloads', 'huge'], 'Known workloads: large, small-records, wal, tsdb-compaction, many-files, mixed'],
    [['--profile', '/no/such'], 'Shipped profiles: default, full, quick'],
    [['--html', '/no/such/folder/x.html'], '--html: /no/such/folder/x.html cannot be written'],
    [['--textfile', '/tmp/x.txt'], '--textfile /tmp/x.txt: node_exporter reads only files that end in .prom'],
    [['--matrix', '--sweep'], 'one after the other'],
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
