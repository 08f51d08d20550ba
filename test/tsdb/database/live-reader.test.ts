import { describe, expect, it } from 'vitest'
import type { Database } from '../../../bench/tsdb/database/database.ts'
import { follow } from '../../../bench/tsdb/wal/live-reader.ts'
import type { LoggedRecord } from '../../../bench/tsdb/wal/wal-reader.ts'
import { codeFrom, idle } from '../../writer/tools.ts'
import { contentOf, regular, type Series } from '../support/series.ts'
import { everyStrategy, seriesIn } from '../wal/wal-files.ts'
import { alike, appendAll, commitAll, freshFolder, openDatabase } from './databases.ts'

const STEP_MS = 300
const SERIES = 80

/** The batches from `from` up to `to`, not included. */
function batches(from: number, to: number): Series[] {
  return Array.from({ length: SERIES }, (_, i) =>
    regular({ __name__: 'up', instance: `host-${i}` }, from * STEP_MS + i, to - from, STEP_MS),
  )
}

/** A live reader of a database, and what it has seen. */
class Reader {
  readonly records: LoggedRecord['record'][] = []
  readonly end: Promise<void>

  constructor(database: Database) {
    this.end = this.read(database)
  }

  get samples(): number {
    return this.records.reduce((sum, record) => sum + (record.kind === 'samples' ? record.count : 0), 0)
  }

  private async read(database: Database): Promise<void> {
    for await (const { record } of follow(database.wal)) this.records.push(record)
  }
}

describe.each(everyStrategy)('a live reader of a database under %s', (strategy) => {
  it('sees each commit and nothing else, from segment to segment, also beside cuts', async () => {
    await using database = await openDatabase(freshFolder(), {
      strategies: alike(strategy),
      walSegmentBytes: 32 * 1024,
    })
    const reader = new Reader(database)
    for (let number = 0; number < 140; number++) {
      appendAll(database, batches(number, number + 1))
      if (number % 20 === 7) {
        await idle()
        expect(reader.samples).toBe(SERIES * number)
      }
      await database.commit()
      while (reader.samples < SERIES * (number + 1)) await idle()
      // Nobody who has read them misses the segments in whose place a checkpoint comes.
      if (number % 40 === 39) await database.cut()
    }
    expect(database.wal.position.segment).toBeGreaterThan(4)
    await database.close()
    await reader.end
    expect(contentOf(seriesIn(reader.records))).toEqual(contentOf(batches(0, 140)))
  })

  it('sees what a database that was opened again commits, with the series it goes on with left out', async () => {
    const folder = freshFolder()
    const database = await openDatabase(folder, { strategies: alike(strategy) })
    await commitAll(database, batches(0, 2))
    await database.close()
    await using again = await openDatabase(folder, { strategies: alike(strategy) })
    const reader = new Reader(again)
    await commitAll(again, batches(2, 4))
    await again.close()
    await reader.end
    expect(reader.records).toMatchObject([{ kind: 'samples', count: 2 * SERIES }])
  })
})

it('a live reader that is too slow for a cut is told so', async () => {
  await using database = await openDatabase(freshFolder(), { walSegmentBytes: 32 * 1024 })
  const reader = follow(database.wal)
  await commitAll(database, batches(0, 1))
  await reader.next()
  for (let number = 1; number < 100; number++) await commitAll(database, batches(number, number + 1))
  expect(database.wal.position.segment).toBeGreaterThan(0)
  await database.cut()
  const code = await codeFrom(async () => {
    for await (const record of reader) void record
  })
  expect(code).toBe('ERR_TSDB_STATE')
})
