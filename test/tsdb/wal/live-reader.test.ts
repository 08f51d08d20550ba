import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { type FollowOptions, follow } from '../../../bench/tsdb/wal/live-reader.ts'
import { PAGE_BYTES } from '../../../bench/tsdb/wal/pages.ts'
import { isBehind, segmentPath, type WalPosition } from '../../../bench/tsdb/wal/wal-folder.ts'
import type { WalWriter } from '../../../bench/tsdb/wal/wal-writer.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { codeFrom, errorFrom, idle } from '../../writer/tools.ts'
import { appendAll, everyStrategy, expectRecords, openWal, someRecord, someRecords } from './wal-files.ts'

const folder = temporaryFolder()
const fresh = () => mkdtempSync(join(folder, 'wal-'))

/** What a live reader gives, until it ends or `mostRecords` are there. Each place is checked against what is committed. */
async function recordsOf(wal: WalWriter, options: FollowOptions = {}, mostRecords = Infinity): Promise<Buffer[]> {
  const records: Buffer[] = []
  let before: WalPosition = { segment: -1, offset: 0 }
  if (mostRecords === 0) return records
  for await (const { bytes, segment, offset } of follow(wal, options)) {
    records.push(Buffer.from(bytes))
    const place = { segment, offset }
    expect(isBehind(wal.committed, place)).toBe(true)
    expect(isBehind(place, before)).toBe(true)
    before = place
    if (records.length === mostRecords) break
  }
  return records
}

describe.each(everyStrategy)('a live reader of a %s writer', (strategy) => {
  it.each(['direct', 'buffered'] as const)('gives each batch when it is committed, reading %s', async (reads) => {
    const wal = await openWal(fresh(), { strategy })
    const records = someRecords(120, 4000)
    const reader = follow(wal, { reads })
    for (const [i, record] of records.entries()) {
      await appendAll(wal, [record])
      const { value } = await reader.next()
      expect(value!.bytes.equals(records[i]!)).toBe(true)
    }
    expect(wal.position.segment).toBeGreaterThan(2)
    const last = reader.next()
    await wal.end()
    expect(await last).toEqual({ done: true, value: undefined })
  })

  it('never gives what is not committed', async () => {
    const wal = await openWal(fresh(), { strategy })
    const found: number[] = []
    const reading = (async () => {
      for await (const { bytes } of follow(wal)) found.push(bytes.length)
    })()
    for (let i = 1; i <= 5; i++) {
      await wal.append(someRecord(100 * i))
      await idle()
      expect(found).toHaveLength(i - 1)
      await wal.commit()
      while (found.length < i) await idle()
    }
    await wal.end()
    await reading
    expect(found).toEqual([100, 200, 300, 400, 500])
  })

  it('gives the same as another one that is slow, and neither holds up the writer', async () => {
    const wal = await openWal(fresh(), { strategy })
    const records = someRecords(100, 5000)
    const slow = follow(wal)
    await appendAll(wal, records.slice(0, 1))
    expect((await slow.next()).value?.bytes.equals(records[0]!)).toBe(true)
    const quick = recordsOf(wal)
    for (let i = 1; i < 100; i += 9) await appendAll(wal, records.slice(i, i + 9))
    await wal.end()
    expectRecords(await quick, records)
    const rest: Buffer[] = []
    for await (const { bytes } of slow) rest.push(Buffer.from(bytes))
    expectRecords(rest, records.slice(1))
  })
})

test.prop(
  [
    fc.array(fc.tuple(fc.oneof(fc.nat(300), fc.nat(40_000)), fc.integer({ min: 0, max: 3 })), { maxLength: 30 }),
    fc.constantFrom(...everyStrategy),
    fc.integer({ min: 2, max: 4 }),
  ],
  { numRuns: 40 },
)('readers that begin at any time read all that is written', async (batches, strategy, pages) => {
  const path = fresh()
  const wal = await openWal(path, { strategy, segmentBytes: pages * PAGE_BYTES })
  const records = batches.map(([length], i) => someRecord(length, i + 1))
  const readers: [Promise<Buffer[]>, number][] = []
  for (const [i, [, what]] of batches.entries()) {
    if (what === 0) await wal.commit()
    if (what === 1) readers.push([recordsOf(wal), 0])
    // Where everything so far is committed the next record begins, even in a segment that ends there.
    if (what === 2) {
      await wal.commit()
      readers.push([recordsOf(wal, { from: wal.committed }), i])
    }
    if (what === 3 && i % 4 === 0) await wal.nextSegment()
    await wal.append(records[i]!)
  }
  await wal.end()
  for (const [found, first] of readers) expectRecords(await found, records.slice(first))
  expectRecords(await recordsOf(wal), records)
  rmSync(path, { recursive: true })
})

