import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isInstalled } from '../../bench/matrix/loop-file-systems.ts'
import { directIsForced } from '../../src/force.ts'
import { alignmentOf, openWriter, probe, writeFile } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { enginesHere, expectEngine } from '../support/engine.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectMode } from '../support/mode.ts'

// A file system in user space, which hands everything on to a folder of the disk.

function whyNoFuse(): string | null {
  if (process.getuid?.() !== 0) return 'needs root'
  if (!existsSync('/dev/fuse')) return 'needs FUSE'
  return isInstalled('bindfs') ? null : 'needs bindfs (Debian: apt-get install bindfs)'
}

const whyNot = whyNoFuse()

test('FUSE is to be had here, or nobody demands it', () => {
  if (process.env.CI === 'true') expect(whyNot).toBeNull()
})

describe.skipIf(whyNot !== null)(`on FUSE${whyNot === null ? '' : ` (skipped: ${whyNot})`}`, () => {
  const base = temporaryFolder()
  const [behind, folder] = [join(base, 'behind'), join(base, 'mounted')]
  beforeAll(() => {
    for (const each of [behind, folder]) mkdirSync(each)
    execFileSync('bindfs', [behind, folder])
  })
  afterAll(() => void execFileSync('umount', [folder]))

  describe.each(enginesHere())('by %s', (engine) => {
    beforeEach(() => expectEngine(engine))

    test.each(['direct', 'evict', 'buffered'] as const)('%s writes, patches, cuts to length', async (strategy) => {
      const path = freshPath(folder)
      const writer = await openWriter(path, { strategy, engine, bufferSize: 65536, queueDepth: 3 })
      expectMode(writer, strategy)
      const content = someBytes(1_000_003)
      await writer.write(content.subarray(0, 400_001))
      await writer.sync()
      expect(writer.syncedBytes).toBe(400_001)
      await writer.writeAt(content.subarray(5, 5000), 5)
      await writer.write(content.subarray(400_001))
      expect(await writer.end()).toBe(content.byteLength)
      expect(statSync(path).size).toBe(content.byteLength)
      expect(Buffer.compare(readFileSync(path), content)).toBe(0)
      expect(Buffer.compare(readFileSync(path.replace(folder, behind)), content)).toBe(0)
    })

    test('an old file is continued', async () => {
      const path = freshPath(folder)
      const content = someBytes(10_001)
      await writeFile(path, content.subarray(0, 5003), { atomic: true, engine })
      const writer = await openWriter(path, { strategy: 'direct', engine, flags: 'a' })
      expectMode(writer, 'direct')
      await writer.write(content.subarray(5003))
      await writer.end()
      expect(Buffer.compare(readFileSync(path), content)).toBe(0)
    })
  })

  test('it does not tell an alignment: the default is kept', async () => {
    const path = freshPath(folder)
    await (await openWriter(path)).end()
    expect(await alignmentOf(path)).toEqual({ memory: 4096, offset: 4096, readOffset: 4096, source: 'default' })
  })

  test('what it can not do is said, not tried', async () => {
    const opening = openWriter(freshPath(folder), { strategy: 'dontcache' })
    if (!directIsForced()) {
      await expect(opening).rejects.toMatchObject({ code: 'ERR_STRATEGY_UNSUPPORTED' })
      return
    }
    const writer = await opening
    expectMode(writer, 'dontcache')
    await writer.end()
  })

  test('the probe sees this file alone: a direct write is past its cache, whatever is done behind it', async () => {
    const { strategies, fileSystem } = await probe(folder)
    expect(fileSystem.name).toBe('fuse')
    expect(strategies.direct).toMatchObject({ works: true, uncached: true })
    const path = freshPath(folder)
    const writer = await openWriter(path, { strategy: 'direct' })
    expectMode(writer, 'direct')
    await writer.write(someBytes(1 << 20))
    await writer.sync()
    expect(await writer.residentBytes()).toBe(0)
    await writer.end()
    // bindfs writes through the page cache of the disk.
    const lower = await openWriter(path.replace(folder, behind), { strategy: 'buffered', flags: 'r+' })
    expectMode(lower, 'buffered')
    expect(await lower.residentBytes()).toBeGreaterThan(0)
    await lower.end()
  })
})
