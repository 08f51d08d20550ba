import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { WAL_FOLDER } from '../../../bench/tsdb/wal/wal-folder.ts'
import { randomNumbers } from '../../support/bytes.ts'
import { byLabels } from '../support/go-text.ts'
import { startPrometheus } from '../support/prometheus-server.ts'
import { contentOf, dumpOfSeries } from '../support/series.ts'
import { everyStrategy, readLog } from '../wal/wal-files.ts'
import { alike, contentIn, freshFolder, imageOf, openDatabase } from './databases.ts'
import { AT_ONCE, batches, killedAt, START_MS } from './killed-database.ts'

/** The number of batches in a data folder, of which at least `committed` have to be there, and nothing else. */
async function expectBatches(folder: string, committed: number): Promise<number> {
  const content = await contentIn(folder)
  // The first series has a sample of each batch.
  const count = content.get('{__name__="up", instance="host-0"}')!.length
  expect(count).toBeGreaterThanOrEqual(committed)
  expect(count).toBeLessThanOrEqual(committed + AT_ONCE)
  expect(content).toEqual(contentOf(batches(count)))
  return count
}

async function expectServed(folder: string, count: number): Promise<void> {
  await using server = await startPrometheus(folder)
  const found = await server.rawSamples('up', START_MS, START_MS + 3_600_000)
  expect(byLabels(found)).toEqual(dumpOfSeries(batches(count)))
}

describe.each(everyStrategy)('a process that is killed at work (%s)', (strategy) => {
  it('again and again leaves each batch that was committed, once, and no part of another one', async () => {
    const folder = freshFolder()
    const next = randomNumbers(everyStrategy.indexOf(strategy) + 1)
    let count = 0
    for (let round = 0; round < 3; round++) {
      const committed = await killedAt(folder, strategy, count, { commits: 30 + next(120), laterMs: next(40) })
      const { torn } = (await readLog(join(folder, WAL_FOLDER))).outcome
      count = await expectBatches(folder, committed)
      if (round === 0) await expectServed(imageOf(folder), count)
      const database = await openDatabase(folder, { strategies: alike(strategy) })
      expect(database.recovery.torn).toEqual(torn)
      await database.close()
      // What was torn is cut off.
      expect((await readLog(join(folder, WAL_FOLDER))).outcome.torn).toBe(null)
      await expectBatches(folder, committed)
    }
  })
})
