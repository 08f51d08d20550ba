import { appendFileSync, writeFileSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { InputFile, type ReadWay, readWayOf } from '../../../bench/tsdb/files/input-file.ts'
import { alignmentOf, pageCacheOf } from '../../../src/index.ts'
import { someBytes } from '../../support/bytes.ts'
import { freshPath, temporaryFolder } from '../../support/folders.ts'
import { codeFrom, dropFromCache, expectBytes, openUsual } from '../../writer/tools.ts'
import { openFilesIn } from '../support/open-files.ts'

const folder = temporaryFolder()
const ways: readonly ReadWay[] = ['direct', 'buffered']

function fileOf(content: Uint8Array): string {
  const path = freshPath(folder)
  writeFileSync(path, content)
  return path
}

// One byte, around a block, around two, and long enough for the kernel to read it in several pieces.
const lengths = [1, 511, 512, 513, 3 * 4096 + 77, 3 * 1024 * 1024 + 1237]

describe.each(ways)('a file that is read %s', (way) => {
  describe.each(lengths)('of %d bytes', (length) => {
    const content = someBytes(length)
    let file: InputFile
    beforeAll(async () => {
      file = await InputFile.open(fileOf(content), way)
    })
    afterAll(() => file.close())

    it('is read as it was asked for', async () => {
      expect({ way: file.way, why: file.why }).toEqual({ way, why: null })
      expect(file.blockBytes).toBe(way === 'buffered' ? 1 : (await alignmentOf(file.path)).readOffset)
      expect(await file.byteLength()).toBe(length)
    })

    const someOffset = fc.oneof(
      fc.nat({ max: length }),
      fc.nat({ max: Math.ceil(length / 512) }).map((n) => n * 512),
    )
    const someLength = fc.oneof(fc.nat({ max: 2000 }), fc.nat({ max: length }), fc.constantFrom(512, 4096))

    test.prop([someOffset, someLength], { numRuns: 60 })('gives any bytes of it', async (offset, byteLength) => {
      if (offset + byteLength <= length) {
        expectBytes(await file.read(offset, byteLength), content.subarray(offset, offset + byteLength))
        return
      }
      await expect(file.read(offset, byteLength)).rejects.toMatchObject({
        code: 'ERR_TSDB_TRUNCATED',
        file: file.path,
        offset,
        message: `${file.path} at byte ${offset}: ${byteLength} bytes are needed, and the file ends at byte ${length}`,
      })
    })

    test.prop([someOffset, someLength, fc.nat({ max: 5000 })], { numRuns: 60 })(
      'fills memory from the block on that the bytes begin in, as far as they, the memory and the file go',
      async (offset, byteLength, room) => {
        const memory = file.allocate(room)
        const { start, end } = await file.readInto(memory, offset, byteLength)
        expect(start).toBe(offset - (offset % file.blockBytes))
        expect(end - start).toBeLessThanOrEqual(memory.length)
        expect(end).toBeGreaterThanOrEqual(Math.min(offset + byteLength, start + room, Math.max(start, length)))
        expectBytes(memory.subarray(0, end - start), content.subarray(start, end))
        expect(memory.subarray(end - start).every((byte) => byte === 0)).toBe(true)
      },
    )
  })

  it('may grow, and gives what it has come to', async () => {
    const [first, second] = [someBytes(700, 1), someBytes(9000, 2)]
    const file = await InputFile.open(fileOf(first), way)
    expectBytes(await file.read(600, 100), first.subarray(600))
    expect(await codeFrom(() => file.read(600, 101))).toBe('ERR_TSDB_TRUNCATED')
    appendFileSync(file.path, second)
    expect(await file.byteLength()).toBe(9700)
    expectBytes(await file.read(600, 9100), Buffer.concat([first.subarray(600), second]))
    await file.close()
  })

  it('may be empty', async () => {
    const file = await InputFile.open(fileOf(Buffer.alloc(0)), way)
    expect(await file.byteLength()).toBe(0)
    expect(await file.read(0, 0)).toHaveLength(0)
    expect(await codeFrom(() => file.read(0, 1))).toBe('ERR_TSDB_TRUNCATED')
    await file.close()
  })

  it('takes no memory for bytes that are not there', async () => {
    const file = await InputFile.open(fileOf(someBytes(100)), way)
    await expect(file.read(10, 2 ** 50)).rejects.toMatchObject({ code: 'ERR_TSDB_TRUNCATED', offset: 10 })
    await file.close()
  })

  it('gives bytes that stay when others are read', async () => {
    const content = someBytes(5000)
    const file = await InputFile.open(fileOf(content), way)
    const [one, other] = await Promise.all([file.read(0, 2000), file.read(100, 3000)])
    await file.read(2000, 3000)
    expectBytes(one, content.subarray(0, 2000))
    expectBytes(other, content.subarray(100, 3100))
    await file.close()
  })

  it('rejects with the error of the kernel when it is not there', async () => {
    expect(await codeFrom(() => InputFile.open(freshPath(folder), way))).toBe('ENOENT')
  })

  it('is open until it is closed', async () => {
    const path = fileOf(someBytes(10))
    const file = await InputFile.open(path, way)
    expect(openFilesIn(path)).toEqual([path])
    await file.close()
    expect(openFilesIn(path)).toEqual([])
  })
})

describe('a direct read', () => {
  it('asks the kernel for whole blocks only, also when it has met the end of the file in the middle of one', async () => {
    const content = someBytes(9 * 512 + 100)
    const file = await InputFile.open(fileOf(content), 'direct')
    const { handle } = file as unknown as { handle: FileHandle }
    const reads = vi.spyOn(handle, 'read')
    // More is asked for than there is.
    const { end } = await file.readInto(file.allocate(20_000), 700, 20_000)
    expect(end).toBe(content.length)
    expectBytes(await file.read(4000, 700), content.subarray(4000, 4700))
    const transfers = reads.mock.calls.map((parameters) => parameters as unknown as [Buffer, number, number, number])
    expect(transfers).toHaveLength(2)
    for (const [, memoryOffset, byteLength, position] of transfers) {
      expect([memoryOffset, byteLength, position].map((number) => number % file.blockBytes)).toEqual([0, 0, 0])
    }
    await file.close()
  })
})

describe('the page cache', () => {
  const content = someBytes(2 * 1024 * 1024 + 333)

  async function writtenDirect(): Promise<string> {
    const path = freshPath(folder)
    const writer = await openUsual(path, 'direct')
    await writer.write(content)
    await writer.end()
    expect((await pageCacheOf(path)).residentBytes).toBe(0)
    return path
  }

  it('holds nothing of a file that was written and read past it, wherever the reads begin and end', async () => {
    const path = await writtenDirect()
    const file = await InputFile.open(path, 'direct')
    for (const [offset, byteLength] of [
      [0, 5],
      [5, 7],
      [4095, 2],
      [100, 1024 * 1024 + 1],
      [content.length - 1, 1],
    ] as const) {
      expectBytes(await file.read(offset, byteLength), content.subarray(offset, offset + byteLength))
    }
    expectBytes(await file.read(0, content.length), content)
    await codeFrom(() => file.read(content.length, 1))
    await file.close()
    expect((await pageCacheOf(path)).residentBytes).toBe(0)
  })

  it('holds what was read through it', async () => {
    const path = await writtenDirect()
    const file = await InputFile.open(path, 'buffered')
    expectBytes(await file.read(0, content.length), content)
    await file.close()
    expect((await pageCacheOf(path)).residentBytes).toBeGreaterThanOrEqual(content.length)
    await dropFromCache(path)
  })

  it('keeps what is in it, also when that is not on the disk yet, and direct reads see it', async () => {
    const path = fileOf(content)
    const file = await InputFile.open(path, 'direct')
    expectBytes(await file.read(0, content.length), content)
    await file.close()
  })
})

describe('a file system that refuses O_DIRECT', () => {
  it('has its files read through the page cache, and why says so', async () => {
    // The kernel's own files can't be read past the page cache anywhere.
    const file = await InputFile.open('/proc/version', 'direct')
    expect(file).toMatchObject({ way: 'buffered', blockBytes: 1, why: expect.stringContaining('EINVAL') as string })
    const memory = file.allocate(100)
    const { end } = await file.readInto(memory, 6, 7)
    expect(memory.toString('utf8', 0, end - 6)).toBe('version')
    await file.close()
    expect(openFilesIn('/proc/version')).toEqual([])
  })
})

describe('the way of reading', () => {
  it('is past the page cache for who writes past it', () => {
    expect((['direct', 'dontcache', 'evict', 'buffered'] as const).map(readWayOf)).toEqual([
      'direct',
      'direct',
      'direct',
      'buffered',
    ])
  })
})
