import { constants, readFileSync, statSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { binding } from '../../src/binding.ts'
import { codeOf } from '../../src/errors.ts'
import { directIsForced } from '../../src/force.ts'
import { alignmentOf, openWriter, pageCacheOf, type Strategy } from '../../src/index.ts'
import { randomNumbers, someBytes } from '../support/bytes.ts'
import { throughRing } from '../support/engine.ts'
import { freshPath } from '../support/folders.ts'
import { tmpfsTakesDirect } from '../support/kernel.ts'
import { expectMode, strategyInEffect } from '../support/mode.ts'
import { demandFileSystemsInCI, type FileSystem, type Kind, mounted, named, whyNot } from './file-systems.ts'

demandFileSystemsInCI()

const native = binding()
const kibibyte = 1024
const bufferSize = 64 * kibibyte

interface Case {
  kind: Kind
  sectorSize: 512 | 4096
  /** Whether O_DIRECT goes past the page cache and RWF_DONTCACHE is known from Linux 6.14 on. */
  honours: boolean
}

const cases: Case[] = [
  { kind: 'ext4', sectorSize: 512, honours: true },
  { kind: 'ext4', sectorSize: 4096, honours: true },
  { kind: 'xfs', sectorSize: 512, honours: true },
  { kind: 'xfs', sectorSize: 4096, honours: true },
  { kind: 'btrfs', sectorSize: 512, honours: false },
  ...(tmpfsTakesDirect ? [{ kind: 'tmpfs', sectorSize: 512, honours: false } as const] : []),
]

describe.skipIf(whyNot !== null).each(cases)(
  named('on $kind with sectors of $sectorSize bytes'),
  ({ kind, sectorSize, honours }) => {
    let fileSystem: FileSystem
    beforeAll(() => {
      fileSystem = mounted(kind, { sectorSize })
      return () => fileSystem.remove()
    })

    test('alignmentOf answers for files and for the folder', async () => {
      const path = freshPath(fileSystem.folder)
      await (await openWriter(path)).end()
      const answer = await alignmentOf(path)
      expect(await alignmentOf(fileSystem.folder)).toEqual(answer)
      if (honours) {
        expect(answer).toMatchObject({ offset: sectorSize, source: 'statx' })
        expect(answer.memory).toBeLessThanOrEqual(sectorSize)
      } else {
        expect(answer).toEqual({ memory: 4096, offset: 4096, readOffset: 4096, source: 'default' })
      }
    })

    test('what alignmentOf asks for is what the kernel demands', async () => {
      const path = freshPath(fileSystem.folder)
      const file = await native.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_DIRECT, 0o600)
      const { offset } = await alignmentOf(path)
      const memory = new Uint8Array(3 * 4096)
      const view = memory.subarray(4096 - native.misalignment(memory, 4096))
      expect(await file.pwrite(view, 0, offset, offset, 0, throughRing)).toBe(offset)
      const half = await file.pwrite(view, 0, offset / 2, 0, 0, throughRing).then(() => 'taken', codeOf)
      expect(half).toBe(honours ? 'EINVAL' : 'taken')
      await file.close()
    })

    test.each(['direct', 'evict', 'buffered'] as const)('%s writes what it is given', async (strategy) => {
      await writeAll(freshPath(fileSystem.folder), strategy)
    })

    test('dontcache writes what it is given, or is refused as the kernel refuses it', async () => {
      const path = freshPath(fileSystem.folder)
      if (await takesDontCache(fileSystem.folder)) {
        expect(honours).toBe(true)
        await writeAll(path, 'dontcache')
      } else if (directIsForced()) {
        await writeAll(path, 'dontcache')
      } else {
        const refused = { code: 'ERR_STRATEGY_UNSUPPORTED' }
        await expect(openWriter(path, { strategy: 'dontcache' })).rejects.toMatchObject(refused)
        expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
        const writer = await openWriter(path, { strategy: 'dontcache', policy: 'prefer' })
        expect(writer.mode.inEffect).toBe('evict')
        expect(writer.mode.why).toContain('RWF_DONTCACHE')
        await writer.end()
      }
    })

    test.each(['direct', 'evict', 'buffered'] as const)(
      '%s leaves in the page cache what its name promises',
      async (strategy) => {
        const path = freshPath(fileSystem.folder)
        const writer = await openWriter(path, { strategy, bufferSize })
        expectMode(writer, strategy)
        const length = 8 * 1024 * kibibyte + 777
        await writer.write(someBytes(length))
        await writer.end()
        const { residentBytes, source } = await pageCacheOf(path)
        const whole = Math.ceil(length / native.constants.pageSize) * native.constants.pageSize
        const inEffect = strategyInEffect(strategy)
        if (kind === 'tmpfs' || inEffect === 'buffered') {
          // tmpfs is the page cache. mincore leaves out the last page where the blocks behind the end were never read.
          const least = source === 'mincore' ? whole - native.constants.pageSize : whole
          expect(residentBytes).toBeGreaterThanOrEqual(least)
          expect(residentBytes).toBeLessThanOrEqual(whole)
        } else if (kind === 'btrfs' && inEffect === 'direct') {
          // With checksums btrfs takes O_DIRECT and writes through the cache; it drops what it can, mostly all.
          expect(residentBytes).toBeLessThan(whole)
        } else {
          expect(residentBytes).toBe(0)
        }
      },
    )
  },
)

