import { describe, expect, test } from 'vitest'
import { directIsForced } from '../../src/force.ts'
import { openWriter, pageCacheOf, probe, type Strategy } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath } from '../support/folders.ts'
import { btrfsCachesDirect, hasMountNumbers, tmpfsTakesDirect } from '../support/kernel.ts'
import { codeFrom, expectFile } from '../writer/tools.ts'
import { demandFileSystemsInCI, type Kind, mounted, named, whyNot } from './file-systems.ts'

demandFileSystemsInCI()

const mebibyte = 1024 * 1024
const content = someBytes(4 * mebibyte + 333)

interface Case {
  kind: Kind
  /** Whether direct writes go past the page cache. */
  honours: boolean
  recommended: Strategy
}

const cases: Case[] = [
  { kind: 'ext4', honours: true, recommended: 'direct' },
  { kind: 'xfs', honours: true, recommended: 'direct' },
  { kind: 'overlay', honours: true, recommended: 'direct' },
  { kind: 'btrfs', honours: !btrfsCachesDirect, recommended: btrfsCachesDirect ? 'evict' : 'direct' },
  ...(tmpfsTakesDirect ? [{ kind: 'tmpfs', honours: false, recommended: 'buffered' } as const] : []),
]

describe.skipIf(whyNot !== null).each(cases)(named('on $kind'), ({ kind, honours, recommended }) => {
  /** Each test has a file system of its own, which nobody has tried yet. */
  async function onFresh(work: (folder: string, remount: (options: string) => void) => Promise<void>): Promise<void> {
    const fileSystem = mounted(kind)
    try {
      await work(fileSystem.folder, (options) => fileSystem.remount(options))
    } finally {
      fileSystem.remove()
    }
  }

  test('probe finds which strategies keep out of the page cache', async () => {
    await onFresh(async (folder) => {
      const { strategies, recommended: found, fileSystem } = await probe(folder)
      expect(fileSystem.name).toBe(kind === 'overlay' ? 'overlayfs' : kind)
      expect(strategies.direct).toMatchObject({ works: true, uncached: honours })
      if (directIsForced()) return
      expect(found).toBe(recommended)
      expect(strategies.evict).toMatchObject({ works: true, uncached: kind !== 'tmpfs' })
      // Also where cachestat sees nothing.
      expect(strategies.buffered.works && strategies.buffered.residualBytes).toBeGreaterThanOrEqual(mebibyte)
    })
  })

  test.skipIf(directIsForced())('auto takes what the probe recommends, and says why it is not direct', async () => {
    await onFresh(async (folder) => {
      const writer = await openWriter(freshPath(folder))
      expect(writer.mode).toMatchObject({ asked: 'auto', policy: 'prefer', inEffect: recommended })
      if (recommended === 'direct') expect(writer.mode.why).toBeNull()
      else expect(writer.mode.why).toMatch(/^direct: it/)
      await writer.write(content)
      await writer.end()
      const { residentBytes } = await pageCacheOf(writer.path)
      if (recommended === 'buffered') expect(residentBytes).toBeGreaterThan(content.byteLength)
      else expect(residentBytes).toBe(0)
    })
  })

  test.skipIf(directIsForced())('auto under require is refused where nothing keeps out of the cache', async () => {
    await onFresh(async (folder) => {
      const opening = openWriter(freshPath(folder), { strategy: 'auto', policy: 'require' })
      if (kind === 'tmpfs') {
        await expect(opening).rejects.toMatchObject({ code: 'ERR_STRATEGY_UNSUPPORTED' })
        await expect(opening).rejects.toThrow(/direct: it left .*; dontcache: .*RWF_DONTCACHE.*; evict: it left/)
      } else {
        const writer = await opening
        expect(writer.mode.inEffect).toBe(recommended)
        await writer.end()
      }
    })
  })

  test('verify tells whether direct is what it says', async () => {
    await onFresh(async (folder) => {
      const writer = await openWriter(freshPath(folder), { strategy: 'direct', verify: true, bufferSize: mebibyte })
      const write = async (): Promise<void> => {
        for (let i = 0; i < 8; i++) await writer.write(content)
        await writer.end()
      }
      if (honours) {
        await write()
        expect(writer.mode.footprint).toMatchObject({ residentBytes: 0 })
        expect(writer.mode.footprint?.peakBytes).toBeLessThanOrEqual(64 * 1024)
      } else {
        expect(await codeFrom(write)).toBe('ERR_FOOTPRINT')
        await writer[Symbol.asyncDispose]()
      }
    })
  })

  test.skipIf(directIsForced() || kind !== 'btrfs' || honours)(
    'preferred, direct goes on as evict, which does',
    async () => {
      await onFresh(async (folder) => {
        const options = { strategy: 'direct', policy: 'prefer', verify: true, bufferSize: mebibyte } as const
        const writer = await openWriter(freshPath(folder), options)
        for (let i = 0; i < 8; i++) await writer.write(content)
        expect(await writer.end()).toBe(8 * content.byteLength)
        expect(writer.mode).toMatchObject({ asked: 'direct', inEffect: 'evict' })
        // Dirty pages, or such as the kernel has written since: what it finds is a matter of the moment.
        const found =
          /^direct: (its writes go through the page cache: \d+ bytes wait there|\d+ bytes of it are in the page cache)/
        expect(writer.mode.why).toMatch(found)
        expect((await pageCacheOf(writer.path)).residentBytes).toBe(0)
      })
    },
  )

  test.skipIf(directIsForced())('evict keeps the cache free while it writes, too, or is found out', async () => {
    await onFresh(async (folder) => {
      const options = { strategy: 'evict', verify: true, bufferSize: mebibyte, queueDepth: 2 } as const
      const writer = await openWriter(freshPath(folder), options)
      const write = async (): Promise<void> => {
        for (let i = 0; i < 8; i++) await writer.write(content)
        await writer.end()
      }
      if (kind === 'tmpfs') {
        expect(await codeFrom(write)).toBe('ERR_FOOTPRINT')
      } else {
        await write()
        expect(writer.mode.footprint?.peakBytes).toBeLessThan(8 * mebibyte)
      }
      await writer[Symbol.asyncDispose]()
    })
  })

  // Before Linux 6.8 an xfs on the device of an earlier one is taken for that, whose findings are kept.
  const isTold = hasMountNumbers || kind !== 'xfs'
  test.skipIf(!isTold)(
    'a file system that is made read-only is told by the kernel’s error, and tried again afterwards',
    async () => {
      await onFresh(async (folder, remount) => {
        remount('ro')
        await expect(probe(folder)).rejects.toMatchObject({ code: 'EROFS' })
        await expect(openWriter(freshPath(folder))).rejects.toMatchObject({ code: 'EROFS' })
        remount('rw')
        expect((await probe(folder)).strategies.direct.works).toBe(true)
        remount('ro')
        expect((await probe(folder)).strategies.direct.works).toBe(true)
        await expect(probe(folder, { fresh: true })).rejects.toMatchObject({ code: 'EROFS' })
      })
    },
  )
})

describe.skipIf(whyNot !== null || tmpfsTakesDirect)(named('on a tmpfs before Linux 6.6'), () => {
  test('direct is refused, and auto goes on without it, and says why', async () => {
    const tmpfs = mounted('tmpfs')
    try {
      const opening = openWriter(freshPath(tmpfs.folder), { strategy: 'direct' })
      await expect(opening).rejects.toMatchObject({ code: 'ERR_DIRECT_UNSUPPORTED' })
      expect((await probe(tmpfs.folder)).strategies.direct.works).toBe(false)
      const writer = await openWriter(freshPath(tmpfs.folder))
      expect(writer.mode).toMatchObject({ asked: 'auto', inEffect: 'buffered' })
      expect(writer.mode.why).toContain('refuses O_DIRECT')
      await writer.write(content)
      await writer.end()
      expectFile(writer.path, content)
    } finally {
      tmpfs.remove()
    }
  })
})
