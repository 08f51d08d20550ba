import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { binding } from '../../src/binding.ts'
import { freshPath } from '../support/folders.ts'
import { hasMountNumbers } from '../support/kernel.ts'
import { dropFromCache } from '../writer/tools.ts'
import { caught, folder, opened, readWrite } from './opened.ts'

const native = binding()

describe('whose a file is, and where it stands', () => {
  test('statx and fstat say permissions, owner and device as node:fs does', async () => {
    await opened(readWrite, async (file, path) => {
      const { mode, uid, gid, dev } = statSync(path)
      const major = (dev >> 8) & 0xfff
      const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00)
      const expected = { permissions: mode & 0o7777, userId: uid, groupId: gid, device: `${major}:${minor}` }
      expect(await file.statx()).toMatchObject(expected)
      expect(await file.fstat()).toMatchObject(expected)
      const { mount } = await file.statx()
      if (hasMountNumbers) expect(mount).toMatch(/^\d+$/)
      else expect(mount).toBeUndefined()
    })
  })

  test('fstatfs says which kind of file system it is', async () => {
    await opened(readWrite, async (file, path) => {
      const { type, id } = await file.fstatfs()
      expect(type).toBe(statfsSync(path).type)
      expect(id).toMatch(/^\d+:\d+$/)
    })
  })

  test('fchmod and fchown change what they are given', async () => {
    await opened(readWrite, async (file, path) => {
      await file.fchmod(0o4751)
      expect(statSync(path).mode & 0o7777).toBe(0o4751)
      await file.fchown(12, 34)
      expect(statSync(path)).toMatchObject({ uid: 12, gid: 34 })
    })
  })
})

describe('names', () => {
  test('rename replaces what is there, and says what it could not', async () => {
    const [from, to] = [freshPath(folder), freshPath(folder)]
    writeFileSync(from, 'new')
    writeFileSync(to, 'old')
    await expect(native.rename(from, to, true)).rejects.toMatchObject({ code: 'EEXIST', path: to })
    await native.rename(from, to, false)
    expect(readFileSync(to, 'utf8')).toBe('new')
    await expect(native.rename(from, to, false)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'rename', path: to })
  })

  test('realPath follows symbolic links', async () => {
    const path = freshPath(folder)
    writeFileSync(path, '')
    symlinkSync(path, `${path}-link`)
    expect((await native.realPath(`${path}-link`)).toString()).toBe(path)
    await expect(native.realPath(join(folder, 'missing'))).rejects.toMatchObject({
      code: 'ENOENT',
      syscall: 'realpath',
    })
  })
})

describe('descriptors of others', () => {
  test('seek moves a descriptor and tells where it is', () => {
    const path = freshPath(folder)
    const descriptor = openSync(path, 'w+')
    writeSync(descriptor, 'twelve bytes')
    expect(native.seek(descriptor, 0, native.constants.SEEK_CUR)).toBe(12)
    expect(native.seek(descriptor, 6, native.constants.SEEK_SET)).toBe(6)
    writeSync(descriptor, '!')
    expect(native.descriptorFlags(descriptor) & constants.O_RDWR).toBe(constants.O_RDWR)
    closeSync(descriptor)
    expect(readFileSync(path, 'utf8')).toBe('twelve!bytes')
    expect(caught(() => native.seek(descriptor, 0, 0))).toMatchObject({ code: 'EBADF', syscall: 'lseek' })
    expect(caught(() => native.descriptorFlags(descriptor))).toMatchObject({ code: 'EBADF', syscall: 'fcntl' })
  })

  test('descriptor is the number of an open file, and EBADF of a closed one', async () => {
    const file = await native.open(freshPath(folder), readWrite, 0o600)
    expect(statSync(`/proc/self/fd/${file.descriptor()}`).isFile()).toBe(true)
    await file.close()
    expect(caught(() => file.descriptor())).toMatchObject({ code: 'EBADF' })
  })
})

describe('populate', () => {
  test('reads a range into the page cache, and nothing beside it', async () => {
    const path = freshPath(folder)
    writeFileSync(path, Buffer.alloc(200_000, 7))
    await dropFromCache(path)
    const file = await native.open(path, constants.O_RDONLY | constants.O_DIRECT, 0)
    await file.populate(8192, 50_000)
    expect(await file.mincore(200_000)).toBe(13)
    await file.populate(0, 200_000)
    expect(await file.mincore(200_000)).toBe(49)
    await file.close()
  })

  test('behind the end of the file it is an error and no signal', async () => {
    await opened(readWrite, async (file) => {
      await expect(file.populate(0, 4096)).rejects.toMatchObject({ code: 'EFAULT', syscall: 'madvise' })
    })
  })
})
