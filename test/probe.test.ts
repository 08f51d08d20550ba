import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test, vi } from 'vitest'
import { directIsForced } from '../src/force.ts'
import { alignmentOf, probe } from '../src/index.ts'
import { engineOfRun } from './support/engine.ts'
import { temporaryFolder } from './support/folders.ts'

const folder = temporaryFolder()

const nothingLeft = { works: true, uncached: true, residualBytes: 0 }

test('a disk: every strategy is tried with a real file, and only buffered leaves it in the cache', async () => {
  const report = await probe(folder)
  expect(report.folder).toBe(folder)
  expect(report.engine).toBe(engineOfRun)
  expect(report.engines.threads).toEqual({ works: true })
  if (engineOfRun === 'io_uring') expect(report.engines.io_uring).toEqual({ works: true })
  expect(report.strategies.direct).toMatchObject(nothingLeft)
  // The page in which the file was cut.
  expect(report.strategies.direct.works && report.strategies.direct.peakBytes).toBeLessThanOrEqual(4096)
  expect(report.alignment).toEqual(await alignmentOf(folder))
  expect(report.recommended).toBe('direct')
  if (directIsForced()) {
    for (const strategy of ['dontcache', 'evict', 'buffered'] as const) {
      expect(report.strategies[strategy]).toEqual({
        works: false,
        code: 'ERR_STRATEGY_UNSUPPORTED',
        reason: 'FORCEDIRECTIO is set',
      })
    }
  } else {
    expect(report.strategies.evict).toMatchObject(nothingLeft)
    expect(report.strategies.buffered).toEqual({
      works: true,
      uncached: false,
      residualBytes: 257 * 4096,
      peakBytes: 257 * 4096,
      code: 'ERR_FOOTPRINT',
      reason: 'buffered is the page cache',
    })
  }
})

test('a disk: the single things that strategies are made of', async () => {
  const { features, fileSystem } = await probe(folder)
  const { directWrite, oddTail, dropping, preallocation } = features
  expect({ directWrite, oddTail, dropping, preallocation }).toEqual({
    directWrite: { works: true },
    oddTail: { works: true },
    dropping: { works: true },
    preallocation: { works: true },
  })
  expect(fileSystem.name).toBe(
    execFileSync('stat', ['-f', '-c', '%T', folder], { encoding: 'utf8' })
      .replace(/^ext2.*\n/, 'ext4')
      .trim(),
  )
})

test('tmpfs: direct opens and caches all the same, so it is not recommended', async () => {
  const report = await probe(temporaryFolder('/dev/shm'))
  expect(report.fileSystem.name).toBe('tmpfs')
  expect(report.strategies.direct).toMatchObject({
    works: true,
    uncached: false,
    code: 'ERR_FOOTPRINT',
    reason: 'it left 1052672 of 1048676 bytes in the page cache',
  })
  expect(report.strategies.dontcache).toMatchObject({ works: false, code: 'ERR_STRATEGY_UNSUPPORTED' })
  expect(report.features.dontcache).toMatchObject({ works: false, code: 'EOPNOTSUPP' })
  expect(report.features.dropping).toMatchObject({ works: false, code: 'ERR_FOOTPRINT' })
  expect(report.recommended).toBe('buffered')
})

test('no scratch file is left behind', async () => {
  await probe(folder, { fresh: true })
  expect(readdirSync(folder)).toEqual([])
})

test('what was found is kept for the file system, also for those who ask at once, until somebody wants it fresh', async () => {
  const elsewhere = temporaryFolder()
  const trial = probe(folder, { fresh: true })
  // Before it has begun, what is asked elsewhere is answered by what was found earlier.
  await vi.waitFor(() => expect(readdirSync(folder)).not.toEqual([]), { interval: 1 })
  const [first, second] = await Promise.all([trial, probe(elsewhere)])
  expect(second.strategies).toBe(first.strategies)
  expect(second.folder).toBe(elsewhere)
  expect((await probe(pathToFileURL(folder))).strategies).toBe(first.strategies)
  expect((await probe(folder, { fresh: true })).strategies).not.toBe(first.strategies)
})

test('a folder that is not there, or no folder, rejects with the kernel’s error', async () => {
  await expect(probe(join(folder, 'missing'))).rejects.toMatchObject({ code: 'ENOENT', syscall: 'open' })
  await expect(probe('/proc/version', { fresh: true })).rejects.toMatchObject({ code: 'ENOTDIR' })
})

test('wrong arguments are refused', async () => {
  await expect(probe('')).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
  await expect(probe(folder, { fresh: 1 } as object)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  await expect(probe(folder, { again: true } as object)).rejects.toThrow("unknown option 'again'; known: fresh")
})
