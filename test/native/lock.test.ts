import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { binding } from '../../src/binding.ts'
import { freshPath } from '../support/folders.ts'
import { folder } from './opened.ts'

const native = binding()
const offset = Number.MAX_SAFE_INTEGER

describe('a lock', () => {
  test('belongs to one opening of a file, keeps the others out, and is gone with it', () => {
    const path = freshPath(folder)
    const [one, two] = [openSync(path, 'w'), openSync(path, 'r+')]
    expect(native.tryLock(one, offset)).toBe(true)
    expect(native.tryLock(one, offset)).toBe(true)
    expect(native.tryLock(two, offset)).toBe(false)
    expect(native.tryLock(two, offset - 1)).toBe(true)
    closeSync(one)
    expect(native.tryLock(two, offset)).toBe(true)
    closeSync(two)
  })

  test('needs a file that is open for writing', () => {
    const descriptor = openSync('/dev/null', 'r')
    expect(() => native.tryLock(descriptor, offset)).toThrow(/^EBADF/)
    closeSync(descriptor)
  })
})

test('a duplicate shares position and flags, and keeps the file open', () => {
  const descriptor = openSync(new URL(import.meta.url), 'r')
  const duplicate = native.duplicate(descriptor)
  readSync(descriptor, Buffer.alloc(10))
  expect(native.seek(duplicate, 0, native.constants.SEEK_CUR)).toBe(10)
  expect(native.descriptorFlags(duplicate) & (constants.O_WRONLY | constants.O_RDWR)).toBe(0)
  closeSync(descriptor)
  expect(fstatSync(duplicate).isFile()).toBe(true)
  native.closeDuplicate(duplicate)
  expect(() => native.closeDuplicate(duplicate)).toThrow(/^EBADF/)
  expect(() => native.duplicate(duplicate)).toThrow(/^EBADF/)
})
