import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { everyStrategy, expectBytes, openSmall } from './tools.ts'

const folder = temporaryFolder()

describe.each(everyStrategy)('far into a file under %s', (strategy) => {
  it.each([2 ** 31 - 100, 2 ** 32 - 5, 2 ** 33 + 12_345])('offsets of %i and more work', async (start) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { start })
    const expected = someBytes(30_001)
    await writer.write(expected)
    await writer.flush()
    expect(statSync(path).size).toBe(start + 30_001)
    const patch = someBytes(5000, 2)
    await writer.writeAt(patch, start + 100)
    expected.set(patch, 100)
    await writer.end()
    expect(statSync(path).size).toBe(start + 30_001)
    const got = Buffer.alloc(30_010)
    const fd = openSync(path, 'r')
    readSync(fd, got, 0, 30_010, start - 9)
    closeSync(fd)
    expectBytes(got, Buffer.concat([Buffer.alloc(9), expected]))
  })
})
