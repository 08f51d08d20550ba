import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { PAGE_BYTES } from '../../../bench/tsdb/wal/pages.ts'
import { cutTorn } from '../../../bench/tsdb/wal/repair.ts'
import { segmentPath } from '../../../bench/tsdb/wal/wal-folder.ts'
import { replay } from '../../../bench/tsdb/wal/wal-reader.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { codeFrom, errorFrom } from '../../writer/tools.ts'
import { contentOf, regular, STALE_NAN_BITS, series } from '../support/series.ts'
import {
  appendAll,
  damageAt,
  expectRecords,
  openWal,
  overwrite,
  readLog,
  recordsOf,
  segmentsIn,
  seriesIn,
  someRecord,
  someRecords,
  threeSegments,
  writeLog,
  writeThreeSegments,
} from './wal-files.ts'

const folder = temporaryFolder()
const fresh = () => mkdtempSync(join(folder, 'wal-'))

describe.each(['direct', 'buffered'] as const)('reading %s', (reads) => {
  test.prop([fc.integer({ min: 2, max: 4 }), fc.array(fc.oneof(fc.nat(300), fc.nat(60_000)), { maxLength: 30 })], {
    numRuns: 40,
  })('gives the records again, and where they are', async (pages, lengths) => {
    const path = fresh()
    const records = lengths.map((length, i) => someRecord(length, i + 1))
    await writeLog(path, records, { segmentBytes: pages * PAGE_BYTES })
    const { records: found, places, outcome } = await readLog(path, { reads })
    expectRecords(found, records)
    const segments = await segmentsIn(path)
    for (const [i, { segment, offset, checkpoint }] of places.entries()) {
      expect(checkpoint).toBeNull()
      expect([1, 2]).toContain(segments.get(segment)![offset])
      const before = places[i - 1]
      if (before !== undefined) expect(segment > before.segment || offset > before.offset).toBe(true)
    }
    expect(outcome.torn).toBeNull()
    rmSync(path, { recursive: true })
  })

  test.prop([fc.array(fc.oneof(fc.nat(300), fc.nat(60_000)), { minLength: 1, maxLength: 8 }), fc.nat()], {
    numRuns: 60,
  })('of a log that is cut at any byte gives what is whole, and where that ends', async (lengths, where) => {
    const path = fresh()
    const records = lengths.map((length, i) => someRecord(length, i + 1))
    await writeLog(path, records)
    const places = (await readLog(path)).places
    const last = Math.max(...(await segmentsIn(path)).keys())
    const file = segmentPath(path, last)
    const byteLength = where % (statSync(file).size + 1)
    truncateSync(file, byteLength)
    const { records: found, outcome } = await readLog(path, { reads })
    expectRecords(found, records.slice(0, found.length))
    // The next one does not begin before the cut, or is not whole.
    const next = places[found.length]
    if (next !== undefined && next.offset < byteLength) expect(outcome.torn).not.toBeNull()
    if (next !== undefined) expect(next.segment).toBe(last)
    const { end, torn } = outcome
    expect(end.segment === last ? end.offset : 0).toBeLessThanOrEqual(byteLength)
    if (torn !== null) {
      expect(torn).toMatchObject({ segment: last, offset: end.segment === last ? end.offset : 0, hasRecords: false })
      await cutTorn(path, torn)
      expect(statSync(file).size).toBe(torn.offset)
    }
    await writeLog(path, [someRecord(77, 99)])
    const after = await readLog(path, { reads })
    expectRecords(after.records, [...records.slice(0, found.length), someRecord(77, 99)])
    expect(after.outcome.torn).toBeNull()
    rmSync(path, { recursive: true })
  })
})

