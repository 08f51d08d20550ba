import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { beforeAll, describe, expect, it } from 'vitest'
import { PAGE_BYTES } from '../../../bench/tsdb/wal/pages.ts'
import { cutTorn } from '../../../bench/tsdb/wal/repair.ts'
import { segmentPath } from '../../../bench/tsdb/wal/wal-folder.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { codeFrom, errorFrom } from '../../writer/tools.ts'
import {
  damageAt,
  expectRecords,
  overwrite,
  readLog,
  segmentsIn,
  someRecord,
  someRecords,
  threeSegments,
  writeLog,
  writeThreeSegments,
} from './wal-files.ts'

const folder = temporaryFolder()
const fresh = () => mkdtempSync(join(folder, 'wal-'))

describe('a byte that changed', () => {
  /** Several pages in the last segment, in small and in large records. */
  const records = [...someRecords(30, 700, 5), someRecord(70_000, 50), ...someRecords(30, 700, 60), someRecord(300, 99)]

  let content: Buffer
  let lastOffset: number
  beforeAll(async () => {
    const path = fresh()
    await writeLog(path, records, { segmentBytes: 8 * PAGE_BYTES })
    content = readFileSync(segmentPath(path, 0))
    lastOffset = (await readLog(path)).places.at(-1)!.offset
  })

  /** The log with another byte at `offset`. */
  function changed(offset: number, change: number): string {
    const path = fresh()
    const bytes = Buffer.from(content)
    bytes[offset]! ^= change
    writeFileSync(segmentPath(path, 0), bytes)
    return path
  }

  test.prop([fc.nat(), fc.integer({ min: 1, max: 255 })], { numRuns: 200 })(
    'before the last record is corruption, and told by file and offset',
    async (where, change) => {
      const offset = where % lastOffset
      const path = changed(offset, change)
      const error = await errorFrom(() => readLog(path))
      expect(error).toMatchObject({ name: 'TsdbError', file: segmentPath(path, 0) })
      // A wrong type may show at the next fragment, or at zeros before.
      expect((error as Error & { offset: number }).offset).toBeLessThanOrEqual(offset + PAGE_BYTES)
      rmSync(path, { recursive: true })
    },
  )

  test.prop([fc.nat(), fc.integer({ min: 1, max: 255 })])(
    'in the last record is what a crash may leave: it ends the log',
    async (where, change) => {
      const offset = lastOffset + (where % (content.length - lastOffset))
      // Compressed data are not, whatever else may be wrong with them.
      fc.pre(offset !== lastOffset || (change & 0xf8) === 0)
      const path = changed(offset, change)
      const { records: found, outcome } = await readLog(path)
      expectRecords(found, records.slice(0, -1))
      const end = { segment: 0, offset: lastOffset }
      expect(outcome).toMatchObject({ end, torn: { ...end, hasRecords: false } })
      rmSync(path, { recursive: true })
    },
  )

  it('in a segment that is not the last is corruption wherever it is', async () => {
    for (const offset of [0, 3, 100, 49_999]) {
      const path = await writeThreeSegments(fresh())
      damageAt(path, 1, offset)
      expect(await errorFrom(() => readLog(path))).toMatchObject({ name: 'TsdbError', file: segmentPath(path, 1) })
    }
  })
})

