import { describe, expect, it } from 'vitest'
import { follow } from '../../../bench/tsdb/wal/live-reader.ts'
import { PAGE_BYTES } from '../../../bench/tsdb/wal/pages.ts'
import { cutTorn } from '../../../bench/tsdb/wal/repair.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { killedLog } from './killed-log.ts'
import {
  appendAll,
  everyStrategy,
  expectRecords,
  type Log,
  namesIn,
  openWal,
  readLog,
  someRecord,
} from './wal-files.ts'

const folder = temporaryFolder()

/** All that was committed is there, and what else is there comes right behind it: record 90 as a large one, or not. */
function expectBeginning({ decoded }: Log, committed: number): void {
  expect(decoded.length).toBeGreaterThanOrEqual(committed)
  expect(decoded[0]).toMatchObject({ kind: 'series' })
  for (const [number, record] of decoded.entries()) {
    if (number === 0) continue
    if (record.kind !== 'samples') expect.fail(`a record of ${record.kind}`)
    const isLarge = record.count === 25 * 400
    expect(record.count).toBe(isLarge && number === committed ? record.count : 1 + ((number * 7919) % 400))
    expect(record.values.every((value) => value === number)).toBe(true)
    expect(record.refs.every((ref, i) => ref === 1 + (i % (isLarge ? 400 : record.count)))).toBe(true)
    expect(record.timestampsMs[0]).toBe(1_700_000_000_000 + number * 1000)
  }
}

describe.each(everyStrategy)('a %s writer that is killed', (strategy) => {
  it.each(['appending', 'appending a large one', 'committing', 'ending a segment', 'ending the log'])(
    'while %s has lost nothing that was committed, and the log goes on',
    async (stage) => {
      for (const turns of [0, 1]) {
        const sync = turns === 1 ? 'every-batch' : 'never'
        const { path, committed } = await killedLog(folder, stage, strategy, sync, turns)
        const log = await readLog(path)
        expectBeginning(log, committed)
        if (log.outcome.torn !== null) await cutTorn(path, log.outcome.torn)
        expect((await readLog(path)).outcome).toEqual({ end: log.outcome.end, torn: null })
        const wal = await openWal(path, { segmentBytes: 4 * PAGE_BYTES })
        await appendAll(wal, [someRecord(10)])
        await wal.end()
        expectRecords((await readLog(path)).records, [...log.records, someRecord(10)])
      }
    },
  )

  it('while writing a checkpoint has lost nothing, and the next writer clears up', async () => {
    const { path, committed } = await killedLog(folder, 'writing a checkpoint', strategy, 'never', 2)
    const log = await readLog(path)
    expectBeginning(log, committed)
    expect(log.records).toHaveLength(committed)
    expect(namesIn(path).filter((name) => name.endsWith('.tmp'))).toHaveLength(1)
    if (log.outcome.torn !== null) await cutTorn(path, log.outcome.torn)
    const wal = await openWal(path)
    expect(namesIn(path).filter((name) => name.startsWith('checkpoint'))).toEqual([])
    const found: Buffer[] = []
    const reading = (async () => {
      for await (const { bytes } of follow(wal, { from: { segment: 0, offset: 0 } })) found.push(Buffer.from(bytes))
    })()
    await wal.end()
    await reading
    expectRecords(found, log.records)
  })
})

it('a direct writer that is killed leaves zeros, which end the log', async () => {
  const { path, committed } = await killedLog(folder, 'committing', 'direct', 'never', 0)
  const log = await readLog(path)
  expect(log.records.length).toBeGreaterThanOrEqual(committed)
  expect(log.outcome.torn).toMatchObject({ ...log.outcome.end, hasRecords: false })
})
