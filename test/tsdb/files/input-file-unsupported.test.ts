import { writeFileSync } from 'node:fs'
import type * as Package from 'uncached-io'
import { describe, expect, it, vi } from 'vitest'
import { InputFile } from '../../../bench/tsdb/files/input-file.ts'
import { kernelError } from '../../support/faults.ts'
import { freshPath, temporaryFolder } from '../../support/folders.ts'
import { codeFrom } from '../../writer/tools.ts'
import { openFilesIn } from '../support/open-files.ts'

// What no file system says that a test can count on: ext4 opens a file with O_DIRECT, but asks for alignment 0 when it is
// mounted with data=journal.
let refusal: Error
vi.mock('uncached-io', async (original) => ({
  ...(await original<typeof Package>()),
  alignmentOf: () => Promise.reject(refusal),
}))

const folder = temporaryFolder()

function fileHere(): string {
  const path = freshPath(folder)
  writeFileSync(path, 'content')
  return path
}

describe('a file that opens with O_DIRECT', () => {
  it('is read through the page cache where direct I/O is not possible on it, and why says so', async () => {
    refusal = Object.assign(new Error('statx gives alignment 0'), { code: 'ERR_DIRECT_UNSUPPORTED' })
    const path = fileHere()
    const file = await InputFile.open(path, 'direct')
    expect(file).toMatchObject({ way: 'buffered', blockBytes: 1, why: 'statx gives alignment 0' })
    expect((await file.read(3, 4)).toString()).toBe('tent')
    expect(openFilesIn(folder)).toEqual([path])
    await file.close()
    expect(openFilesIn(folder)).toEqual([])
  })

  it('is closed again when nobody can say its alignment', async () => {
    refusal = kernelError('EIO', 5, 'statx')
    expect(await codeFrom(() => InputFile.open(fileHere(), 'direct'))).toBe('EIO')
    expect(openFilesIn(folder)).toEqual([])
  })
})
