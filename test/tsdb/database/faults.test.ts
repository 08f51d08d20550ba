import { readdirSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { Database } from '../../../bench/tsdb/database/database.ts'
import { codeFrom, errorFrom } from '../../writer/tools.ts'
import { brokenDisk, fullDisk } from '../support/bad-disk.ts'
import { openFilesIn } from '../support/open-files.ts'
import { contentOf, regular, type Series } from '../support/series.ts'
import { everyStrategy } from '../wal/wal-files.ts'
import {
  alike,
  appendAll,
  commitAll,
  contentIn,
  expectIn,
  freshFolder,
  imageOf,
  inBlocks,
  openDatabase,
  RANGE_MS,
} from './databases.ts'

/** Three series over three block ranges. */
const all: Series[] = [1, 2, 3].map((i) => regular({ a: String(i) }, i, 60, 500))

function part(from: number, to: number): Series[] {
  return from === to ? [] : all.map(({ labels, samples }) => ({ labels, samples: samples.slice(from, to) }))
}

describe.each(everyStrategy)('on a full disk under %s', (strategy) => {
  const strategies = alike(strategy)

  it('the same commit goes through when there is space, however often it was rejected', async () => {
    const disk = fullDisk()
    const folder = freshFolder()
    await using database = await openDatabase(folder, { strategies })
    await commitAll(database, part(0, 10))
    appendAll(database, part(10, 20))
    disk.failAfter(0)
    for (let i = 0; i < 3; i++) {
      expect(await errorFrom(() => database.commit())).toMatchObject({ code: 'ENOSPC', retryable: true })
    }
    // Others may be appended meanwhile: they come behind.
    appendAll(database, part(20, 30))
    expect(await codeFrom(() => database.commit())).toBe('ENOSPC')
    disk.mend()
    appendAll(database, part(30, 40))
    await database.commit()
    await expectIn(folder, part(0, 40))
    await database.close()
    await expectIn(folder, part(0, 40))
  })

  it('commits that wait behind one that is rejected are rejected with it, and one call does for all', async () => {
    const disk = fullDisk()
    const folder = freshFolder()
    await using database = await openDatabase(folder, { strategies })
    disk.failAfter(0)
    const ends: Promise<PromiseSettledResult<void>>[] = []
    for (let i = 0; i < 5; i++) {
      appendAll(database, part(i, i + 1))
      const commit = database.commit()
      ends.push(Promise.allSettled([commit]).then(([end]) => end))
    }
    const [first, ...others] = await Promise.all(ends)
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'ENOSPC' } })
    expect(others).toEqual(others.map(() => first))
    disk.mend()
    await database.commit()
    await expectIn(folder, part(0, 5))
  })

  it('a batch of several segments, of which a part is logged, is logged once', async () => {
    const disk = fullDisk()
    const folder = freshFolder()
    await using database = await openDatabase(folder, { strategies })
    const large = [regular({ b: '1' }, 0, 30_000), regular({ b: '2' }, 0, 30_000)]
    appendAll(database, large)
    let rejections = 0
    for (let calls = 0; ; calls++) {
      disk.failAfter(calls)
      const code = await database.commit().then(
        () => null,
        (error: { code: string }) => error.code,
      )
      if (code === null) break
      expect(code).toBe('ENOSPC')
      rejections++
    }
    expect(rejections).toBeGreaterThan(2)
    disk.mend()
    await database.close()
    await using again = await openDatabase(folder, { strategies })
    expect(again.recovery).toMatchObject({ replayedSamples: 60_000, droppedSamples: 0, torn: null })
  })

  it('the close is rejected, more is taken, and a later one goes through', async () => {
    const disk = fullDisk()
    const folder = freshFolder()
    await using database = await openDatabase(folder, { strategies })
    appendAll(database, part(0, 10))
    disk.failAfter(0)
    expect(await errorFrom(() => database.close())).toMatchObject({ code: 'ENOSPC', retryable: true })
    appendAll(database, part(10, 20))
    disk.mend()
    await database.close()
    await expectIn(folder, part(0, 20))
  })
})

/** Blocks have all they are to have, and the WAL has nothing that is in them. */
async function expectCutDown(folder: string): Promise<void> {
  const { content, blocks } = await inBlocks(folder)
  expect(content).toEqual(contentOf(part(0, 40)))
  expect(blocks.map(({ minTime }) => minTime)).toEqual([0, RANGE_MS])
  const image = imageOf(folder)
  await using again = await openDatabase(image)
  expect(again.recovery).toMatchObject({ replayedSamples: 30, samplesInBlocks: 0, droppedSamples: 0 })
}