describe('what a crash leaves', () => {
  it.each([
    ['in the middle of its header', 4],
    ['in its data', 5000],
    ['before its last byte', 50_006 + 7],
  ])('a record cut %s is torn', async (_, byteLength) => {
    const path = fresh()
    await writeLog(path, [someRecord(50_000)])
    truncateSync(segmentPath(path, 0), byteLength)
    const { records, outcome } = await readLog(path)
    expect(records).toEqual([])
    expect(outcome).toMatchObject({ end: { segment: 0, offset: 0 }, torn: { segment: 0, offset: 0 } })
    expect(outcome.torn?.why).toMatch(/^byte \d+: the segment ends inside/)
  })

  it.each([1, 511, 4096, 3 * PAGE_BYTES])('%d zeros behind the last record are torn', async (zeros) => {
    const path = fresh()
    await writeLog(path, [someRecord(1000)])
    appendFileSync(segmentPath(path, 0), Buffer.alloc(zeros))
    const { records, outcome } = await readLog(path)
    expect(records).toHaveLength(1)
    const torn = { segment: 0, offset: 1007, why: 'byte 1007: zeros where a record should be', hasRecords: false }
    expect(outcome).toEqual({ end: { segment: 0, offset: 1007 }, torn })
  })

  it('a segment of 128 MiB that was preallocated ends where its records do', async () => {
    const path = fresh()
    await writeLog(path, [someRecord(1000)])
    truncateSync(segmentPath(path, 0), 128 * 1024 * 1024)
    const { records, outcome } = await readLog(path)
    expect(records).toHaveLength(1)
    expect(outcome.torn).toMatchObject({ segment: 0, offset: 1007 })
  })

  it('zeros to the end of the page are none of it: so a segment is ended', async () => {
    const path = fresh()
    await writeLog(path, [someRecord(1000)])
    truncateSync(segmentPath(path, 0), PAGE_BYTES)
    expect((await readLog(path)).outcome).toEqual({ end: { segment: 0, offset: 1007 }, torn: null })
  })

  it.each([0, 3 * PAGE_BYTES])('a torn segment may have a next one with nothing but %d zeros', async (zeros) => {
    const path = await writeThreeSegments(fresh())
    truncateSync(segmentPath(path, 2), 10_000)
    writeFileSync(segmentPath(path, 3), Buffer.alloc(zeros))
    const { records, outcome } = await readLog(path)
    expect(records).toHaveLength(2)
    expect(outcome.torn).toMatchObject({ segment: 2, offset: 0 })
    await cutTorn(path, outcome.torn!)
    expect([2, 3].map((segment) => statSync(segmentPath(path, segment)).size)).toEqual([0, 0])
    await writeLog(path, [someRecord(5)])
    const after = await readLog(path)
    expectRecords(after.records, [...threeSegments.slice(0, 2), someRecord(5)])
    expect(after.outcome).toEqual({ end: { segment: 4, offset: 12 }, torn: null })
  })

  it('a whole segment may have a next one with nothing but zeros', async () => {
    const path = await writeThreeSegments(fresh())
    writeFileSync(segmentPath(path, 3), Buffer.alloc(PAGE_BYTES * 2))
    const { records, outcome } = await readLog(path)
    expect(records).toHaveLength(4)
    expect(outcome.torn).toMatchObject({ segment: 3, offset: 0 })
    expect(outcome.end.segment).toBe(2)
  })

  it('a torn segment with records in the next one is corruption', async () => {
    const path = await writeThreeSegments(fresh())
    truncateSync(segmentPath(path, 1), 10_000)
    const error = await errorFrom(() => readLog(path))
    expect(error).toMatchObject({ code: 'ERR_TSDB_TRUNCATED', file: segmentPath(path, 1), offset: 0 })
  })

  it.each([
    ['a page', PAGE_BYTES, PAGE_BYTES],
    ['a block in the middle of a page', 4096, 4096],
    ['a sector', 512 * 7, 512],
  ])('a hole of %s with whole records behind it is torn, and they are told', async (_, offset, byteLength) => {
    const path = fresh()
    await writeLog(path, someRecords(100, 2000), { segmentBytes: 8 * PAGE_BYTES })
    const { places } = await readLog(path)
    overwrite(path, 0, offset, Buffer.alloc(byteLength))
    const { records, outcome } = await readLog(path)
    // The last one that ends before the hole.
    expect(records.length).toBe(places.filter((place) => place.offset <= offset).length - 1)
    expect(outcome.torn).toMatchObject({ segment: 0, offset: places[records.length]!.offset, hasRecords: true })
    expect(outcome.torn?.why).toMatch(/ and whole records behind them$/)
    await cutTorn(path, outcome.torn!)
    expect((await readLog(path)).outcome.torn).toBeNull()
  })

  it.each([100, 511, 600])('%d zeros in the middle that are no whole sector are corruption', async (byteLength) => {
    const path = fresh()
    await writeLog(path, someRecords(100, 2000), { segmentBytes: 8 * PAGE_BYTES })
    overwrite(path, 0, 5121, Buffer.alloc(byteLength))
    expect(await errorFrom(() => readLog(path))).toMatchObject({ name: 'TsdbError', file: segmentPath(path, 0) })
  })

  it('other bytes than zeros in place of a page are corruption', async () => {
    const path = fresh()
    await writeLog(path, someRecords(100, 2000), { segmentBytes: 8 * PAGE_BYTES })
    overwrite(path, 0, PAGE_BYTES, someRecord(PAGE_BYTES, 1234))
    const error = await errorFrom(() => readLog(path))
    expect(error).toMatchObject({ name: 'TsdbError', file: segmentPath(path, 0) })
    expect(error.message).toMatch(/, and a whole record follows at byte \d+$/)
  })

  it('a record that reaches from the damage over several pages is a whole record behind it', async () => {
    const path = fresh()
    await writeLog(path, [someRecord(100), someRecord(200, 2), someRecord(100_000, 3)], {
      segmentBytes: 8 * PAGE_BYTES,
    })
    damageAt(path, 0, 120)
    expect((await errorFrom(() => readLog(path))).message).toMatch(/at byte 314$/)
    // Cut in its last page it is none.
    truncateSync(segmentPath(path, 0), 100_000)
    expect((await readLog(path)).outcome.torn).toMatchObject({ offset: 107 })
  })
})

