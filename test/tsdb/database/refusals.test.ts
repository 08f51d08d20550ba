import { describe, expect, it } from 'vitest'
import type { Database } from '../../../bench/tsdb/database/database.ts'
import { labelsOf } from '../../../bench/tsdb/labels.ts'
import { errorFrom } from '../../writer/tools.ts'
import { bitsOf, regular, type Series, series } from '../support/series.ts'
import { Gate, replaceCalls } from '../wal/package-faults.ts'
import { commitAll, expectIn, freshFolder, openDatabase, RANGE_MS } from './databases.ts'

const up = labelsOf([['__name__', 'up']])

/** Appends a sample that is refused, with which code and message. */
async function expectRefused(
  database: Database,
  timestampMs: number,
  code: string,
  message: string,
  labels = up,
): Promise<void> {
  const error = await errorFrom(async () => database.append(database.seriesOf(labels), timestampMs, 1))
  expect(error).toMatchObject({ name: 'TsdbError', code })
  expect(error.message).toBe(message)
}

const tooOld = (atMs: number, timestampMs: number) =>
  `{__name__="up"} is at ${atMs}: a sample of ${timestampMs} is too old`
const isThere = (timestampMs: number) => `{__name__="up"} has a sample of ${timestampMs} already`

describe('a sample is refused', () => {
  it('that is older than one of its series, committed or not', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    database.append(database.seriesOf(up), 1000, 1)
    await expectRefused(database, 999, 'ERR_TSDB_OUT_OF_ORDER', tooOld(1000, 999))
    await database.commit()
    await expectRefused(database, 999, 'ERR_TSDB_OUT_OF_ORDER', tooOld(1000, 999))
    database.append(database.seriesOf(up), 1001, 2)
    await database.commit()
    await expectIn(folder, [series({ __name__: 'up' }, [1000, 1], [1001, 2])])
  })

  it('that its series has already, committed or not', async () => {
    await using database = await openDatabase(freshFolder())
    database.append(database.seriesOf(up), 1000, 1)
    await expectRefused(database, 1000, 'ERR_TSDB_DUPLICATE_SAMPLE', isThere(1000))
    await database.commit()
    await expectRefused(database, 1000, 'ERR_TSDB_DUPLICATE_SAMPLE', isThere(1000))
  })

  it('and the one behind it in the batch is not', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    database.append(database.seriesOf(up), 1000, 1)
    await expectRefused(database, 500, 'ERR_TSDB_OUT_OF_ORDER', tooOld(1000, 500))
    database.append(database.seriesOf(labelsOf([['a', '1']])), 500, 1)
    await expectRefused(database, 1000, 'ERR_TSDB_DUPLICATE_SAMPLE', isThere(1000))
    await commitAll(database, [series({ __name__: 'up' }, [1001, 2])])
    await expectIn(folder, [series({ __name__: 'up' }, [1000, 1], [1001, 2]), series({ a: '1' }, [500, 1])])
  })

  it('that is older than the blocks, of whatever series', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    await commitAll(database, [series({ __name__: 'up' }, [1000, 1], [RANGE_MS + 5, 2])])
    await database.cut()
    const labels = labelsOf([['a', '1']])
    const message = `{a="1"} is at ${RANGE_MS}: a sample of ${RANGE_MS - 1} is too old`
    await expectRefused(database, RANGE_MS - 1, 'ERR_TSDB_OUT_OF_ORDER', message, labels)
    database.append(database.seriesOf(labels), RANGE_MS, 1)
    await database.close()
    await using again = await openDatabase(folder)
    await expectRefused(again, RANGE_MS - 1, 'ERR_TSDB_OUT_OF_ORDER', message, labels)
    await expectRefused(again, RANGE_MS + 5, 'ERR_TSDB_DUPLICATE_SAMPLE', isThere(RANGE_MS + 5))
    await expectRefused(again, 1, 'ERR_TSDB_OUT_OF_ORDER', tooOld(RANGE_MS + 5, 1))
  })

  it('that is older than the blocks which are being cut, and newer ones are taken meanwhile', async () => {
    const [atBlock, goesOn] = [new Gate(), new Gate()]
    // The first call for the chunks of a block; the WAL is not preallocated.
    replaceCalls({
      fallocate: async (real, ...parameters) => {
        atBlock.open()
        await goesOn.opened
        await real.fallocate(...parameters)
      },
    })
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    const all = regular({ __name__: 'up' }, 0, 30, 1000)
    // All it has so far goes into a block.
    await commitAll(database, [all, series({ a: 'goes on' }, [5, 1])])
    const cut = database.cut()
    await atBlock.opened
    const late = labelsOf([['a', 'late']])
    const message = `{a="late"} is at ${2 * RANGE_MS}: a sample of ${2 * RANGE_MS - 1} is too old`
    await expectRefused(database, 2 * RANGE_MS - 1, 'ERR_TSDB_OUT_OF_ORDER', message, late)
    database.append(database.seriesOf(late), 2 * RANGE_MS, 1)
    database.append(database.seriesOf(labelsOf([['a', 'goes on']])), 2 * RANGE_MS, 2)
    const commit = database.commit()
    goesOn.open()
    expect((await cut).map(({ minTime }) => minTime)).toEqual([0, RANGE_MS])
    await commit
    await expectRefused(database, 2 * RANGE_MS - 1, 'ERR_TSDB_OUT_OF_ORDER', message, late)
    await expectIn(folder, [
      all,
      series({ a: 'goes on' }, [5, 1], [2 * RANGE_MS, 2]),
      series({ a: 'late' }, [2 * RANGE_MS, 1]),
    ])
  })

  it.each([0.5, 2 ** 52, -(2 ** 52), Infinity, -Infinity, Number.NaN])('of the time %d', async (timestampMs) => {
    await using database = await openDatabase(freshFolder())
    const message = `${timestampMs} is no time in whole milliseconds, within 2^52 of 1970`
    await expectRefused(database, timestampMs, 'ERR_TSDB_OUT_OF_ORDER', message)
  })
})

describe('samples are taken', () => {
  it('of the first and the last time that there is, in one batch', async () => {
    const folder = freshFolder()
    const far: Series[] = [
      { labels: labelsOf([['a', '1']]), samples: [[-(2 ** 52) + 1, bitsOf(1)]] },
      { labels: labelsOf([['a', '2']]), samples: [[2 ** 52 - 1, bitsOf(2)]] },
    ]
    await using database = await openDatabase(folder)
    await commitAll(database, far)
    await expectIn(folder, far)
    await database.cut('all')
    await database.compact()
    await expectIn(folder, far)
  })

  it('of ranges before those that the head has, as long as there is no block', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    await commitAll(database, [series({ a: '1' }, [5 * RANGE_MS, 1])])
    await commitAll(database, [series({ a: '2' }, [-5 * RANGE_MS, 2])])
    expect((await database.cut('all')).map(({ minTime }) => minTime)).toEqual([-5 * RANGE_MS, 5 * RANGE_MS])
    await expectIn(folder, [series({ a: '1' }, [5 * RANGE_MS, 1]), series({ a: '2' }, [-5 * RANGE_MS, 2])])
  })
})
