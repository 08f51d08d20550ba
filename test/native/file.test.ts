import { closeSync, constants, openSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { binding, type NativeFile } from '../../src/binding.ts'
import { someBytes } from '../support/bytes.ts'
import { throughRing } from '../support/engine.ts'
import { freshPath } from '../support/folders.ts'
import { hasCachestat } from '../support/kernel.ts'
import { caught, folder, opened, readWrite, writeCall } from './opened.ts'

const native = binding()
const { O_DIRECT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY } = constants

describe('open', () => {
  test('makes a file with the mode given', async () => {
    const path = freshPath(folder)
    const file = await native.open(path, readWrite, 0o640)
    await file.close()
    expect(statSync(path).mode & 0o777).toBe(0o640 & ~process.umask())
  })

  test('gives the kernel its flags as they are', async () => {
    const path = freshPath(folder)
    writeFileSync(path, 'content')
    await expect(native.open(path, readWrite | O_EXCL, 0o600)).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(native.open(path, O_RDONLY | O_DIRECTORY, 0)).rejects.toMatchObject({ code: 'ENOTDIR' })
    symlinkSync(path, `${path}-link`)
    await expect(native.open(`${path}-link`, O_WRONLY | O_NOFOLLOW, 0)).rejects.toMatchObject({
      code: 'ELOOP',
    })
    await (await native.open(path, O_WRONLY | O_TRUNC, 0)).close()
    expect(readFileSync(path, 'utf8')).toBe('')
  })

  test('opens with O_CLOEXEC, and with O_DIRECT when told so', async () => {
    await opened(readWrite | O_DIRECT, async (_file, path) => {
      const { flags } = descriptorOf(path)
      expect(flags & O_DIRECT).toBe(O_DIRECT)
      const closeOnExec = 0o2000000
      expect(flags & closeOnExec).toBe(closeOnExec)
    })
  })

  test('takes a name that is not UTF-8', async () => {
    const name = Buffer.concat([Buffer.from(join(folder, 'latin1-')), Buffer.from([0xe4, 0xff])])
    const file = await native.open(name, readWrite, 0o600)
    await file.pwrite(Buffer.from('here'), 0, 4, 0, 0, throughRing)
    await file.close()
    expect(readFileSync(name, 'utf8')).toBe('here')
    await native.unlink(name)
    expect(() => statSync(name)).toThrow('ENOENT')
  })

  test('an error has the shape of those of node:fs', async () => {
    const path = join(folder, 'missing', 'file')
    const ours = native.open(path, O_RDONLY, 0)
    await expect(ours).rejects.toBeInstanceOf(Error)
    const theirs = caught(() => openSync(path, 'r'))
    const { code, errno, syscall } = theirs
    await expect(ours).rejects.toMatchObject({ code, errno, syscall, path })
    await expect(ours).rejects.toThrow(/^ENOENT: .*, open '.*file'$/)
  })
})

describe('statx and fstat', () => {
  test('say kind, size and block size', async () => {
    await opened(readWrite, async (file, path) => {
      writeFileSync(path, 'twelve bytes')
      const expected = { isFile: true, isFolder: false, size: 12, blockSize: statSync(path).blksize }
      expect(await file.statx()).toMatchObject(expected)
      expect(await file.fstat()).toMatchObject(expected)
      expect(Object.keys(await file.fstat())).not.toContain('dio')
    })
    const itself = await native.open(folder, O_RDONLY, 0)
    expect(await itself.statx()).toMatchObject({ isFile: false, isFolder: true })
    await itself.close()
  })

  test('say sizes beyond 4 GiB exactly', async () => {
    await opened(readWrite, async (file) => {
      const length = 2 ** 40 + 12345
      await file.ftruncate(length)
      expect((await file.statx()).size).toBe(length)
      expect((await file.fstat()).size).toBe(length)
    })
  })

  test('answer on a descriptor of O_PATH', async () => {
    const path = freshPath(folder)
    writeFileSync(path, '')
    const file = await native.open(path, native.constants.O_PATH, 0)
    expect(await file.statx()).toMatchObject({ isFile: true, size: 0 })
    await file.close()
  })
})

describe('fallocate, ftruncate and fdatasync', () => {
  test('fallocate makes the file longer, or only reserves', async () => {
    await opened(readWrite, async (file, path) => {
      await file.fallocate(0, 0, 65536)
      expect(statSync(path)).toMatchObject({ size: 65536 })
      expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(65536)
      const keepSize = 1
      await file.fallocate(keepSize, 65536, 65536)
      expect(statSync(path).size).toBe(65536)
      await expect(file.fallocate(0, 0, 0)).rejects.toMatchObject({
        code: 'EINVAL',
        syscall: 'fallocate',
        path,
      })
    })
  })

  test('ftruncate cuts and extends to any length', async () => {
    await opened(readWrite, async (file, path) => {
      writeFileSync(path, 'longer than that')
      await file.ftruncate(6)
      expect(readFileSync(path, 'utf8')).toBe('longer')
      await file.ftruncate(8)
      expect(readFileSync(path, 'utf8')).toBe('longer\0\0')
      await expect(file.ftruncate(-1)).rejects.toMatchObject({ code: 'EINVAL', syscall: 'ftruncate', path })
    })
  })

  test.skipIf(!hasCachestat)('fdatasync writes back what is dirty (seen by cachestat)', async () => {
    await opened(readWrite, async (file) => {
      await file.pwrite(someBytes(1 << 20), 0, 1 << 20, 0, 0, throughRing)
      await file.fdatasync()
      const { dirtyPages, writebackPages } = await file.cachestat()
      expect({ dirtyPages, writebackPages }).toEqual({ dirtyPages: 0, writebackPages: 0 })
    })
  })

  test('a write refused for lack of permission names call and path', async () => {
    const path = freshPath(folder)
    writeFileSync(path, '')
    const file = await native.open(path, O_RDONLY, 0)
    const refused = { code: 'EBADF', errno: -9, syscall: writeCall, path }
    await expect(file.pwrite(new Uint8Array(1), 0, 1, 0, 0, throughRing)).rejects.toMatchObject(refused)
    await file.close()
  })
})

describe('close', () => {
  test('is refused with EBUSY while calls are outstanding, and works after them', async () => {
    const path = freshPath(folder)
    const file = await native.open(path, readWrite, 0o600)
    const write = file.pwrite(someBytes(1 << 20), 0, 1 << 20, 0, 0, throughRing)
    expect(caught(() => void file.close())).toMatchObject({ code: 'EBUSY', syscall: 'close', path })
    await write
    await file.close()
    expect(statSync(path).size).toBe(1 << 20)
  })

  test('closes for every later call: EBADF', async () => {
    const file = await native.open(freshPath(folder), readWrite, 0o600)
    const closing = file.close()
    const refused = { code: 'EBADF', errno: -9 }
    expect(caught(() => void file.statx())).toMatchObject({ ...refused, syscall: 'statx' })
    expect(caught(() => void file.close())).toMatchObject({ ...refused, syscall: 'close' })
    await closing
    const view = new Uint8Array(1)
    expect(caught(() => void file.pwrite(view, 0, 1, 0, 0, throughRing))).toMatchObject({
      ...refused,
      syscall: 'pwritev2',
    })
  })

  test('a call that cannot be made does not count as outstanding', async () => {
    const file = await native.open(freshPath(folder), readWrite, 0o600)
    for (let i = 0; i < 10; i++) caught(() => void file.pwrite(new Uint8Array(1), 0, 2, 0, 0, throughRing))
    await file.close()
  })

  test('an object made by hand is a file that was never opened', async () => {
    const file = await native.open(freshPath(folder), readWrite, 0o600)
    const Class = file.constructor as new () => NativeFile
    expect(caught(() => void new Class().fdatasync())).toMatchObject({ code: 'EBADF' })
    expect(caught(() => void Class.prototype.fdatasync.call({}))).toBeInstanceOf(Error)
    await file.close()
  })
})

/** The flags with which this process holds `path` open. */
function descriptorOf(path: string): { flags: number } {
  const { ino, dev } = statSync(path)
  const highest = openSync('/dev/null', 'r')
  closeSync(highest)
  for (let fd = 0; fd <= highest; fd++) {
    const status = statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false })
    if (status?.ino !== ino || status.dev !== dev) continue
    const [, flags] = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? []
    return { flags: Number.parseInt(flags ?? '', 8) }
  }
  throw new Error(`${path} is not open`)
}
