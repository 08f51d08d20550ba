import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { packageFolder } from '../../bench/package.ts'
import type { Strategy } from '../../bench/tsdb/settings.ts'
import { KIB } from '../../bench/units.ts'
import { mediansOf, runCell } from '../../bench/wal/cells.ts'
import { checkBatches, WalBatches, writeBatches } from '../../bench/workloads/wal-batches.ts'
import { strategyInEffect } from '../support/mode.ts'

const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const strategies: readonly Strategy[] = ['direct', 'dontcache', 'evict', 'buffered']

describe('WalBatches', () => {
  it('has records of about the size asked for, until the bytes are reached', () => {
    const batches = new WalBatches(4 * KIB, 100 * KIB)
    expect(batches.byteLength).toBeGreaterThanOrEqual(100 * KIB)
    for (let i = 0; i < batches.count; i++) {
      expect(Math.abs(batches.record(i).length - 4 * KIB)).toBeLessThan(0.1 * 4 * KIB)
    }
    const sum = Array.from({ length: batches.count }, (_, i) => batches.record(i).length).reduce((a, b) => a + b)
    expect(batches.byteLength).toBe(sum)
  })
})

describe('checkBatches', () => {
  it('finds what is missing, what is another one and what is too much', async () => {
    const path = join(folder, 'checked')
    const batches = new WalBatches(KIB, 10 * KIB)
    expect(await writeBatches(path, strategyInEffect('buffered'), 'never', batches)).toMatchObject({
      bytes: batches.byteLength,
    })
    expect(await checkBatches(path, batches)).toBeNull()
    expect(await checkBatches(path, new WalBatches(KIB, 20 * KIB))).toContain('records instead of')
    expect(await checkBatches(path, new WalBatches(KIB, 5 * KIB))).toContain('more than')
    expect(await checkBatches(path, new WalBatches(2 * KIB, 10 * KIB))).toContain('is another one')
    appendFileSync(join(path, '00000000'), 'torn')
    expect(await checkBatches(path, batches)).toContain('torn')
  })
})

describe('a cell of bench:wal', () => {
  it.each(strategies)('writes, checks and removes a WAL under %s', async (strategy) => {
    const running = runCell({ strategy, batchBytes: 50, sync: 'every-batch' }, folder, null)
    // Numbers of one strategy under the name of another would be worse than none.
    if (strategyInEffect(strategy) !== strategy) {
      await expect(running).rejects.toMatchObject({ code: 'ERR_STRATEGY_NOT_IN_EFFECT' })
      return
    }
    const run = await running
    expect(run.deviceBytesPerByte).toBeNull()
    for (const value of [run.p50Ns, run.p99Ns, run.bytesPerSecond, run.cpuNsPerCommit]) expect(value).toBeGreaterThan(0)
    expect(run.p99Ns).toBeGreaterThanOrEqual(run.p50Ns)
    expect(readdirSync(folder)).not.toContain('wal')
  })

  it('takes medians of its runs', () => {
    const run = { p50Ns: 1, p99Ns: 2, bytesPerSecond: 3, cpuNsPerCommit: 4, deviceBytesPerByte: 5 }
    const other = { p50Ns: 3, p99Ns: 4, bytesPerSecond: 5, cpuNsPerCommit: 6, deviceBytesPerByte: 7 }
    expect(mediansOf([run, other, other])).toEqual(other)
    expect(mediansOf([run, { ...other, deviceBytesPerByte: null }]).deviceBytesPerByte).toBeNull()
  })
})

describe('npm run bench:wal', () => {
  const main = fileURLToPath(new URL('../../out/bench/wal/main.js', import.meta.url))
  const run = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })

  it('prints its help', () => {
    const { status, stdout } = run('--help')
    expect(status).toBe(0)
    expect(stdout).toContain('npm run bench:wal')
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
  })

  it.each([
    [['--rounds', '0'], '--rounds 0: not a whole number'],
    [['--dir', '/no/such/folder'], '/no/such/folder does not exist'],
    [['--size', '1'], "Unknown option '--size'"],
  ])('answers %j with exit code 2 and what is wrong', (args, message) => {
    const { status, stderr } = run(...args)
    expect(stderr).toContain(message)
    expect(status).toBe(2)
  })
})
