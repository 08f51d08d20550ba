import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { NativeFile } from '../../src/binding.ts'
import { someBytes } from '../support/bytes.ts'
import { faultyBinding, openForTest } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'

const folder = temporaryFolder()

type Write = Parameters<NativeFile['pwrite']>

/** What a fault in the arithmetic would do to a write. */
const faults: Record<string, (...write: Write) => Write> = {
  'its offset': (view, from, length, position, ...rest) => [view, from, length, position + 1, ...rest],
  'its length': (view, from, length, ...rest) => [view, from, length - 1, ...rest],
  'its memory': (view, from, length, ...rest) => [view, from + 8, length, ...rest],
}

describe('a direct write that would be misaligned in', () => {
  test.each(Object.entries(faults))('%s never gets to the kernel, and is final', async (_, wrong) => {
    const path = freshPath(folder)
    let broken = false
    const pwrite = (real: NativeFile, ...write: Write) => real.pwrite(...(broken ? wrong(...write) : write))
    const options = { strategy: 'direct', bufferSize: 65536 } as const
    const writer = await openForTest(path, options, { binding: faultyBinding({ pwrite }) })
    const before = someBytes(5000)
    await writer.write(before)
    await writer.sync()
    broken = true
    await writer.write(someBytes(4096))
    await expect(writer.flush()).rejects.toMatchObject({ code: 'ERR_MISALIGNED' })
    await expect(writer.end()).rejects.toMatchObject({ code: 'ERR_MISALIGNED' })
    await writer[Symbol.asyncDispose]()
    expect(readFileSync(path).equals(before)).toBe(true)
  })
})
