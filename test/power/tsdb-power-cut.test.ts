import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Database } from '../../bench/tsdb/database/database.ts'
import type { Strategy } from '../../src/index.ts'
import { randomNumbers } from '../support/bytes.ts'
import { temporaryFolder } from '../support/folders.ts'
import { strategiesInEffect } from '../support/mode.ts'
import { demandServedDevicesInCI, namedServed, whyNotServed } from '../support/served-device.ts'
import { alike, appendAll, contentIn, openDatabase } from '../tsdb/database/databases.ts'
import { AT_ONCE, batch, batches } from '../tsdb/database/killed-database.ts'
import { contentOf } from '../tsdb/support/series.ts'
import { cutsEach, kinds, PowerCuts, seed, strategiesOn } from './cuts.ts'
import type { Recorder } from './recorder.ts'

// The power is cut under the TSDB app, which commits batches, cuts blocks and compacts them. Opened again, it has every batch
// whose commit had resolved, perhaps some of those that were under way, and no part of another one.

const batchCount = 90
/** A block range has 20 batches. */
const batchesOfCut = 23
const blocksOfCompaction = 3
/** A cut is looked at by opening a database and reading all its blocks. */
const timeLimitMs = 120_000 + 3000 * cutsEach

/** So many batches were committed when the log had so many entries. */
interface Acknowledged {
  readonly entries: number
  readonly batches: number
}

demandServedDevicesInCI()

describe.skipIf(whyNotServed !== null)(namedServed(`power cuts under the TSDB app (POWER_SEED=${seed})`), () => {
  const base = temporaryFolder()
  const cases = kinds.flatMap((kind) =>
    strategiesInEffect(...strategiesOn[kind]).map((strategy) => ({ kind, strategy })),
  )

  it.each(cases)(
    'on $kind, $strategy: it recovers to a state that it acknowledged',
    async ({ kind, strategy }) => {
      const folder = join(base, `${kind}-${strategy}`)
      const run = async (recorder: Recorder) => await runDatabase(recorder, strategy)
      const [cuts, acknowledged] = await PowerCuts.of(kind, folder, randomNumbers(seed), run)
      const committedAt = (entries: number) => acknowledged.findLast((one) => one.entries <= entries)?.batches ?? 0
      const share = cases.filter((one) => one.kind === kind).length
      await cuts.make(Math.ceil(cutsEach / share), async (after, durable) => {
        await expectBatches(join(after, 'data'), committedAt(durable))
      })
      await expectLossToBeSeen(cuts, acknowledged)
      rmSync(folder, { recursive: true })
    },
    timeLimitMs,
  )
})

/** Commits batch after batch, up to three at once, and cuts and compacts all the while. */
async function runDatabase(recorder: Recorder, strategy: Strategy): Promise<Acknowledged[]> {
  const acknowledged: Acknowledged[] = []
  const settings = { strategies: alike(strategy), walSync: 'every-batch' as const }
  await using database = await openDatabase(join(recorder.mount, 'data'), settings)
  const commits: Promise<unknown>[] = []
  let cut = Promise.resolve()
  for (let number = 0; number < batchCount; number++) {
    appendAll(database, batch(number))
    const told = () => acknowledged.push({ entries: recorder.entries, batches: number + 1 })
    commits.push(database.commit().then(told))
    if (commits.length >= AT_ONCE) await commits.shift()
    if (number % batchesOfCut !== 0) continue
    await cut
    cut = cutAndCompact(database)
  }
  await Promise.all([...commits, cut])
  expect(acknowledged.map((one) => one.batches)).toEqual(Array.from({ length: batchCount }, (_, number) => number + 1))
  expect((await database.blocks()).length).toBeGreaterThan(0)
  return acknowledged
}

async function cutAndCompact(database: Database): Promise<void> {
  await database.cut()
  if ((await database.blocks()).length >= blocksOfCompaction) await database.compact()
}

/** The batches of a data folder: all that were committed, in their order, and nothing else. */
async function expectBatches(folder: string, committed: number): Promise<void> {
  if (committed === 0 && !existsSync(folder)) return
  const content = await contentIn(folder)
  // The first series has a sample of each batch.
  const count = content.get('{__name__="up", instance="host-0"}')?.length ?? 0
  expect(count).toBeGreaterThanOrEqual(committed)
  expect(count).toBeLessThanOrEqual(batchCount)
  expect(content).toEqual(contentOf(batches(count)))
}

/** A disk that forgets what it called durable: what is looked at is enough to see it. */
async function expectLossToBeSeen(cuts: PowerCuts, acknowledged: readonly Acknowledged[]): Promise<void> {
  const middle = acknowledged[Math.floor(batchCount / 2)] as Acknowledged
  await cuts.lookAfter(middle.entries, (after) => expectBatches(join(after, 'data'), middle.batches))
  const last = acknowledged.at(-1) as Acknowledged
  const look = (after: string) => expectBatches(join(after, 'data'), last.batches)
  await expect(cuts.lookAfter(middle.entries, look)).rejects.toThrow('greater than or equal')
}
