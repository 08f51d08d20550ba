import { cpSync, mkdirSync, mkdtempSync, statSync, truncateSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeCheckpoint } from '../../../bench/tsdb/wal/checkpoint.ts'
import { PAGE_BYTES } from '../../../bench/tsdb/wal/pages.ts'
import { cutTorn } from '../../../bench/tsdb/wal/repair.ts'
import { segmentPath } from '../../../bench/tsdb/wal/wal-folder.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { byLabels } from '../support/go-text.ts'
import { type PrometheusServer, startPrometheus } from '../support/prometheus-server.ts'
import { dumpOfSeries, regular, type Series } from '../support/series.ts'
import { killedLog } from './killed-log.ts'
import {
  appendAll,
  everyStrategy,
  logOf,
  namesIn,
  openWal,
  readLog,
  recordsOf,
  seriesIn,
  writeLog,
} from './wal-files.ts'

const folder = temporaryFolder()
const fresh = () => mkdtempSync(join(folder, 'data-'))

const T0 = 1_700_000_000_000
const everything = '{__name__=~".+"}'

/** 200 series with a sample each 15 s, for 20 minutes: 180 kB. */
const all: readonly Series[] = Array.from({ length: 200 }, (_, i) =>
  regular({ __name__: i % 2 === 0 ? 'up' : 'ready', instance: `host-${i}`, zone: 'ü"€𝄞' }, T0, 80, 15_000),
)
const records = recordsOf(all)

/** The first samples of each series. */
function beginning(count: number): Series[] {
  return all.map(({ labels, samples }) => ({ labels, samples: samples.slice(0, count) }))
}

/** Exactly these samples, and nothing that the server would warn of. */
async function expectServed(dataFolder: string, expected: readonly Series[]): Promise<void> {
  await using server = await startPrometheus(dataFolder)
  await expectAnswers(server, expected)
  expect(server.log).toMatch(/msg="WAL replay completed"/)
  expect(server.log).not.toMatch(/level=(warn|error)/)
}

async function expectAnswers(server: PrometheusServer, expected: readonly Series[]): Promise<void> {
  const found = byLabels(await server.rawSamples(everything, T0, T0 + 3_600_000))
  expect(found).toEqual(dumpOfSeries(expected.filter(({ samples }) => samples.length > 0)))
}

describe.each(everyStrategy)('Prometheus serves a log written %s', (strategy) => {
  it('in one segment, and in many', async () => {
    for (const segmentBytes of [128 * 1024 * 1024, 2 * PAGE_BYTES]) {
      const data = fresh()
      await writeLog(logOf(data), records, { strategy, segmentBytes })
      const isOne = segmentBytes > records.reduce((sum, record) => sum + record.length, 0)
      expect(namesIn(logOf(data)).length > 2).toBe(!isOne)
      await expectServed(data, all)
    }
  })

  it('with a checkpoint', async () => {
    const data = fresh()
    const wal = await openWal(logOf(data), { strategy })
    await appendAll(wal, records.slice(0, 30))
    const next = await wal.nextSegment()
    await appendAll(wal, records.slice(30))
    await wal.end()
    // The samples of the first ten times are gone, the series are not.
    const kept = [records[0]!, ...records.slice(11, 30)]
    await writeCheckpoint(logOf(data), next - 1, kept, { strategy, segmentBytes: 2 * PAGE_BYTES })
    expect(namesIn(logOf(data)).at(-1)).toMatch(/^checkpoint/)
    expect(seriesIn((await readLog(logOf(data))).decoded)).toHaveLength(all.length)
    await expectServed(data, seriesIn((await readLog(logOf(data))).decoded))
  })

  it('that was killed, cut and continued', async () => {
    const { path } = await killedLog(folder, 'appending a large one', strategy, 'never', 1)
    const { outcome, decoded } = await readLog(path)
    if (outcome.torn !== null) await cutTorn(path, outcome.torn)
    const killed = seriesIn(decoded)
    const more = killed.map(({ labels }, i) => ({ labels, samples: [[T0 + 1_000_000 + i, BigInt(i)] as const] }))
    // References and series are known from before.
    await writeLog(path, recordsOf(more).slice(1), { strategy })
    const both = killed.map(({ labels, samples }, i) => ({ labels, samples: [...samples, ...more[i]!.samples] }))
    await expectServed(dirname(path), both)
  })
})

describe('Prometheus serves', () => {
  it('a log of 128 MiB that a direct writer preallocated and did not end, up to the zeros', async () => {
    const data = fresh()
    const wal = await openWal(logOf(data), { segmentBytes: 128 * 1024 * 1024 })
    await appendAll(wal, records)
    const image = fresh()
    mkdirSync(logOf(image))
    cpSync(segmentPath(logOf(data), 0), segmentPath(logOf(image), 0))
    await wal.end()
    expect(statSync(segmentPath(logOf(image), 0)).size).toBe(128 * 1024 * 1024)
    await expectServed(image, all)
  })

  it('a log cut in the middle of a record, and what follows, when the tail was cut off', async () => {
    const data = fresh()
    await writeLog(logOf(data), records, { segmentBytes: 128 * 1024 * 1024 })
    const { places } = await readLog(logOf(data))
    truncateSync(segmentPath(logOf(data), 0), places[41]!.offset + 1000)
    const { torn } = (await readLog(logOf(data))).outcome
    expect(torn).toMatchObject({ segment: 0, offset: places[41]!.offset })
    await cutTorn(logOf(data), torn!)
    await writeLog(logOf(data), records.slice(41))
    await expectServed(data, all)
  })

  it('nothing behind a torn record that was not cut off: what cutting is for', async () => {
    const data = fresh()
    await writeLog(logOf(data), records.slice(0, 41), { segmentBytes: 128 * 1024 * 1024 })
    const file = segmentPath(logOf(data), 0)
    truncateSync(file, statSync(file).size - 1)
    await writeLog(logOf(data), records.slice(41))
    await using server = await startPrometheus(data)
    expect(server.log).toMatch(/level=warn .*msg="Deleting all segments newer than corrupted segment"/)
    await expectAnswers(server, beginning(39))
  })
})
