import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { openWriter, type Strategy } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath } from '../support/folders.ts'
import { expectMode } from '../support/mode.ts'
import { demandFileSystemsInCI, type FileSystem, mounted, named, whyNot } from './file-systems.ts'
import { smallDisk } from './small-disk.ts'

demandFileSystemsInCI()

const strategies: Strategy[] = ['direct', 'evict', 'buffered']
const bufferSize = 64 * 1024
const chunkLength = 50_001
const chunkCount = 60

describe.skipIf(whyNot !== null)(named('on a full ext4'), () => {
  const disk = smallDisk()

  test.each(strategies)('%s: a write is refused, space is made, the same write is taken', async (strategy) => {
    disk.takeSpace(1024 * 1024)
    const path = freshPath(disk.folder)
    const writer = await openWriter(path, { strategy, bufferSize, queueDepth: 4 })
    expectMode(writer, strategy)
    const expected: Buffer[] = []
    let refusals = 0
    for (let i = 0; i < chunkCount; i++) {
      const chunk = someBytes(chunkLength, i)
      expected.push(chunk)
      try {
        await writer.write(chunk)
      } catch (error) {
        refusals++
        const { writtenBytes } = writer
        expect(error).toMatchObject({
          code: 'ENOSPC',
          errno: -28,
          retryable: true,
          path,
          position: writtenBytes,
        })
        // The chunk that was refused was not taken; everything before it still is.
        expect(writer.acceptedBytes).toBe(i * chunkLength)
        disk.giveSpace()
        await writer.write(chunk)
      }
    }
    expect(refusals).toBe(1)
    expect(await writer.end()).toBe(chunkCount * chunkLength)
    expect(Buffer.compare(readFileSync(path), Buffer.concat(expected))).toBe(0)
  })

  test.each(strategies)('%s: so is an end', async (strategy) => {
    disk.takeSpace(128 * 1024)
    const path = freshPath(disk.folder)
    // All of it fits into the buffers: only the end writes.
    const writer = await openWriter(path, { strategy, bufferSize: 1024 * 1024 })
    expectMode(writer, strategy)
    const content = someBytes(999_999)
    await writer.write(content)
    await expect(writer.end()).rejects.toMatchObject({ code: 'ENOSPC', retryable: true, path })
    expect(writer.acceptedBytes).toBe(content.byteLength)
    disk.giveSpace()
    expect(await writer.end()).toBe(content.byteLength)
    expect(Buffer.compare(readFileSync(path), content)).toBe(0)
  })

  test.each(strategies)('%s: a writer that gives up leaves what it wrote', async (strategy) => {
    disk.takeSpace(512 * 1024)
    const path = freshPath(disk.folder)
    const writer = await openWriter(path, { strategy, bufferSize })
    expectMode(writer, strategy)
    const content = someBytes(2 * 1024 * 1024)
    await expect(writer.write(content)).rejects.toMatchObject({ code: 'ENOSPC', retryable: true })
    const { writtenBytes } = writer
    writer.fail()
    await writer[Symbol.asyncDispose]()
    const left = readFileSync(path)
    expect(left.byteLength).toBe(writtenBytes)
    expect(Buffer.compare(left, content.subarray(0, left.byteLength))).toBe(0)
  })

  test('preallocation is refused and leaves no file', async () => {
    const path = freshPath(disk.folder)
    await expect(openWriter(path, { preallocate: 2 ** 30 })).rejects.toMatchObject({
      code: 'ENOSPC',
      syscall: 'fallocate',
    })
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })
})

describe.skipIf(whyNot !== null)(named('on a file system mounted read-only'), () => {
  let fileSystem: FileSystem
  beforeAll(() => {
    fileSystem = mounted('ext4', { mebibytes: 16 })
    return () => fileSystem.remove()
  })

  test('opening is refused with EROFS under every strategy', async () => {
    const path = join(fileSystem.folder, 'file')
    const fresh = `${path}-new`
    writeFileSync(path, 'before')
    fileSystem.remount('ro')
    for (const strategy of strategies) {
      const refused = { code: 'EROFS', syscall: 'open' }
      await expect(openWriter(path, { strategy })).rejects.toMatchObject({ ...refused, path })
      await expect(openWriter(fresh, { strategy })).rejects.toMatchObject({ ...refused, path: fresh })
    }
    expect(readFileSync(path, 'utf8')).toBe('before')
  })
})