/** Odd lengths, flushes, patches, syncs; then an append, then a rewrite from the middle. Compares as it goes. */
async function writeAll(path: string, strategy: Strategy): Promise<void> {
  const next = randomNumbers(7)
  const model: Buffer[] = []
  let writer = await openWriter(path, { strategy, bufferSize, queueDepth: 3 })
  expectMode(writer, strategy)
  for (let i = 0; i < 40; i++) {
    const chunk = someBytes(1 + next(i % 5 === 0 ? 3 * bufferSize : 999), i)
    model.push(chunk)
    await writer.write(chunk)
    if (i % 8 === 3) {
      await writer.flush()
      expect(statSync(path).size).toBe(writer.acceptedBytes)
    }
    if (i % 8 === 6) await writer.sync()
  }
  let expected = Buffer.concat(model)
  for (const offset of [0, 511, 4095, bufferSize - 3, expected.byteLength - 100]) {
    const patch = someBytes(100, offset)
    patch.copy(expected, offset)
    await writer.writeAt(patch, offset)
  }
  expect(await writer.end()).toBe(expected.byteLength)
  await expectContent(path, expected)

  writer = await openWriter(path, { strategy, bufferSize, flags: 'a' })
  expectMode(writer, strategy)
  const more = someBytes(bufferSize + 1234, 99)
  await writer.write(more)
  await writer.end()
  expected = Buffer.concat([expected, more])
  await expectContent(path, expected)

  writer = await openWriter(path, { strategy, bufferSize, flags: 'r+', start: 12345 })
  expectMode(writer, strategy)
  const middle = someBytes(54321, 5)
  middle.copy(expected, 12345)
  await writer.write(middle)
  await writer.end()
  await expectContent(path, expected)
}

/** Compares through a plain read of what is on the disk: the cache is dropped before. */
async function expectContent(path: string, expected: Buffer): Promise<void> {
  const file = await native.open(path, constants.O_RDONLY, 0)
  await file.fadvise(0, 0, native.constants.POSIX_FADV_DONTNEED)
  await file.close()
  const content = readFileSync(path)
  expect(content.byteLength).toBe(expected.byteLength)
  expect(Buffer.compare(content, expected)).toBe(0)
}

async function takesDontCache(folder: string): Promise<boolean> {
  const file = await native.open(freshPath(folder), constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    await file.pwrite(Buffer.from('x'), 0, 1, 0, native.constants.RWF_DONTCACHE, throughRing)
    return true
  } catch (error) {
    expect(['EOPNOTSUPP', 'EINVAL']).toContain(codeOf(error))
    return false
  } finally {
    await file.close()
  }
}
