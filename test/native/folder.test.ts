import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { binding } from '../../src/binding.ts'
import { freshPath } from '../support/folders.ts'
import { folder } from './opened.ts'

const native = binding()

describe('folders', () => {
  test('realFolder follows symbolic links to where a file really stands', async () => {
    const real = join(folder, 'real')
    mkdirSync(real)
    writeFileSync(join(real, 'file'), '')
    symlinkSync(real, join(folder, 'to-folder'))
    symlinkSync(join('real', 'file'), join(folder, 'to-file'))
    expect((await native.realFolder(join(folder, 'to-folder', 'file'))).toString()).toBe(real)
    expect((await native.realFolder(join(folder, 'to-file'))).toString()).toBe(real)
    expect((await native.realFolder('/etc')).toString()).toBe('/')
    const missing = { code: 'ENOENT', syscall: 'realpath' }
    await expect(native.realFolder(join(folder, 'missing'))).rejects.toMatchObject(missing)
  })

  test('realFolder and syncFolder take names that are not UTF-8', async () => {
    const name = Buffer.concat([Buffer.from(join(folder, 'folder-')), Buffer.from([0xfc])])
    mkdirSync(name)
    const file = Buffer.concat([name, Buffer.from('/file')])
    writeFileSync(file, '')
    expect((await native.realFolder(file)).equals(name)).toBe(true)
    await native.syncFolder(name)
  })

  test('syncFolder refuses what is no folder', async () => {
    const path = freshPath(folder)
    writeFileSync(path, '')
    await native.syncFolder(folder)
    await expect(native.syncFolder(path)).rejects.toMatchObject({ code: 'ENOTDIR', path })
  })

  test('unlink says what it could not remove', async () => {
    const path = join(folder, 'never-made')
    await expect(native.unlink(path)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'unlink', path })
  })
})
