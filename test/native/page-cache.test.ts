import { constants, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { binding, type NativeFile } from '../../src/binding.ts'
import { codeOf } from '../../src/errors.ts'
import { allocAligned } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { throughRing } from '../support/engine.ts'
import { hasCachestat } from '../support/kernel.ts'
import { opened, readWrite } from './opened.ts'

const native = binding()
const { POSIX_FADV_DONTNEED, SYNC_FILE_RANGE_WAIT_AFTER, SYNC_FILE_RANGE_WRITE, pageSize } = native.constants
// 16 MiB. What is dropped or synced below is a half of it: the kernel keeps up to 2 MiB as one folio, which it takes
// or leaves as a whole.
const pages = 4096
const length = pages * pageSize

async function fill(file: NativeFile): Promise<void> {
  await file.pwrite(someBytes(length), 0, length, 0, 0, throughRing)
}

/** Resident pages as mincore counts them, and cachestat where it is. */
async function cachedPages(file: NativeFile): Promise<number> {
  const counted = await file.mincore(length)
  if (hasCachestat) expect((await file.cachestat()).cachedPages).toBe(counted)
  return counted
}

describe('cachestat and mincore', () => {
  test('count the same resident pages', async () => {
    await opened(readWrite, async (file) => {
      expect(await cachedPages(file)).toBe(0)
      await fill(file)
      expect(await cachedPages(file)).toBe(pages)
      await file.fdatasync()
      await file.fadvise(length / 2, length / 2, POSIX_FADV_DONTNEED)
      expect(await cachedPages(file)).toBe(pages / 2)
    })
  })

  test.skipIf(hasCachestat)('cachestat is refused before Linux 6.5', async () => {
    await opened(readWrite, async (file) => {
      await expect(file.cachestat()).rejects.toMatchObject({ code: 'ENOSYS', syscall: 'cachestat' })
    })
  })

  test('bring nothing into the cache', async () => {
    await opened(readWrite | constants.O_DIRECT, async (file) => {
      await file.pwrite(allocAligned(length), 0, length, 0, 0, throughRing)
      for (let i = 0; i < 3; i++) {
        expect(await cachedPages(file)).toBe(0)
      }
    })
  })

  test('see what a plain read brings in', async () => {
    await opened(readWrite | constants.O_DIRECT, async (file, path) => {
      await file.pwrite(allocAligned(length), 0, length, 0, 0, throughRing)
      readFileSync(path)
      expect(await cachedPages(file)).toBe(pages)
    })
  })

  test('mincore counts beyond its first GiB', async () => {
    await opened(readWrite, async (file) => {
      const size = 3 * 2 ** 30 + 1
      await file.ftruncate(size)
      for (const position of [0, 2 ** 30, 2 ** 31, size - 1])
        await file.pwrite(Buffer.from('x'), 0, 1, position, 0, throughRing)
      expect(await file.mincore(size)).toBe(4)
      expect(await file.mincore(2 ** 30)).toBe(1)
    })
  })

  test('mincore needs a descriptor that can be read', async () => {
    await opened(constants.O_WRONLY | constants.O_CREAT, async (file, path) => {
      await fill(file)
      const refused = { code: 'EACCES', syscall: 'mincore', path }
      await expect(file.mincore(length)).rejects.toMatchObject(refused)
      if (hasCachestat) expect((await file.cachestat()).cachedPages).toBe(pages)
    })
  })
})

describe('fadvise and syncFileRange', () => {
  test('DONTNEED drops clean pages', async () => {
    await opened(readWrite, async (file) => {
      await fill(file)
      await file.fdatasync()
      await file.fadvise(0, 0, POSIX_FADV_DONTNEED)
      expect(await cachedPages(file)).toBe(0)
      if (hasCachestat) expect(await file.cachestat()).toMatchObject({ dirtyPages: 0, writebackPages: 0 })
    })
  })

  test('an unknown advice is the error that posix_fadvise answers with', async () => {
    await opened(readWrite, async (file, path) => {
      const refused = { code: 'EINVAL', errno: -22, syscall: 'fadvise64', path }
      await expect(file.fadvise(0, 0, 99)).rejects.toMatchObject(refused)
    })
  })

  test.skipIf(!hasCachestat)(
    'syncFileRange writes back the range given and nothing else (seen by cachestat)',
    async () => {
      await opened(readWrite, async (file) => {
        // The first fdatasync allocates the blocks, so that the second writeback has nothing to allocate around.
        await fill(file)
        await file.fdatasync()
        await fill(file)
        await file.syncFileRange(0, length / 2, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)
        const after = await file.cachestat()
        expect(after.writebackPages).toBe(0)
        expect(after.dirtyPages).toBe(pages / 2)
      })
    },
  )

  test('syncFileRange names its errors', async () => {
    await opened(readWrite, async (file, path) => {
      const refused = { code: 'EINVAL', syscall: 'sync_file_range', path }
      await expect(file.syncFileRange(0, 0, 0xff)).rejects.toMatchObject(refused)
    })
  })

  test('a write with RWF_DONTCACHE leaves nothing after a sync, or is refused as not supported', async () => {
    await opened(readWrite, async (file) => {
      const refusal = await file
        .pwrite(someBytes(length), 0, length, 0, native.constants.RWF_DONTCACHE, throughRing)
        .then(() => undefined, codeOf)
      if (refusal !== undefined) {
        expect(['EOPNOTSUPP', 'EINVAL']).toContain(refusal)
        return
      }
      await file.fdatasync()
      await file.fadvise(0, 0, POSIX_FADV_DONTNEED)
      expect((await file.cachestat()).cachedPages).toBe(0)
    })
  })
})
