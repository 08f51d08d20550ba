import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { directIsForced } from '../src/force.ts'
import { alignmentOf, probe } from '../src/index.ts'
import { engineOfRun } from './support/engine.ts'
import { temporaryFolder } from './support/folders.ts'

const folder = temporaryFolder()

test('a disk: every strategy is tried with a real file, and only buffered leaves it in the cache', async () => {
  const report = await probe(folder)
  expect(report.folder).toBe(folder)
  expect(report.engine).toBe(engineOfRun)
  expect(report.engines.threads).toEqual({ works: true })
  if (engineOfRun === 'io_uring') expect(report.engines.io_uring).toEqual({ works: true })
  expect(report.strategies.direct).toEqual({ works: true, residualBytes: 0 })
  expect(report.alignment).toEqual(await alignmentOf(folder))
  expect(report.recommended).toBe('direct')
  if (directIsForced()) {
    for (const strategy of ['dontcache', 'evict', 'buffered'] as const) {
      expect(report.strategies[strategy]).toMatchObject({
        works: false,
        code: 'ERR_STRATEGY_UNSUPPORTED',
        reason: 'FORCEDIRECTIO is set',
      })
    }
  } else {
    expect(report.strategies.evict).toEqual({ works: true, residualBytes: 0 })
    expect(report.strategies.buffered).toMatchObject({ works: true })
    const { buffered } = report.strategies
    expect(buffered.works && buffered.residualBytes).toBeGreaterThanOrEqual(256 * 1024)
  }
})

test('tmpfs: direct opens and caches all the same, so it is not recommended', async () => {
  const report = await probe(temporaryFolder('/dev/shm'))
  expect(report.strategies.direct.works && report.strategies.direct.residualBytes).toBeGreaterThan(0)
  expect(report.strategies.dontcache).toMatchObject({ works: false, code: 'ERR_STRATEGY_UNSUPPORTED' })
  expect(report.recommended).toBe('buffered')
})

test('no scratch file is left behind', async () => {
  await probe(folder)
  expect(readdirSync(folder)).toEqual([])
})

test('a folder that is not there rejects with the kernel’s error', async () => {
  await expect(probe(join(folder, 'missing'))).rejects.toMatchObject({ code: 'ENOENT', syscall: 'open' })
})