describe('a live reader', () => {
  it('begins in a segment of an earlier writer when it is told to', async () => {
    const path = fresh()
    const earlier = await openWal(path)
    await appendAll(earlier, [someRecord(10), someRecord(60_000), someRecord(20_000)])
    await earlier.end()
    const wal = await openWal(path)
    await appendAll(wal, [someRecord(30)])
    const all = [someRecord(10), someRecord(60_000), someRecord(20_000), someRecord(30)]
    expectRecords(await recordsOf(wal, { from: { segment: 0, offset: 0 } }, 4), all)
    expectRecords(await recordsOf(wal, { from: { segment: 0, offset: 17 } }, 3), all.slice(1))
    expectRecords(await recordsOf(wal, {}, 1), all.slice(3))
    await wal.end()
  })

  it('may wait for a segment that has not begun, or never does', async () => {
    const wal = await openWal(fresh())
    const coming = recordsOf(wal, { from: { segment: 1, offset: 0 } })
    const never = recordsOf(wal, { from: { segment: 9, offset: 0 } })
    await appendAll(wal, [someRecord(10)])
    await wal.nextSegment()
    await appendAll(wal, [someRecord(20)])
    await wal.end()
    expectRecords(await coming, [someRecord(20)])
    expect(await never).toEqual([])
  })

  it('ends with the writer when nothing was written', async () => {
    const wal = await openWal(fresh())
    const reading = recordsOf(wal)
    await wal.end()
    expect(await reading).toEqual([])
    expect(await recordsOf(wal)).toEqual([])
  })

  it('can be left at any time', async () => {
    const wal = await openWal(fresh())
    await appendAll(wal, [someRecord(10), someRecord(20)])
    expectRecords(await recordsOf(wal, {}, 1), [someRecord(10)])
    await wal.end()
  })

  it('reads a deleted segment to its end when it has begun it', async () => {
    const wal = await openWal(fresh())
    const reader = follow(wal)
    await appendAll(wal, [someRecord(10), someRecord(20)])
    expect((await reader.next()).value?.bytes.length).toBe(10)
    await wal.nextSegment()
    await wal.deleteBefore(1)
    await appendAll(wal, [someRecord(30)])
    expect((await reader.next()).value?.bytes.length).toBe(20)
    expect((await reader.next()).value).toMatchObject({ segment: 1, offset: 0 })
    await wal.end()
    expect((await reader.next()).done).toBe(true)
  })

  it('is told when the segment that comes next was deleted', async () => {
    const path = fresh()
    const wal = await openWal(path)
    const reader = follow(wal)
    await appendAll(wal, [someRecord(10)])
    expect((await reader.next()).value?.bytes.length).toBe(10)
    await wal.nextSegment()
    await wal.nextSegment()
    await wal.deleteBefore(2)
    const gone = { name: 'TsdbError', code: 'ERR_TSDB_STATE', file: segmentPath(path, 1) }
    expect(await errorFrom(() => reader.next())).toMatchObject(gone)
    expect(await codeFrom(() => recordsOf(wal))).toBe('ERR_TSDB_STATE')
    await wal.end()
  })

  it('is told why the writer failed, behind all that was committed', async () => {
    const wal = await openWal(fresh())
    const reader = follow(wal)
    await appendAll(wal, [someRecord(10)])
    await wal.append(someRecord(20))
    expect((await reader.next()).value?.bytes.length).toBe(10)
    const next = errorFrom(() => reader.next())
    const reason = new Error('enough')
    await wal.fail(reason)
    expect(await next).toBe(reason)
  })

  it('is told of bytes that changed in the file', async () => {
    const path = fresh()
    const wal = await openWal(path, { strategy: 'buffered' })
    await appendAll(wal, [someRecord(1000), someRecord(2000)])
    const bytes = readFileSync(segmentPath(path, 0))
    bytes[1500]! ^= 1
    writeFileSync(segmentPath(path, 0), bytes)
    const reader = follow(wal, { reads: 'buffered' })
    expect((await reader.next()).value?.bytes.length).toBe(1000)
    const wrong = { code: 'ERR_TSDB_BAD_CHECKSUM', file: segmentPath(path, 0), offset: 1007 }
    expect(await errorFrom(() => reader.next())).toMatchObject(wrong)
    await wal.end()
  })
})