describe('a cut', () => {
  it('for which there is no space, at whatever call, loses nothing, and goes through the next time', async () => {
    const disk = fullDisk()
    let calls = 0
    for (;;) {
      const folder = freshFolder()
      await using database = await openDatabase(folder)
      await commitAll(database, part(0, 40))
      disk.failAfter(calls)
      const code = await database.cut().then(
        () => null,
        (error: { code: string }) => error.code,
      )
      if (code === null) break
      expect(code).toBe('ENOSPC')
      disk.mend()
      expect(readdirSync(folder).filter((name) => name.includes('tmp'))).toEqual([])
      await expectIn(folder, part(0, 40))
      // What has to do with the head and the WAL goes on meanwhile.
      await commitAll(database, part(40, 50))
      await database.cut()
      await expectCutDown(folder)
      await database.close()
      await expectIn(folder, part(0, 50))
      calls++
    }
    // Two files of a block and its description, a new segment, a checkpoint.
    expect(calls).toBeGreaterThan(6)
  })

  it('that failed does not keep old samples out for longer', async () => {
    const disk = fullDisk()
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    await commitAll(database, part(0, 40))
    disk.failAfter(0)
    expect(await codeFrom(() => database.cut())).toBe('ENOSPC')
    disk.mend()
    await commitAll(database, [regular({ b: '1' }, 0, 10)])
    await expectIn(folder, [...part(0, 40), regular({ b: '1' }, 0, 10)])
  })

  it('that fails does not take the commits with it that wait behind it', async () => {
    // The chunks of a block are preallocated; the WAL is not, as long as it is not asked to be direct.
    const disk = fullDisk(['fallocate'])
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    await commitAll(database, part(0, 40))
    disk.failAfter(0)
    const cut = codeFrom(() => database.cut())
    appendAll(database, part(40, 50))
    const commit = database.commit()
    expect(await cut).toBe('ENOSPC')
    await commit
    disk.mend()
    await expectIn(folder, part(0, 50))
  })

  it('keeps the blocks that are complete when a later one fails', async () => {
    const disk = fullDisk(['fallocate'])
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    await commitAll(database, all)
    disk.failAfter(1)
    expect(await codeFrom(() => database.cut('all'))).toBe('ENOSPC')
    disk.mend()
    const [first, ...others] = await database.blocks()
    expect([first?.minTime, others]).toEqual([0, []])
    await expectIn(folder, all)
    expect((await database.cut('all')).map(({ minTime }) => minTime)).toEqual([RANGE_MS, 2 * RANGE_MS])
    expect((await inBlocks(folder)).content).toEqual(contentOf(all))
  })
})

describe('when a call of the disk fails for good', () => {
  it('at whatever call, all that was committed is there at the next opening', async () => {
    const disk = brokenDisk()
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    let calls = 0
    for (;;) {
      const folder = freshFolder()
      const database = await openDatabase(folder, { walSync: 'every-batch', strategies: alike('direct') })
      let committed = 0
      disk.failAfter(calls)
      try {
        for (let i = 0; i < 4; i++) {
          await commitAll(database, part(10 * i, 10 * i + 10))
          committed += 10
        }
        await database.cut()
        await database.close()
        break
      } catch (error) {
        expect(error).toMatchObject({ code: 'EIO' })
      } finally {
        await database[Symbol.asyncDispose]().catch(() => undefined)
        disk.mend()
      }
      expect(openFilesIn(folder)).toEqual([])
      const content = await contentIn(folder)
      // The batch that failed may be there or not.
      const count = content.values().next().value?.length ?? 0
      expect([committed, committed + 10]).toContain(count)
      expect(content).toEqual(contentOf(part(0, count)))
      calls++
    }
    expect(calls).toBeGreaterThan(20)
  })

  it('with the WAL no call goes on, and the failure is told again', async () => {
    const disk = brokenDisk()
    const folder = freshFolder()
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    await using database = await openDatabase(folder, { walSync: 'every-batch' })
    await commitAll(database, part(0, 10))
    disk.failAfter(0)
    expect(await errorFrom(() => commitAll(database, part(10, 20)))).toMatchObject({ code: 'EIO', retryable: false })
    disk.mend()
    for (const call of [() => database.commit(), () => database.cut(), () => database.close()]) {
      expect(await codeFrom(call)).toBe('EIO')
    }
  })
})

describe('opening', () => {
  it('fails where there is no room for a segment, leaves nothing open, and can be tried again', async () => {
    const disk = fullDisk()
    const folder = freshFolder()
    disk.failAfter(0)
    expect(await codeFrom(() => openDatabase(folder, { strategies: alike('direct') }))).toBe('ENOSPC')
    expect(openFilesIn(folder)).toEqual([])
    disk.mend()
    await using database = await openDatabase(folder, { strategies: alike('direct') })
    await commitAll(database, part(0, 10))
    await expectIn(folder, part(0, 10))
  })

  it('fails for a folder that is a file', async () => {
    expect(await codeFrom(() => Database.open('/proc/self/status'))).toBe('EEXIST')
  })
})
