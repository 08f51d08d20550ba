import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Database } from '../../../bench/tsdb/database/database.ts'
import { labelsOf } from '../../../bench/tsdb/labels.ts'
import { WAL_FOLDER } from '../../../bench/tsdb/wal/wal-folder.ts'
import { codeFrom } from '../../writer/tools.ts'
import { openFilesIn } from '../support/open-files.ts'
import { contentOf, regular, type Series, series } from '../support/series.ts'
import { readLog } from '../wal/wal-files.ts'
import { appendAll, commitAll, expectIn, freshFolder, imageOf, inBlocks, openDatabase, RANGE_MS } from './databases.ts'

const up = labelsOf([['__name__', 'up']])

/** Samples of three series each 500 ms, over so many block ranges. */
function over(ranges: number, startMs = 0): Series[] {
  const count = (ranges * RANGE_MS) / 500
  return [1, 2, 3].map((i) => regular({ __name__: 'up', instance: `host-${i}` }, startMs + i, count, 500))
}

/** The part of series that is from `startMs` on and before `endMs`. */
function between(all: readonly Series[], startMs: number, endMs: number): Series[] {
  return all.map(({ labels, samples }) => ({
    labels,
    samples: samples.filter(([timestampMs]) => timestampMs >= startMs && timestampMs < endMs),
  }))
}

describe('a database that is opened where nothing is', () => {
  it('is empty, with a WAL to write to', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    expect(readdirSync(folder)).toEqual([WAL_FOLDER])
    expect(await database.blocks()).toEqual([])
    expect(database.seriesCount).toBe(0)
    expect(database.recovery).toEqual({
      removed: [],
      replayedSamples: 0,
      samplesInBlocks: 0,
      droppedSamples: 0,
      otherRecords: 0,
      torn: null,
    })
  })

  it('has nothing to cut', async () => {
    await using database = await openDatabase(freshFolder())
    expect(await database.cut('all')).toEqual([])
    expect(await database.blocks()).toEqual([])
  })
})

describe('samples', () => {
  it('that were appended are nowhere before the commit', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    appendAll(database, over(1))
    await expectIn(folder, [])
    await database.commit()
    await expectIn(folder, over(1))
  })

  it('that were not committed are dropped with the database', async () => {
    const folder = freshFolder()
    {
      await using database = await openDatabase(folder)
      await commitAll(database, between(over(1), 0, 5000))
      appendAll(database, between(over(1), 5000, RANGE_MS))
    }
    await expectIn(folder, between(over(1), 0, 5000))
  })

  it('of one series and of many may be in a batch, in any order of series', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    const all = over(1)
    const [last] = all.map(({ samples }) => samples.length)
    for (let i = 0; i < last!; i++) {
      for (const { labels, samples } of all.toReversed()) {
        database.append(database.seriesOf(labels), samples[i]![0], samples[i]![0] / 7)
      }
      if (i % 7 === 0) await database.commit()
    }
    await database.close()
    await expectIn(folder, all)
  })

  it('of a batch are in the WAL in one record, behind one of the series that are new', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    await commitAll(database, between(over(1), 0, 1000))
    await commitAll(database, [...between(over(1), 1000, 2000), series({ a: '1' }, [1500, 1])])
    await commitAll(database, [series({ a: '1' }, [1600, 1])])
    const { decoded } = await readLog(join(folder, WAL_FOLDER))
    expect(decoded.map((record) => record.kind)).toEqual(['series', 'samples', 'series', 'samples', 'samples'])
    expect(decoded[0]).toMatchObject({ series: [{ ref: 1 }, { ref: 2 }, { ref: 3 }] })
    expect(decoded[1]).toMatchObject({ count: 6 })
    expect(decoded[2]).toEqual({ kind: 'series', series: [{ ref: 4, labels: [{ name: 'a', value: '1' }] }] })
    expect(decoded[3]).toMatchObject({ count: 7 })
  })

  it('an empty batch writes nothing', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    database.seriesOf(up)
    await database.commit()
    expect((await readLog(join(folder, WAL_FOLDER))).records).toEqual([])
  })
})

describe('calls that nobody awaits', () => {
  it('take effect in the order they are made', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    const all = over(4)
    const calls: Promise<unknown>[] = []
    for (let range = 0; range < 4; range++) {
      for (const startMs of [range * RANGE_MS, range * RANGE_MS + 5000]) {
        appendAll(database, between(all, startMs, startMs + 5000))
        calls.push(database.commit())
      }
    }
    const cut = database.cut()
    const compaction = database.compact()
    appendAll(database, over(1, 4 * RANGE_MS))
    calls.push(database.commit(), database.close())
    const [first, second, third] = await cut
    expect((await compaction).meta.compaction.parents?.map(({ ulid }) => ulid)).toEqual(
      [first, second, third].map((block) => block?.ulid),
    )
    await Promise.all(calls)
    await expectIn(folder, over(5))
    expect((await inBlocks(folder)).content).toEqual(contentOf(between(all, 0, 3 * RANGE_MS)))
  })

  it('commit each batch on its own, in order', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    const commits: Promise<void>[] = []
    for (let i = 0; i < 50; i++) {
      database.append(database.seriesOf(up), i, i)
      commits.push(database.commit())
    }
    await Promise.all(commits)
    const { decoded } = await readLog(join(folder, WAL_FOLDER))
    const times = decoded.slice(1).map((record) => record.kind === 'samples' && record.timestampsMs)
    expect(times).toEqual(Array.from({ length: 50 }, (_, i) => Float64Array.of(i)))
  })
})

