import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { labelsOf } from '../../../bench/tsdb/labels.ts'
import { PAGE_BYTES } from '../../../bench/tsdb/wal/pages.ts'
import { WAL_FOLDER } from '../../../bench/tsdb/wal/wal-folder.ts'
import { contentOf, regular, type Series, series } from '../support/series.ts'
import { everyStrategy, readLog, seriesIn, seriesRecord, writeLog } from '../wal/wal-files.ts'
import {
  alike,
  commitAll,
  expectIn,
  freshFolder,
  imageOf,
  inBlocks,
  openDatabase,
  RANGE_MS,
  walNames,
} from './databases.ts'

const SERIES = 60
/** Of two batches. */
const STEP_MS = 250

/** The batches from `from` up to `to`, not included: each has a sample of 60 series. */
function batches(from: number, to: number): Series[] {
  return Array.from({ length: SERIES }, (_, i) =>
    regular({ __name__: 'up', instance: `host-${i}.example.org`, job: 'node' }, from * STEP_MS + i, to - from, STEP_MS),
  )
}

const isSegment = (name: string) => /^\d+$/.test(name)

describe.each(everyStrategy)('a WAL of small segments under %s', (strategy) => {
  it('goes on in many of them, and a cut leaves a checkpoint and what comes behind', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder, { strategies: alike(strategy), walSegmentBytes: PAGE_BYTES })
    // About 700 bytes each, and 40 in a block range.
    for (let i = 0; i < 195; i++) await commitAll(database, batches(i, i + 1))
    expect(walNames(folder).filter(isSegment).length).toBeGreaterThan(3)
    const before = database.wal.position.segment
    expect(await database.cut()).toHaveLength(4)
    expect(walNames(folder)).toEqual([`0000000${before + 1}`, `checkpoint.0000000${before}`])
    await commitAll(database, batches(195, 196))
    const { decoded, places } = await readLog(join(folder, WAL_FOLDER))
    // The head's samples of before are in the checkpoint, with their series; those of after are behind it.
    expect(contentOf(seriesIn(decoded))).toEqual(contentOf(batches(160, 196)))
    expect(places.filter(({ checkpoint }) => checkpoint === null)).toHaveLength(1)
    expect((await inBlocks(folder)).content).toEqual(contentOf(batches(0, 160)))
    await database.close()
    await using again = await openDatabase(folder, { strategies: alike(strategy), walSegmentBytes: PAGE_BYTES })
    expect(again.recovery).toMatchObject({ replayedSamples: 36 * SERIES, samplesInBlocks: 0, droppedSamples: 0 })
    await expectIn(folder, batches(0, 196))
  })
})

describe('the checkpoint of a cut', () => {
  it('takes the place of the one before, and keeps chunks as well as samples that make none yet', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    const all = [regular({ a: '1' }, 0, 3000, 10), regular({ a: '2' }, RANGE_MS + 5, 300, 10)]
    await commitAll(database, all)
    for (let range = 3; range < 6; range++) {
      expect(await database.cut()).toHaveLength(range === 3 ? 2 : 1)
      expect(walNames(folder)).toHaveLength(2)
      const kept = seriesIn((await readLog(join(folder, WAL_FOLDER))).decoded)
      expect(kept.map(({ samples }) => samples.length)).toEqual([1000])
      await commitAll(database, [regular({ a: '1' }, range * RANGE_MS, 1000, 10)])
    }
    await expectIn(folder, [regular({ a: '1' }, 0, 6000, 10), all[1]!])
  })

  it('has no series that has ended', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    await commitAll(database, [series({ a: '1' }, [0, 1]), series({ a: '2' }, [1, 1], [RANGE_MS, 2])])
    await database.cut()
    const kept = seriesIn((await readLog(join(folder, WAL_FOLDER))).decoded)
    expect(contentOf(kept)).toEqual(contentOf([series({ a: '2' }, [RANGE_MS, 2])]))
    await database.cut('all')
    expect((await readLog(join(folder, WAL_FOLDER))).records).toEqual([])
  })

  it('is written when the WAL has something that is in blocks, and only then', async () => {
    const folder = freshFolder()
    const database = await openDatabase(folder)
    await commitAll(database, [series({ a: '1' }, [0, 1], [RANGE_MS, 2])])
    const image = imageOf(folder)
    const [block] = await database.cut()
    const names = walNames(folder)
    await database.cut()
    expect(walNames(folder)).toEqual(names)
    await database.close()
    // A process that died when the block was there and the WAL was as before.
    cpSync(join(folder, block!.ulid), join(image, block!.ulid), { recursive: true })
    await using again = await openDatabase(image)
    expect(again.recovery).toMatchObject({ replayedSamples: 1, samplesInBlocks: 1 })
    expect(await again.cut()).toEqual([])
    expect(walNames(image).some((name) => name.startsWith('checkpoint'))).toBe(true)
    const kept = seriesIn((await readLog(join(image, WAL_FOLDER))).decoded)
    expect(contentOf(kept)).toEqual(contentOf([series({ a: '1' }, [RANGE_MS, 2])]))
  })

  it('of thousands of series fits into segments of one page', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder, { walSegmentBytes: PAGE_BYTES })
    const all = Array.from({ length: 1500 }, (_, i) =>
      series({ __name__: 'up', instance: `host-${i}`, path: 'ü/'.repeat(20) }, [i, i], [RANGE_MS + i, i]),
    )
    await commitAll(database, all)
    expect(await database.cut()).toHaveLength(1)
    await expectIn(folder, all)
  })
})

