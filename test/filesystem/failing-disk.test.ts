import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../../bench/matrix/loop-file-systems.ts'
import { openWriter } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { enginesHere, expectEngine } from '../support/engine.ts'
import { temporaryFolder } from '../support/folders.ts'
import { strategiesHere, strategiesOfBtrfs } from '../support/kernel.ts'
import { expectMode, strategyInEffect } from '../support/mode.ts'
import { demandServedDevicesInCI, namedServed, ServedDevice, whyNotServed } from '../support/served-device.ts'
import { errorFrom } from '../writer/tools.ts'
import { demandFileSystemsInCI, type FileSystem, mounted, named, whyNot } from './file-systems.ts'

// Disks that refuse: by a quota, by one bad sector. Nothing is imitated but the sector.

demandFileSystemsInCI()

const bufferSize = 64 * 1024
const MiB = 1024 * 1024

describe.skipIf(whyNot !== null)(named('a quota of btrfs'), () => {
  let btrfs: FileSystem
  beforeAll(() => {
    btrfs = mounted('btrfs')
    run('btrfs', 'quota', 'enable', btrfs.folder)
  })
  afterAll(() => btrfs.remove())

  test.each(strategiesOfBtrfs)(
    '%s: refuses as EDQUOT; raised, the same write is taken, and all is there',
    async (strategy) => {
      // What was removed is still counted for a while: each has a subvolume of its own.
      const folder = join(btrfs.folder, strategy)
      run('btrfs', 'subvolume', 'create', folder)
      const group = `0/${run('btrfs', 'inspect-internal', 'rootid', folder).trim()}`
      // By the file system's own folder: by the subvolume's, which is full, the limit could not be changed any more.
      const limit = (to: string) => run('btrfs', 'qgroup', 'limit', to, group, btrfs.folder)
      limit('4M')
      const path = join(folder, 'file')
      const writer = await openWriter(path, { strategy, bufferSize, queueDepth: 3 })
      expectMode(writer, strategy)
      const chunks = Array.from({ length: 100 }, (_, number) => someBytes(99_999, number))
      let refusals = 0
      for (const chunk of chunks) {
        const before = writer.acceptedBytes
        await writer.write(chunk).catch(async (error: unknown) => {
          refusals++
          expect(error).toMatchObject({ code: 'EDQUOT', retryable: true, path })
          expect(writer.acceptedBytes).toBe(before)
          limit('none')
          await writer.write(chunk)
        })
      }
      expect(await writer.end()).toBe(100 * 99_999)
      expect(refusals).toBe(1)
      expect(Buffer.compare(readFileSync(path), Buffer.concat(chunks))).toBe(0)
    },
  )
})

demandServedDevicesInCI()

describe.skipIf(whyNotServed !== null).each(enginesHere())(
  namedServed('a disk with one bad sector, by %s'),
  (engine) => {
    const fileBytes = 4 * MiB
    /** In the file: behind it nothing may be told to be written. */
    const badByte = 2 * MiB + 512 * 7
    let folder: string
    let device: ServedDevice
    let mount: string
    beforeEach(async () => {
      expectEngine(engine)
      folder = temporaryFolder()
      mount = join(folder, 'mount')
      mkdirSync(mount)
      const image = join(folder, 'image')
      writeFileSync(image, '')
      truncateSync(image, 64 * MiB)
      run('mkfs.ext4', '-q', '-F', '-b', '4096', image)
      const sector = withFile(image, mount)
      const rule = `inject-error.0.event=none,inject-error.0.iotype=write,inject-error.0.errno=5,inject-error.0.sector=${sector}`
      device = new ServedDevice(folder, [
        `driver=file,node-name=data,filename=${image}`,
        `driver=blkdebug,node-name=served,image=data,${rule}`,
      ])
      const path = await device.start()
      // A loop device takes a short write for a whole one: requests that are not cut up by FUSE fail as a whole.
      writeFileSync(`/sys/block/${basename(path)}/queue/max_sectors_kb`, '64')
      run('mount', path, mount)
    })
    afterEach(async () => {
      // Lazily: a test that failed may have left its writer.
      run('umount', '--lazy', mount)
      await device.stop()
    })

    /** Puts a file that has all its blocks onto an image. Gives the sector of the disk that is to be bad. */
    function withFile(image: string, at: string): number {
      run('mount', '-o', 'loop', image, at)
      try {
        const path = join(at, 'file')
        writeFileSync(path, Buffer.alloc(fileBytes, 0xee), { flush: true })
        // Extents as: number: logical.. end: physical.. end: length, in blocks of 512 bytes.
        const extents = run('filefrag', '-v', '-b512', path).matchAll(/^\s*\d+:\s*(\d+)\.\.\s*(\d+):\s*(\d+)\.\./gm)
        const bad = badByte / 512
        for (const [, first, last, physical] of extents) {
          if (bad >= Number(first) && bad <= Number(last)) return Number(physical) + bad - Number(first)
        }
        throw new Error('the file has no such block')
      } finally {
        run('umount', at)
      }
    }

    test.each(strategiesHere)('%s: is told as EIO for good; what was synced before it is there', async (strategy) => {
      const path = join(mount, 'file')
      const writer = await openWriter(path, { strategy, engine, bufferSize, queueDepth: 3, flags: 'r+' })
      expectMode(writer, strategy)
      const good = someBytes(MiB + 1)
      await writer.write(good)
      await writer.sync()
      const told = await errorFrom(async () => {
        await writer.write(someBytes(2 * MiB, 2))
        await writer.sync()
      })
      expect(told).toMatchObject({ code: 'EIO', errno: -5, retryable: false, syncedBytes: good.byteLength, path })
      await expect(writer.end()).rejects.toBe(told)
      await writer[Symbol.asyncDispose]()
      // A direct write is told at once, and what the writer calls written is only what comes before the sector.
      if (strategyInEffect(strategy) === 'direct') expect(writer.writtenBytes).toBeLessThanOrEqual(badByte)
      expect(writer.syncedBytes).toBe(good.byteLength)
      const found = readFileSync(path)
      expect(Buffer.compare(found.subarray(0, good.byteLength), good)).toBe(0)
      expect(found.byteLength).toBe(fileBytes)
    })
  },
)
