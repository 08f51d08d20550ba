import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultSettings } from '../../../bench/tsdb/settings.ts'
import { freshPath, temporaryFolder } from '../../support/folders.ts'
import { byLabels } from '../support/go-text.ts'
import { startPrometheus } from '../support/prometheus-server.ts'
import { dump } from '../support/promtool.ts'
import { createBlocks, createWal } from '../support/promtool-data.ts'
import { dumpOfSeries, NORMAL_NAN_BITS, regular, type Series } from '../support/series.ts'
import { everyStrategy } from '../wal/wal-files.ts'
import { alike, commitAll, expectIn, freshFolder, openDatabase, RANGE_MS, walNames } from './databases.ts'

/** The beginning of a block range. */
const T0 = 1_700_000_000_000
const PARTS = 15
const PART_MS = RANGE_MS / 2

/** Ten series over seven and a half block ranges, with a NaN in each. */
const all: Series[] = Array.from({ length: 10 }, (_, i) => {
  const { labels, samples } = regular({ __name__: 'up', instance: `host-${i}`, zone: 'ü"€𝄞\\' }, T0 + i, 750, 100)
  return { labels, samples: samples.map((sample, at) => (at === 7 * i ? [sample[0], NORMAL_NAN_BITS] : sample)) }
})

/** Samples of half a block range. */
function part(number: number): Series[] {
  const [fromMs, untilMs] = [T0 + number * PART_MS, T0 + (number + 1) * PART_MS]
  return all.map(({ labels, samples }) => ({
    labels,
    samples: samples.filter(([timestampMs]) => timestampMs >= fromMs && timestampMs < untilMs),
  }))
}

describe.each(everyStrategy)('what a database leaves that writes %s', (strategy) => {
  it('is what promtool and a Prometheus server find, in blocks, a checkpoint and the WAL; and the other way round', async () => {
    const folder = freshFolder()
    const database = await openDatabase(folder, { strategies: alike(strategy) })
    for (let number = 0; number < PARTS; number++) {
      await commitAll(database, part(number))
      // The first four ranges become one block, of which the last two are cut after it is made.
      if (number === 9) await database.cut()
      if (number === 10) await database.compact()
    }
    await database.cut()
    await database.close()
    expect((await database.blocks()).map(({ compaction }) => compaction.level)).toEqual([2, 1, 1, 1])
    expect(walNames(folder).map((name) => name.replace(/\d+$/, ''))).toEqual(['', 'checkpoint.'])
    expect(await dump(folder)).toEqual(dumpOfSeries(all))
    {
      await using server = await startPrometheus(folder)
      const found = await server.rawSamples('up', T0, T0 + PARTS * PART_MS)
      expect(byLabels(found)).toEqual(dumpOfSeries(all))
      expect(server.log).not.toMatch(/level=(warn|error)/)
    }
    // The server has added to the folder, but no samples.
    expect(existsSync(join(folder, 'chunks_head'))).toBe(true)
    await expectIn(folder, all)
  })
})

describe('a data folder of Prometheus', () => {
  const series = Array.from({ length: 20 }, (_, i) => ({ __name__: 'up', instance: `host-${i + 10}`, zone: 'ü€𝄞' }))
  /** A sample each 30 s. */
  const scrapes = 600
  const { blockRangeMs } = defaultSettings

  it('is opened, its samples are cut into blocks and compacted, and promtool finds the same as before', async () => {
    const folder = freshPath(temporaryFolder(), 'data')
    await createWal(series, scrapes, folder)
    const before = await dump(folder)
    expect([...before.values()].map(({ values }) => values.length)).toEqual(series.map(() => scrapes))
    await using database = await openDatabase(folder, { blockRangeMs })
    expect(database.recovery).toMatchObject({
      replayedSamples: series.length * scrapes,
      samplesInBlocks: 0,
      droppedSamples: 0,
      torn: null,
    })
    expect((await database.cut()).map(({ minTime }) => minTime)).toEqual([0, blockRangeMs])
    expect(await dump(folder)).toEqual(before)
    await database.compact()
    expect(await dump(folder)).toEqual(before)
    await database.cut('all')
    await database.compact()
    await database.close()
    expect(await dump(folder)).toEqual(before)
  })

  it('may have blocks and a WAL that overlaps them', async () => {
    const folder = freshPath(temporaryFolder(), 'data')
    await createWal(series, scrapes, folder)
    const before = await dump(folder)
    const [first] = before.values()
    // The samples of the first two hours, which promtool writes into a block.
    const inBlock = first!.timestampsMs.findIndex((timestampMs) => timestampMs >= blockRangeMs)
    const lines = series.flatMap(({ instance, zone }) =>
      first!.timestampsMs
        .slice(0, inBlock)
        .map(
          (timestampMs, i) => `up{instance="${instance}",zone="${zone}"} ${first!.values[i]} ${timestampMs / 1000}\n`,
        ),
    )
    const [block] = await createBlocks(`${lines.join('')}# EOF\n`, folder)
    expect(await dump(folder)).toEqual(before)
    await using database = await openDatabase(folder, { blockRangeMs })
    expect(await database.blocks()).toMatchObject([{ ulid: block!.ulid }])
    const inOurs = first!.timestampsMs.findIndex((timestampMs) => timestampMs >= block!.maxTimeMs)
    expect(database.recovery).toMatchObject({
      samplesInBlocks: series.length * inOurs,
      replayedSamples: series.length * (scrapes - inOurs),
      droppedSamples: 0,
    })
    await database.cut('all')
    await database.compact()
    await database.close()
    expect(await dump(folder)).toEqual(before)
  })
})