describe('cut', () => {
  it('makes a block of each range but the newest one', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    await commitAll(database, over(3.5))
    const blocks = await database.cut()
    expect(blocks.map(({ minTime, maxTime }) => [minTime, maxTime])).toEqual([
      [0, RANGE_MS],
      [RANGE_MS, 2 * RANGE_MS],
      [2 * RANGE_MS, 3 * RANGE_MS],
    ])
    expect(await database.blocks()).toEqual(blocks)
    expect((await inBlocks(folder)).content).toEqual(contentOf(between(over(3.5), 0, 3 * RANGE_MS)))
    await expectIn(folder, over(3.5))
    expect(await database.cut()).toEqual([])
  })

  it('makes a block of each range, if all are asked for', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    await commitAll(database, over(2.5))
    expect(await database.cut('all')).toHaveLength(3)
    expect((await inBlocks(folder)).content).toEqual(contentOf(over(2.5)))
    expect(database.seriesCount).toBe(0)
    expect(await database.cut('all')).toEqual([])
  })

  it('commits what was appended before', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    appendAll(database, over(2))
    expect(await database.cut()).toHaveLength(1)
    await expectIn(folder, over(2))
  })

  it('commits what is appended before its turn comes, too, because old samples could not be taken any more', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    appendAll(database, over(2))
    const cut = database.cut()
    appendAll(database, [series({ a: 'old' }, [1, 1]), series({ a: 'new' }, [3 * RANGE_MS, 1])])
    expect((await cut).map(({ minTime }) => minTime)).toEqual([0])
    await expectIn(folder, [...over(2), series({ a: 'old' }, [1, 1]), series({ a: 'new' }, [3 * RANGE_MS, 1])])
  })

  it('leaves out ranges without samples', async () => {
    await using database = await openDatabase(freshFolder())
    await commitAll(database, [series({ a: '1' }, [-1, 1], [0, 2], [5 * RANGE_MS, 3], [9 * RANGE_MS, 4])])
    expect((await database.cut('all')).map(({ minTime }) => minTime)).toEqual([
      -RANGE_MS,
      0,
      5 * RANGE_MS,
      9 * RANGE_MS,
    ])
  })

  it('forgets series without samples, which go on when they get some', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    const ended = database.seriesOf(labelsOf([['a', 'ended']]))
    const goesOn = database.seriesOf(labelsOf([['a', 'goes on']]))
    database.append(ended, 1, 1)
    database.append(goesOn, 1, 1)
    database.append(goesOn, RANGE_MS, 2)
    await database.cut()
    expect(database.seriesCount).toBe(1)
    expect([ended.isForgotten, goesOn.isForgotten]).toEqual([true, false])
    // By the object that was there before, which nobody has to look up again.
    database.append(ended, RANGE_MS + 1, 3)
    database.append(goesOn, RANGE_MS + 1, 3)
    await database.commit()
    database.append(ended, RANGE_MS + 2, 4)
    await database.close()
    await expectIn(folder, [
      series({ a: 'ended' }, [1, 1], [RANGE_MS + 1, 3], [RANGE_MS + 2, 4]),
      series({ a: 'goes on' }, [1, 1], [RANGE_MS, 2], [RANGE_MS + 1, 3]),
    ])
  })
})

describe('compact', () => {
  it('makes one block of all, or of those that are named', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    await commitAll(database, over(5))
    const blocks = await database.cut()
    const { meta } = await database.compact(blocks.slice(1, 3).map(({ ulid }) => ulid))
    expect(await database.blocks()).toEqual([blocks[0], meta, blocks[3]])
    const { meta: all } = await database.compact()
    expect(await database.blocks()).toEqual([all])
    expect(all).toMatchObject({ minTime: 0, maxTime: 4 * RANGE_MS, compaction: { level: 3 } })
    await expectIn(folder, over(5))
  })

  it('is over for whoever asks for the blocks behind it', async () => {
    await using database = await openDatabase(freshFolder())
    await commitAll(database, over(4))
    await database.cut()
    const compaction = database.compact()
    const lists = await Promise.all(Array.from({ length: 20 }, () => database.blocks()))
    const { meta } = await compaction
    expect(lists).toEqual(lists.map(() => [meta]))
  })

  it('refuses a single block, and the database goes on', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    await commitAll(database, over(2))
    await database.cut()
    expect(await codeFrom(() => database.compact())).toBe('ERR_TSDB_STATE')
    await commitAll(database, over(1, 2 * RANGE_MS))
    await expectIn(folder, over(3))
  })

  it('that is refused does not take the commits with it that wait behind it', async () => {
    const folder = freshFolder()
    await using database = await openDatabase(folder)
    const compaction = codeFrom(() => database.compact())
    appendAll(database, over(1))
    await database.commit()
    expect(await compaction).toBe('ERR_TSDB_STATE')
    await expectIn(folder, over(1))
  })
})