describe('a batch', () => {
  it('of more samples than there is room for in a segment is committed, in several records', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder, { walSegmentBytes: PAGE_BYTES })
    const all = [regular({ a: '1' }, 0, 20_000), regular({ a: '2' }, 7, 3)]
    await commitAll(database, all)
    const { decoded } = await readLog(join(folder, WAL_FOLDER))
    expect(decoded.filter(({ kind }) => kind === 'samples').length).toBeGreaterThan(5)
    await expectIn(folder, all)
  })

  it('of samples as far apart as can be is committed, too', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder, { walSegmentBytes: PAGE_BYTES })
    const found: Series[] = []
    for (const first of [-(2 ** 52) + 1, 0]) {
      const all = Array.from({ length: 2500 }, (_, i) =>
        series({ a: `${first} ${i}` }, [i === 0 ? first : 2 ** 52 - 1, Math.sin(i)]),
      )
      await commitAll(database, all)
      found.push(...all)
    }
    await expectIn(folder, found)
  })

  it('of thousands of series with short labels is committed, though these are few bytes beside their lengths', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder, { walSegmentBytes: PAGE_BYTES })
    const all = Array.from({ length: 3000 }, (_, i) => series({ a: i.toString(36) }, [1, i]))
    await commitAll(database, all)
    await expectIn(folder, all)
  })

  it('takes no series whose labels no segment has room for, and goes on with the others', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder, { walSegmentBytes: PAGE_BYTES })
    const long = database.seriesOf(labelsOf([['a', 'x'.repeat(PAGE_BYTES)]]))
    expect(() => database.append(long, 1, 1)).toThrow(expect.objectContaining({ code: 'ERR_TSDB_BAD_LABELS' }))
    const all = [series({ b: '1' }, [1, 1])]
    await commitAll(database, all)
    await expectIn(folder, all)
  })

  it('of a series whose records cannot be made is refused each time it is committed, and never taken', async () => {
    const folder = freshFolder()
    // The largest reference that there is: the next series gets none that can be written.
    await writeLog(join(folder, WAL_FOLDER), [
      seriesRecord([{ ref: Number.MAX_SAFE_INTEGER, labels: labelsOf([['a', 'b']]) }]),
    ])
    await using database = await openDatabase(folder)
    database.append(database.seriesOf(labelsOf([['b', 'c']])), 1, 1)
    await expect(database.commit()).rejects.toThrow()
    await expect(database.commit()).rejects.toThrow()
  })

  it('of a series with long labels is committed, as long as a segment has room for them', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    const all = ['a', 'b', 'c'].map((name) => series({ [name]: 'ü'.repeat(30_000) }, [1, 1]))
    await commitAll(database, all)
    await expectIn(folder, all)
  })
})
