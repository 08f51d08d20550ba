import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { binding } from '../src/binding.ts'
import { type PathLike, pageCacheOf } from '../src/index.ts'
import { residencyOf } from '../src/page-cache.ts'
import { someBytes } from './support/bytes.ts'
import { faultyBinding, kernelError } from './support/faults.ts'
import { freshPath, temporaryFolder } from './support/folders.ts'
import { codeFrom, dropFromCache } from './writer/tools.ts'

const folder = temporaryFolder()

describe('pageCacheOf', () => {
  it('counts whole pages, and those not yet written back', async () => {
    const path = freshPath(folder)
    writeFileSync(path, someBytes(100_001))
    const now = await pageCacheOf(path)
    expect(now.residentBytes).toBe(25 * 4096)
    expect(now.source).toBe('cachestat')
    expect((now.dirtyBytes as number) + (now.writebackBytes as number)).toBeLessThanOrEqual(25 * 4096)
    execFileSync('sync', [path])
    expect(await pageCacheOf(path)).toEqual({
      residentBytes: 25 * 4096,
      dirtyBytes: 0,
      writebackBytes: 0,
      source: 'cachestat',
    })
  })

  it('sees what is dropped and what is read, and brings nothing in itself', async () => {
    const path = freshPath(folder)
    writeFileSync(path, someBytes(50_000))
    await dropFromCache(path)
    for (const form of [path, Buffer.from(path), pathToFileURL(path)]) {
      expect((await pageCacheOf(form)).residentBytes).toBe(0)
    }
    readFileSync(path)
    expect((await pageCacheOf(path)).residentBytes).toBeGreaterThanOrEqual(13 * 4096)
  })

  it('is 0 for an empty file', async () => {
    const path = freshPath(folder)
    writeFileSync(path, '')
    expect((await pageCacheOf(path)).residentBytes).toBe(0)
  })

  it('refuses what is not there or is no path', async () => {
    expect(await codeFrom(() => pageCacheOf(freshPath(folder)))).toBe('ENOENT')
    expect(await codeFrom(() => pageCacheOf(''))).toBe('ERR_INVALID_ARG_VALUE')
    expect(await codeFrom(() => pageCacheOf(null as unknown as PathLike))).toBe('ERR_INVALID_ARG_TYPE')
  })

  it('refuses a folder, a pipe and a device, instead of answering for something else', async () => {
    const pipe = freshPath(folder)
    execFileSync('mkfifo', [pipe])
    for (const path of [folder, pipe, '/dev/null']) {
      const answer = await Promise.race([codeFrom(() => pageCacheOf(path)), setTimeout(2000, 'waits')])
      expect([path, answer]).toEqual([path, 'ERR_NOT_REGULAR_FILE'])
    }
  })
})

describe('residencyOf where cachestat is missing', () => {
  it.each(['ENOSYS', 'EPERM', 'EOPNOTSUPP'])('(%s) asks mincore, which agrees', async (code) => {
    const path = freshPath(folder)
    writeFileSync(path, someBytes(100_001))
    execFileSync('sync', [path])
    readFileSync(path)
    const native = faultyBinding({
      cachestat: async () => {
        throw kernelError(code, 38, 'cachestat')
      },
    })
    const file = await native.open(path, 0, 0)
    expect(await residencyOf(native, file)).toEqual({
      residentBytes: 25 * 4096,
      dirtyBytes: null,
      writebackBytes: null,
      source: 'mincore',
    })
    await file.close()
    await dropFromCache(path)
    const again = await native.open(path, 0, 0)
    expect((await residencyOf(native, again)).residentBytes).toBe(0)
    await again.close()
  })

  it('is 0 for an empty file, which cannot be mapped', async () => {
    const path = freshPath(folder)
    writeFileSync(path, '')
    const native = faultyBinding({
      cachestat: async () => {
        throw kernelError('ENOSYS', 38, 'cachestat')
      },
    })
    const file = await native.open(path, 0, 0)
    expect((await residencyOf(native, file)).residentBytes).toBe(0)
    await file.close()
  })

  it('passes other errors on', async () => {
    const path = freshPath(folder)
    writeFileSync(path, 'x')
    const native = faultyBinding({
      cachestat: async () => {
        throw kernelError('EIO', 5, 'cachestat')
      },
    })
    const file = await native.open(path, binding().constants.O_PATH, 0)
    expect(await codeFrom(() => residencyOf(native, file))).toBe('EIO')
    await file.close()
  })
})
