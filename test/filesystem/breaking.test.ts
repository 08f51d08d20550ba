import { readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../../bench/matrix/loop-file-systems.ts'
import { openWriter, type Strategy } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { enginesHere, expectEngine } from '../support/engine.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { strategiesHere } from '../support/kernel.ts'
import { expectMode } from '../support/mode.ts'
import { errorFrom } from '../writer/tools.ts'
import { demandFileSystemsInCI, type FileSystem, mountAgain, mounted, named, whyNot } from './file-systems.ts'

// What becomes of a writer when the file system breaks under it, or somebody else gets at its file.

demandFileSystemsInCI()

const bufferSize = 64 * 1024

const breaks = [
  {
    // As when its device is gone: everything fails from now on.
    what: 'an xfs that is shut down',
    kind: 'xfs',
    stop: ({ folder }: FileSystem) => void run('xfs_io', '-x', '-c', 'shutdown', folder),
    refusal: 'EIO',
  },
  {
    // What ext4 does by itself when its metadata can't be written. In Linux 6.12 it says EIO, in 6.1 and 6.18 EROFS.
    what: 'an ext4 that becomes read-only',
    kind: 'ext4',
    stop: (ext4: FileSystem) => ext4.remount('abort'),
    refusal: expect.stringMatching(/^(EROFS|EIO)$/),
  },
] as const

describe.skipIf(whyNot !== null).each(breaks)(named('$what under a writer'), ({ kind, stop, refusal }) => {
  describe.each(enginesHere())('by %s', (engine) => {
    let fileSystem: FileSystem
    beforeEach(() => {
      expectEngine(engine)
      fileSystem = mounted(kind)
    })
    afterEach(() => fileSystem.remove())

    test.each(strategiesHere)('%s: is told for good, and what was synced is there after a mount', async (strategy) => {
      const path = join(fileSystem.folder, 'file')
      const writer = await openWriter(path, { strategy, engine, bufferSize, queueDepth: 3 })
      expectMode(writer, strategy)
      const synced = someBytes(300_001)
      await writer.write(synced)
      await writer.sync()
      stop(fileSystem)
      const told = await errorFrom(async () => {
        await writer.write(someBytes(200_000, 2))
        await writer.sync()
      })
      expect(told).toMatchObject({ code: refusal, retryable: false, syncedBytes: synced.byteLength, path })
      await expect(writer.write(Buffer.alloc(1))).rejects.toBe(told)
      await expect(writer.end()).rejects.toBe(told)
      await writer[Symbol.asyncDispose]()
      await expect(openWriter(join(fileSystem.folder, 'other'), { strategy })).rejects.toMatchObject({ code: refusal })
      mountAgain(fileSystem.folder)
      const found = readFileSync(path)
      expect(found.byteLength).toBeGreaterThanOrEqual(synced.byteLength)
      expect(Buffer.compare(found.subarray(0, synced.byteLength), synced)).toBe(0)
    })
  })
})

describe('a file that somebody else', () => {
  const folder = temporaryFolder()
  const first = someBytes(100_003)
  const second = someBytes(150_001, 2)

  /** The first bytes are in the file. */
  async function begun(path: string, strategy: Strategy): ReturnType<typeof openWriter> {
    const writer = await openWriter(path, { strategy, bufferSize })
    expectMode(writer, strategy)
    await writer.write(first)
    await writer.flush()
    return writer
  }

  test.each(strategiesHere)(
    '%s: cuts is written on where the writer stands: what was cut reads as zeros',
    async (strategy) => {
      const path = freshPath(folder)
      const writer = await begun(path, strategy)
      truncateSync(path, 10)
      await writer.write(second)
      expect(await writer.end()).toBe(first.byteLength + second.byteLength)
      const found = readFileSync(path)
      expect(found.byteLength).toBe(first.byteLength + second.byteLength)
      expect(Buffer.compare(found.subarray(first.byteLength), second)).toBe(0)
      // Of the block that the writer stood in it wrote all again.
      const tail = writer.alignment?.offset ?? 1
      const cutTo = first.byteLength - (first.byteLength % tail)
      expect(Buffer.compare(found.subarray(cutTo, first.byteLength), first.subarray(cutTo))).toBe(0)
      expect(found.subarray(10, cutTo).every((byte) => byte === 0)).toBe(true)
    },
  )

  test.each(strategiesHere)(
    '%s: replaces is left alone: the writer goes on with the file that it opened',
    async (strategy) => {
      const path = freshPath(folder)
      const writer = await begun(path, strategy)
      const moved = `${path}.moved`
      renameSync(path, moved)
      writeFileSync(path, 'somebody else')
      await writer.write(second)
      await writer.writeAt(Buffer.from('patched'), 5000)
      await writer.end()
      const expected = Buffer.concat([first, second])
      expected.set(Buffer.from('patched'), 5000)
      expect(Buffer.compare(readFileSync(moved), expected)).toBe(0)
      expect(readFileSync(path, 'utf8')).toBe('somebody else')
    },
  )

  test.each(strategiesHere)('%s: removes is written to its end, and is gone', async (strategy) => {
    const path = freshPath(folder)
    const writer = await begun(path, strategy)
    rmSync(path)
    await writer.write(second)
    expect(await writer.end()).toBe(first.byteLength + second.byteLength)
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })
})
