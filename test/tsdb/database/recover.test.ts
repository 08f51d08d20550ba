import { cpSync, mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { labelsOf } from '../../../bench/tsdb/labels.ts'
import { segmentPath, WAL_FOLDER } from '../../../bench/tsdb/wal/wal-folder.ts'
import { codeFrom, errorFrom } from '../../writer/tools.ts'
import { hashesOf } from '../support/block-files.ts'
import { makeBlock, settingsOf } from '../support/blocks.ts'
import { openFilesIn } from '../support/open-files.ts'
import { damage } from '../support/samples.ts'
import { bitsOf, contentOf, regular, series } from '../support/series.ts'
import { readLog, samplesRecord, seriesIn, seriesRecord, writeLog } from '../wal/wal-files.ts'
import { commitAll, expectIn, freshFolder, imageOf, openDatabase, RANGE_MS } from './databases.ts'

const [a, b] = ['a', 'b'].map((name) => labelsOf([[name, '1']])) as [
  ReturnType<typeof labelsOf>,
  ReturnType<typeof labelsOf>,
]
const one = bitsOf(1)

/** A data folder with a WAL of these records, and nothing else. */
async function withWal(records: readonly Buffer[]): Promise<string> {
  const folder = freshFolder()
  mkdirSync(folder)
  await writeLog(join(folder, WAL_FOLDER), records)
  return folder
}

describe('what another program logged', () => {
  it('is taken as far as it can be, and the rest is counted', async () => {
    const folder = await withWal([
      seriesRecord([{ ref: 7, labels: a }]),
      samplesRecord([
        [7, 1000, one],
        [8, 1000, one],
        [7, 1000, one],
        [7, 999, one],
        [7, 1001, one],
      ]),
      // Metadata.
      Buffer.from([6, 1, 2, 3]),
      samplesRecord([]),
    ])
    await using database = await openDatabase(folder)
    expect(database.recovery).toEqual({
      removed: [],
      replayedSamples: 2,
      samplesInBlocks: 0,
      droppedSamples: 3,
      otherRecords: 1,
      torn: null,
    })
    await expectIn(folder, [series({ a: '1' }, [1000, 1], [1001, 1])])
  })

  it('may name a series by two references, of which one goes on', async () => {
    const folder = await withWal([
      seriesRecord([{ ref: 3, labels: a }]),
      samplesRecord([[3, 1, one]]),
      seriesRecord([
        { ref: 9, labels: a },
        { ref: 5, labels: b },
      ]),
      samplesRecord([
        [9, 2, one],
        [3, 3, one],
        [5, 3, one],
      ]),
    ])
    await using database = await openDatabase(folder)
    expect(database.recovery).toMatchObject({ replayedSamples: 4, droppedSamples: 0 })
    await commitAll(database, [series({ a: '1' }, [4, 1], [RANGE_MS, 1]), series({ c: '1' }, [RANGE_MS, 1])])
    const { decoded } = await readLog(join(folder, WAL_FOLDER))
    // Only what is new is named again, by a reference that nobody has.
    expect(decoded.slice(4)).toMatchObject([{ kind: 'series', series: [{ ref: 10 }] }, { kind: 'samples' }])
    await expectIn(folder, [
      series({ a: '1' }, [1, 1], [2, 1], [3, 1], [4, 1], [RANGE_MS, 1]),
      series({ b: '1' }, [3, 1]),
      series({ c: '1' }, [RANGE_MS, 1]),
    ])
    await database.cut()
    const kept = seriesIn((await readLog(join(folder, WAL_FOLDER))).decoded)
    expect(contentOf(kept)).toEqual(contentOf([series({ a: '1' }, [RANGE_MS, 1]), series({ c: '1' }, [RANGE_MS, 1])]))
  })
})

describe('what a process that died has left', () => {
  it('is removed, and told: blocks half made and half deleted, and blocks of which there is a compacted one', async () => {
    const folder = freshFolder()
    const database = await openDatabase(folder)
    await commitAll(database, [regular({ a: '1' }, 0, 30, 1000)])
    const [first, second] = await database.cut()
    const image = imageOf(folder)
    const { meta } = await database.compact()
    await database.close()
    cpSync(join(image, first!.ulid), join(folder, first!.ulid), { recursive: true })
    for (const suffix of ['creation', 'deletion']) {
      cpSync(join(image, second!.ulid), join(folder, `${second!.ulid}.tmp-for-${suffix}`), { recursive: true })
    }
    mkdirSync(join(folder, WAL_FOLDER, 'checkpoint.00000099.tmp'))
    await using again = await openDatabase(folder)
    expect(again.recovery.removed.toSorted()).toEqual(
      [first!.ulid, `${second!.ulid}.tmp-for-creation`, `${second!.ulid}.tmp-for-deletion`].toSorted(),
    )
    expect(readdirSync(folder).toSorted()).toEqual([meta.ulid, WAL_FOLDER].toSorted())
    expect(readdirSync(join(folder, WAL_FOLDER)).filter((name) => name.endsWith('tmp'))).toEqual([])
    await expectIn(folder, [regular({ a: '1' }, 0, 30, 1000)])
  })

  it('may be a torn record, which is told and cut off, and the log goes on behind it', async () => {
    const folder = await withWal([
      seriesRecord([{ ref: 1, labels: a }]),
      samplesRecord([[1, 1, one]]),
      samplesRecord([[1, 2, one]]),
    ])
    const segment = segmentPath(join(folder, WAL_FOLDER), 0)
    const { places } = await readLog(join(folder, WAL_FOLDER))
    truncateSync(segment, statSync(segment).size - 3)
    const database = await openDatabase(folder)
    expect(database.recovery).toMatchObject({
      replayedSamples: 1,
      torn: { segment: 0, offset: places[2]!.offset, hasRecords: false },
    })
    expect(statSync(segment).size).toBe(places[2]!.offset)
    await commitAll(database, [series({ a: '1' }, [2, 5])])
    await database.close()
    await using again = await openDatabase(folder)
    expect(again.recovery).toMatchObject({ replayedSamples: 2, torn: null })
    await expectIn(folder, [series({ a: '1' }, [1, 1], [2, 5])])
  })
})

describe('opening is refused, with file and offset, and changes nothing', () => {
  it.each([3, 7, 8, 20])('for a log with records of type %i, which are about samples or unknown', async (type) => {
    const folder = await withWal([seriesRecord([{ ref: 7, labels: a }]), Buffer.from([type, 1, 2, 3])])
    const before = hashesOf(folder)
    const error = await errorFrom(() => openDatabase(folder))
    const file = segmentPath(join(folder, WAL_FOLDER), 0)
    expect(error).toMatchObject({ code: 'ERR_TSDB_UNSUPPORTED', file, offset: expect.any(Number) })
    expect(hashesOf(folder)).toEqual(before)
  })

  it('beside a log of samples that came out of order', async () => {
    const folder = freshFolder()
    const file = join(folder, 'wbl', '00000000')
    mkdirSync(join(folder, 'wbl'), { recursive: true })
    writeFileSync(file, '')
    await (await openDatabase(folder)).close()
    writeFileSync(file, 'something')
    const before = hashesOf(folder)
    const error = await errorFrom(() => openDatabase(folder))
    expect(error).toMatchObject({ code: 'ERR_TSDB_UNSUPPORTED', file })
    expect(hashesOf(folder)).toEqual(before)
  })

  it('for a WAL that is damaged elsewhere than at its end', async () => {
    const folder = await withWal([
      seriesRecord([{ ref: 1, labels: a }]),
      ...Array.from({ length: 20 }, (_, i) => samplesRecord([[1, i, one]])),
    ])
    const { places } = await readLog(join(folder, WAL_FOLDER))
    const file = segmentPath(join(folder, WAL_FOLDER), 0)
    damage(file, places[5]!.offset + 10)
    const before = hashesOf(folder)
    const error = await errorFrom(() => openDatabase(folder))
    expect(error).toMatchObject({ code: 'ERR_TSDB_BAD_CHECKSUM', file, offset: places[5]!.offset })
    expect(hashesOf(folder)).toEqual(before)
    expect(openFilesIn(folder)).toEqual([])
  })

  it('for a block whose meta.json is broken', async () => {
    const folder = freshFolder()
    const { ulid } = await makeBlock(folder, settingsOf('direct'), [regular({ a: '1' }, 0, 10)])
    truncateSync(join(folder, ulid, 'meta.json'), 20)
    const before = hashesOf(folder)
    expect(await codeFrom(() => openDatabase(folder))).toBe('ERR_TSDB_MALFORMED')
    expect(hashesOf(folder)).toEqual(before)
  })
})

it('a data folder of blocks alone takes samples from behind the last one on', async () => {
  const folder = freshFolder()
  await makeBlock(folder, settingsOf('direct'), [regular({ a: '1' }, 0, 10)])
  await makeBlock(folder, settingsOf('direct'), [regular({ a: '2' }, 5, 3)])
  await using database = await openDatabase(folder)
  expect(await codeFrom(async () => database.append(database.seriesOf(b), 9, 1))).toBe('ERR_TSDB_OUT_OF_ORDER')
  await commitAll(database, [series({ b: '1' }, [10, 1])])
  await expectIn(folder, [regular({ a: '1' }, 0, 10), regular({ a: '2' }, 5, 3), series({ b: '1' }, [10, 1])])
})
