import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import type { FileFaults } from '../support/faults.ts'
import { temporaryFolder } from '../support/folders.ts'
import { block, expectContent, failing, openOver, rejection } from './disk.ts'

const folder = temporaryFolder()

describe('a kernel that makes no progress', () => {
  it.each([0, 1, block - 1])('taking %i bytes every time is given up with ERR_NO_PROGRESS', async (taken) => {
    let calls = 0
    const faults: FileFaults = {
      pwrite: async () => {
        calls++
        return taken
      },
    }
    const { writer } = await openOver(folder, faults)
    const error = await rejection(writer.write(someBytes(block * 20)))
    expect(error).toMatchObject({ code: 'ERR_NO_PROGRESS', retryable: false, position: 0, writtenBytes: 0 })
    // Two spans in flight, each tried a bounded number of times.
    expect(calls).toBeLessThan(500)
    expect(await rejection(writer.end())).toBe(error)
  })

  it('interrupting for ever is given up, too', async () => {
    const faults: FileFaults = { pwrite: () => Promise.reject(failing('EINTR', 'pwritev2')) }
    const { writer } = await openOver(folder, faults)
    expect(await rejection(writer.write(someBytes(block * 20)))).toMatchObject({ code: 'ERR_NO_PROGRESS' })
  })
})

describe('an interrupted write', () => {
  it('is made again', async () => {
    let calls = 0
    const faults: FileFaults = {
      pwrite: (real, ...parameters) =>
        calls++ % 3 < 2 ? Promise.reject(failing('EINTR', 'pwritev2')) : real.pwrite(...parameters),
    }
    const { writer, path } = await openOver(folder, faults)
    const content = someBytes(block * 10 + 1)
    await writer.write(content)
    await writer.end()
    expectContent(path, content)
    expect(calls).toBeGreaterThan(6)
  })
})