describe('close', () => {
  it('commits what is left, durably', async () => {
    const folder = freshFolder()
    const database = await openDatabase(folder)
    appendAll(database, over(2))
    await database.close()
    expect(database.wal.state).toEqual({ is: 'ended' })
    await expectIn(folder, over(2))
  })

  it('can be called again, also while it is under way', async () => {
    const folder = freshFolder()
    const database = await openDatabase(folder)
    appendAll(database, over(1))
    await Promise.all([database.close(), database.close()])
    await database.close()
    await database[Symbol.asyncDispose]()
    await expectIn(folder, over(1))
  })

  it.each(['append', 'commit', 'cut', 'compact'] as const)(
    'is the end: %s is refused, from the call on',
    async (name) => {
      const folder = freshFolder()
      await using database = await openDatabase(folder)
      await commitAll(database, over(1))
      const one = database.seriesOf(up)
      const call = {
        append: () => database.append(one, RANGE_MS, 1),
        commit: () => database.commit(),
        cut: () => database.cut(),
        compact: () => database.compact(),
      }[name]
      const closing = database.close()
      expect(await codeFrom(async () => await call())).toBe('ERR_TSDB_STATE')
      await closing
      expect(await codeFrom(async () => await call())).toBe('ERR_TSDB_STATE')
      await expectIn(folder, over(1))
    },
  )

  it('is not what leaving the scope does, which only waits for what is under way', async () => {
    const folder = freshFolder()
    const calls: Promise<unknown>[] = []
    {
      await using database = await openDatabase(folder)
      appendAll(database, over(3))
      calls.push(database.cut(), database.compact())
    }
    expect(openFilesIn(folder)).toEqual([])
    const names = readdirSync(folder).toSorted()
    await Promise.all(calls)
    expect(readdirSync(folder).toSorted()).toEqual(names)
    await expectIn(folder, over(3))
  })

  it('leaves the blocks to be listed', async () => {
    const database = await openDatabase(freshFolder())
    await commitAll(database, over(2))
    const blocks = await database.cut()
    await database.close()
    expect(await database.blocks()).toEqual(blocks)
  })
})

describe('a database that is opened again', () => {
  it('has the samples of the WAL in its head, and says how many', async () => {
    const folder = freshFolder()
    const database = await openDatabase(folder)
    await commitAll(database, over(3))
    await database.cut()
    await database.close()
    await using again = await openDatabase(folder)
    expect(again.recovery).toMatchObject({ replayedSamples: 3 * 20, samplesInBlocks: 0, droppedSamples: 0, torn: null })
    expect(again.seriesCount).toBe(3)
    await commitAll(again, over(1, 3 * RANGE_MS))
    await expectIn(folder, over(4))
  })

  it('goes on with the references that the WAL has', async () => {
    const folder = freshFolder()
    const database = await openDatabase(folder)
    await commitAll(database, between(over(1), 0, 5000))
    await database.close()
    await using again = await openDatabase(folder)
    await commitAll(again, [...between(over(1), 5000, RANGE_MS), series({ a: '1' }, [1, 1])])
    const { decoded } = await readLog(join(folder, WAL_FOLDER))
    expect(decoded.slice(2)).toMatchObject([{ kind: 'series', series: [{ ref: 4 }] }, { kind: 'samples' }])
  })

  it('leaves out what is in a block, also when the process died before the WAL was cut down', async () => {
    const folder = freshFolder()
    const database = await openDatabase(folder)
    await commitAll(database, over(3))
    const before = imageOf(folder)
    await database.cut()
    await database.close()
    // The blocks of now with the WAL of before.
    for (const { ulid } of await database.blocks()) cpSync(join(folder, ulid), join(before, ulid), { recursive: true })
    await using again = await openDatabase(before)
    expect(again.recovery).toMatchObject({ replayedSamples: 3 * 20, samplesInBlocks: 6 * 20, droppedSamples: 0 })
    await expectIn(before, over(3))
  })

  it('is refused for a block without meta.json', async () => {
    const folder = freshFolder()
    const database = await openDatabase(folder)
    await commitAll(database, over(2))
    const [block] = await database.cut()
    await database.close()
    rmSync(join(folder, block!.ulid, 'meta.json'))
    expect(await codeFrom(() => Database.open(folder))).toBe('ERR_TSDB_MALFORMED')
  })
})