/** A log whose second record has a byte that changed. */
async function damagedLog(first: Buffer, ...others: Buffer[]): Promise<string> {
  const path = fresh()
  await writeLog(path, [first, someRecord(200, 2), ...others], { segmentBytes: 8 * PAGE_BYTES })
  damageAt(path, 0, first.length + 7 + 50)
  return path
}

describe('what tells a crash from corruption', () => {
  it('is no zeros in a record before the damage', async () => {
    const zeros = someRecord(3000)
    zeros.fill(0, 100)
    const path = await damagedLog(zeros, someRecord(300))
    expect((await errorFrom(() => readLog(path))).message).toMatch(/, and a whole record follows at byte 3214$/)
  })

  it('is no zeros behind the whole record that follows', async () => {
    const path = await damagedLog(someRecord(100), someRecord(300))
    appendFileSync(segmentPath(path, 0), Buffer.alloc(PAGE_BYTES))
    expect((await errorFrom(() => readLog(path))).message).toMatch(/, and a whole record follows at byte 314$/)
  })

  it('is no record that is damaged as well', async () => {
    const path = await damagedLog(someRecord(100), someRecord(100_000, 3))
    damageAt(path, 0, PAGE_BYTES + 100)
    expect((await readLog(path)).outcome.torn).toMatchObject({ offset: 107, hasRecords: false })
  })
})

describe('cutting', () => {
  it('refuses what is longer than the segment, and what has records behind it', async () => {
    const path = await writeThreeSegments(fresh())
    expect(await codeFrom(() => cutTorn(path, { segment: 2, offset: 3 * PAGE_BYTES }))).toBe('ERR_TSDB_STATE')
    expect(await codeFrom(() => cutTorn(path, { segment: 1, offset: 0 }))).toBe('ERR_TSDB_STATE')
    expectRecords((await readLog(path)).records, threeSegments)
  })

  it('can be done again', async () => {
    const path = await writeThreeSegments(fresh())
    const torn = { segment: 2, offset: 20_007 }
    await cutTorn(path, torn)
    await cutTorn(path, torn)
    expectRecords((await readLog(path)).records, threeSegments.slice(0, 3))
    expect((await segmentsIn(path)).get(2)).toHaveLength(20_007)
  })
})
