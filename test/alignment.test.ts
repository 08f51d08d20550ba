import { execFileSync } from 'node:child_process'
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { alignmentIn } from '../src/alignment.ts'
import type { FileStatus } from '../src/binding.ts'
import { alignmentOf, DirectIOWriter, type PathLike, pageCacheOf } from '../src/index.ts'
import { freshPath, temporaryFolder } from './support/folders.ts'
import { codeFrom, dropFromCache } from './writer/tools.ts'

const folder = temporaryFolder()
const file: FileStatus = {
  isFile: true,
  isFolder: false,
  size: 0,
  blockSize: 4096,
  permissions: 0o644,
  userId: 0,
  groupId: 0,
  device: '8:1',
}

describe('alignmentIn', () => {
  it('takes what statx says', () => {
    expect(alignmentIn({ ...file, dio: { memory: 4, offset: 512 } }, 'f')).toEqual({
      memory: 4,
      offset: 512,
      readOffset: 512,
      source: 'statx',
    })
  })

  it('makes the block as large as reads need', () => {
    const status = { ...file, dio: { memory: 512, offset: 512 } }
    expect(alignmentIn({ ...status, dioRead: 4096 }, 'f')).toMatchObject({ offset: 4096, readOffset: 4096 })
    expect(alignmentIn({ ...status, dioRead: 256 }, 'f')).toMatchObject({ offset: 512, readOffset: 256 })
    expect(alignmentIn({ ...status, dioRead: 0 }, 'f')).toMatchObject({ offset: 512, readOffset: 512 })
  })

  it('is 4096 where the kernel cannot say', () => {
    expect(alignmentIn(file, 'f')).toEqual({
      memory: 4096,
      offset: 4096,
      readOffset: 4096,
      source: 'default',
    })
  })

  it('does not let anybody change the default', () => {
    const first = alignmentIn(file, 'f')
    first.offset = 1
    expect(alignmentIn(file, 'f').offset).toBe(4096)
  })

  it.each([
    [0, 0],
    [0, 512],
    [512, 0],
    [3, 512],
    [512, 1000],
  ])('says that direct I/O is not possible with %i/%i', (memory, offset) => {
    expect(() => alignmentIn({ ...file, dio: { memory, offset } }, '/the/file')).toThrow(
      expect.objectContaining({ code: 'ERR_DIRECT_UNSUPPORTED', path: '/the/file' }),
    )
  })
})

describe('alignmentOf', () => {
  it('agrees with the writer, for a file, its folder and every kind of path', async () => {
    const path = freshPath(folder)
    const writer = await DirectIOWriter.open(path)
    const expected = writer.alignment
    await writer.end()
    const link = freshPath(folder)
    symlinkSync(path, link)
    for (const form of [path, Buffer.from(path), pathToFileURL(path), link, folder]) {
      expect(await alignmentOf(form)).toEqual(expected)
    }
  })

  it('reads nothing, writes nothing and makes no file', async () => {
    const path = freshPath(folder)
    writeFileSync(path, 'content')
    await dropFromCache(path)
    const before = readdirSync(folder).length
    await alignmentOf(path)
    await alignmentOf(folder)
    expect((await pageCacheOf(path)).residentBytes).toBe(0)
    expect(readdirSync(folder).length).toBe(before)
  })

  it('refuses what is no file, and what is not there', async () => {
    const pipe = freshPath(folder)
    execFileSync('mkfifo', [pipe])
    expect(await codeFrom(() => alignmentOf('/dev/null'))).toBe('ERR_NOT_REGULAR_FILE')
    expect(await codeFrom(() => alignmentOf(pipe))).toBe('ERR_NOT_REGULAR_FILE')
    expect(await codeFrom(() => alignmentOf(freshPath(folder)))).toBe('ENOENT')
    expect(await codeFrom(() => alignmentOf(''))).toBe('ERR_INVALID_ARG_VALUE')
    expect(await codeFrom(() => alignmentOf(5 as unknown as PathLike))).toBe('ERR_INVALID_ARG_TYPE')
  })
})