describe('the sequence of segments', () => {
  it('without one is refused, and the missing one is named', async () => {
    const path = await writeThreeSegments(fresh())
    rmSync(segmentPath(path, 1))
    expect(await errorFrom(() => readLog(path))).toMatchObject({
      code: 'ERR_TSDB_MALFORMED',
      file: segmentPath(path, 1),
    })
  })

  it('may begin anywhere', async () => {
    const path = await writeThreeSegments(fresh())
    rmSync(segmentPath(path, 0))
    const { records, places } = await readLog(path)
    expectRecords(records, threeSegments.slice(1))
    expect(places[0]).toEqual({ segment: 1, offset: 0, checkpoint: null })
  })

  it('is read from one on when asked to', async () => {
    const path = await writeThreeSegments(fresh())
    expectRecords((await readLog(path, { from: 2 })).records, threeSegments.slice(2))
    expect((await readLog(path, { from: 3 })).outcome).toEqual({ end: { segment: 3, offset: 0 }, torn: null })
    rmSync(segmentPath(path, 0))
    expect(await codeFrom(() => readLog(path, { from: 0 }))).toBe('ERR_TSDB_MALFORMED')
  })

  it('may be empty', async () => {
    expect((await readLog(fresh())).outcome).toEqual({ end: { segment: 0, offset: 0 }, torn: null })
  })

  it('is not there without the folder', async () => {
    expect(await codeFrom(() => readLog(join(fresh(), 'none')))).toBe('ENOENT')
  })

  it('has no part in other files', async () => {
    const path = await writeThreeSegments(fresh())
    for (const name of ['1', '0000003', '00000003.tmp', '000000003', 'x00000003']) writeFileSync(join(path, name), 'x')
    mkdirSync(join(path, 'checkpoint.00000002.tmp'))
    mkdirSync(join(path, 'checkpoint.2'))
    expectRecords((await readLog(path)).records, threeSegments)
  })
})

describe('records', () => {
  it('of series and samples are given decoded', async () => {
    const path = fresh()
    const all = [
      regular({ __name__: 'up', job: 'a' }, 1000, 50, 15),
      { ...series({ __name__: 'up', job: 'b' }), samples: [[1000, STALE_NAN_BITS] as const] },
    ]
    await writeLog(path, recordsOf(all))
    expect(contentOf(seriesIn((await readLog(path)).decoded))).toEqual(contentOf(all))
  })

  it('of other types are given by their type', async () => {
    const path = fresh()
    await writeLog(path, [Buffer.from([3, 1]), Buffer.from([7, 1, 2]), Buffer.alloc(0)])
    const kinds = (await readLog(path)).decoded
    expect(kinds).toEqual([3, 7, 255].map((type) => ({ kind: 'other', type })))
  })

  it('with a right checksum and wrong content are corruption, also at the end of the log', async () => {
    const path = fresh()
    await writeLog(path, [someRecord(10), Buffer.from([2, 1, 2, 3])])
    const error = await errorFrom(() => readLog(path))
    expect(error).toMatchObject({ code: 'ERR_TSDB_TRUNCATED', file: segmentPath(path, 0) })
  })

  it.each([0x08, 0x10])('that are compressed (%d) are refused', async (bit) => {
    const path = fresh()
    await writeLog(path, [someRecord(10), someRecord(20)])
    const [type] = readFileSync(segmentPath(path, 0)).subarray(17)
    overwrite(path, 0, 17, Buffer.from([type! | bit]))
    const error = await errorFrom(() => readLog(path))
    expect(error).toMatchObject({ code: 'ERR_TSDB_UNSUPPORTED', file: segmentPath(path, 0), offset: 17 })
  })

  it('that are compressed are refused also when a crash has cut them', async () => {
    const path = fresh()
    await writeLog(path, [someRecord(10), someRecord(50_000)])
    overwrite(path, 0, 17, Buffer.from([2 | 8]))
    truncateSync(segmentPath(path, 0), 40_000)
    expect(await errorFrom(() => readLog(path))).toMatchObject({ code: 'ERR_TSDB_UNSUPPORTED', offset: 17 })
  })

  it('are not all read before the first one is given', async () => {
    const path = await writeThreeSegments(fresh())
    damageAt(path, 1, 100)
    const log = replay(path)
    for await (const { bytes } of log) {
      expectRecords([bytes], threeSegments.slice(0, 1))
      break
    }
    expect(await codeFrom(() => log.outcome)).toBe('ERR_TSDB_STATE')
  })

  it('are many times more than a window of the file', async () => {
    const path = fresh()
    const wal = await openWal(path, { segmentBytes: 1024 * PAGE_BYTES })
    const records = someRecords(40, 200_000)
    await appendAll(wal, records)
    await wal.end()
    expectRecords((await readLog(path)).records, records)
  })
})
