import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import type { FileFaults } from '../support/faults.ts'
import { temporaryFolder } from '../support/folders.ts'
import { expectContent, failing, openOver, rejection } from './disk.ts'

const folder = temporaryFolder()

describe('a failed close', () => {
  it.each(['EIO', 'EDQUOT', 'ENOSPC', 'EINTR'])('is final and never tried again: %s', async (code) => {
    let calls = 0
    const faults: FileFaults = {
      close: async (real) => {
        calls++
        await real.close()
        throw failing(code, 'close')
      },
    }
    const { writer, path } = await openOver(folder, faults)
    await writer.write(someBytes(100))
    const error = await rejection(writer.end())
    expect(error).toMatchObject({ code, syscall: 'close', retryable: false, syncedBytes: 100 })
    expect(await rejection(writer.end())).toBe(error)
    await writer[Symbol.asyncDispose]()
    expect(calls).toBe(1)
    expectContent(path, someBytes(100))
  })
})

describe('a failed ftruncate', () => {
  it.each(['ENOSPC', 'EDQUOT'])('can be tried again: %s', async (code) => {
    let fails = true
    const faults: FileFaults = {
      ftruncate: (real, length) => (fails ? Promise.reject(failing(code, 'ftruncate')) : real.ftruncate(length)),
    }
    const { writer, path } = await openOver(folder, faults)
    await writer.write(someBytes(100))
    for (const call of [() => writer.flush(), () => writer.sync(), () => writer.end()]) {
      expect(await rejection(call())).toMatchObject({ code, syscall: 'ftruncate', retryable: true })
    }
    fails = false
    expect(await writer.end()).toBe(100)
    expectContent(path, someBytes(100))
  })

  it('with EIO is final', async () => {
    const faults: FileFaults = { ftruncate: () => Promise.reject(failing('EIO', 'ftruncate')) }
    const { writer } = await openOver(folder, faults)
    await writer.write(someBytes(100))
    const error = await rejection(writer.end())
    expect(error).toMatchObject({ code: 'EIO', syscall: 'ftruncate', retryable: false, syncedBytes: 0 })
    expect(await rejection(writer.end())).toBe(error)
  })
})
