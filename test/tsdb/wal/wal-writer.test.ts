import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { ByteBuffer } from '../../../bench/tsdb/encoding/byte-buffer.ts'
import { PAGE_BYTES, paddingAt, putFragments, roomFrom } from '../../../bench/tsdb/wal/pages.ts'
import { segmentPath } from '../../../bench/tsdb/wal/wal-folder.ts'
import { WalWriter } from '../../../bench/tsdb/wal/wal-writer.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { codeFrom, errorFrom, expectBytes } from '../../writer/tools.ts'
import { createWal } from '../support/promtool-data.ts'
import {
  appendAll,
  everyStrategy,
  expectRecords,
  namesIn,
  openWal,
  readLog,
  segmentsIn,
  someRecord,
  someRecords,
  TWO_PAGES,
  taken,
  writeLog,
} from './wal-files.ts'

const folder = temporaryFolder()
const fresh = () => mkdtempSync(join(folder, 'wal-'))

/** The segments that records have to lie in: as Prometheus's `log` in tsdb/wlog/wlog.go puts them there. */
function segmentsOf(records: readonly Uint8Array[], segmentBytes: number): Buffer[] {
  const segments = [new ByteBuffer()]
  for (const record of records) {
    let segment = segments.at(-1)!
    if (record.length > roomFrom(segment.length, segmentBytes)) {
      segment.put(Buffer.alloc(paddingAt(segment.length)))
      segment = new ByteBuffer()
      segments.push(segment)
    }
    putFragments(segment, record, segment.length)
  }
  return segments.map((segment) => Buffer.from(segment.view()))
}

async function expectSegments(path: string, expected: readonly Buffer[]): Promise<void> {
  const found = await segmentsIn(path)
  expect([...found.keys()]).toEqual(expected.map((_, number) => number))
  for (const [number, bytes] of found) expectBytes(bytes, expected[number]!)
}

describe.each(everyStrategy)('under %s', (strategy) => {
  it('segments have the bytes that the format says, and end where the records do', async () => {
    const path = fresh()
    const records = [...someRecords(60, 9000), someRecord(60_000, 3), ...someRecords(30, 20, 4)]
    await writeLog(path, records, { strategy })
    const expected = segmentsOf(records, TWO_PAGES)
    expect(expected.length).toBeGreaterThan(4)
    await expectSegments(path, expected)
  })

  it('records of several buffers go through small ones', async () => {
    const path = fresh()
    const records = [someRecord(300_000), someRecord(5), someRecord(700_000, 2)]
    const options = { strategy, segmentBytes: 32 * PAGE_BYTES, bufferSize: 16_384 }
    await writeLog(path, records, options)
    await expectSegments(path, segmentsOf(records, 32 * PAGE_BYTES))
  })

  it('what is committed is in the file, all of it and nothing else', async () => {
    const path = fresh()
    const wal = await openWal(path, { strategy })
    const records = someRecords(20, 3000)
    for (const [i, record] of records.entries()) {
      await appendAll(wal, [record])
      const written = segmentsOf(records.slice(0, i + 1), TWO_PAGES)
      const { segment, offset } = wal.committed
      expect([segment, offset]).toEqual([written.length - 1, written.at(-1)!.length])
      const file = (await segmentsIn(path)).get(segment)!
      expectBytes(file.subarray(0, offset), written.at(-1)!)
      expect(file.subarray(offset).every((byte) => byte === 0)).toBe(true)
    }
    await wal.end()
  })
})

test.prop(
  [
    fc.integer({ min: 2, max: 5 }),
    fc.array(fc.tuple(fc.oneof(fc.nat(300), fc.nat(40_000)), fc.boolean()), { minLength: 1, maxLength: 25 }),
    fc.constantFrom(...everyStrategy),
  ],
  { numRuns: 60 },
)('any records in any batches make the segments that the format says', async (pages, batches, strategy) => {
  const path = fresh()
  const wal = await openWal(path, { strategy, segmentBytes: pages * PAGE_BYTES })
  const records = batches.map(([length], i) => someRecord(length, i + 1))
  for (const [i, [, isCommitted]] of batches.entries()) {
    await wal.append(records[i]!)
    if (isCommitted) await wal.commit()
  }
  await wal.end()
  await expectSegments(path, segmentsOf(records, pages * PAGE_BYTES))
  rmSync(path, { recursive: true })
})

it('the records that Prometheus wrote become the same bytes again', async () => {
  const theirs = join(fresh(), 'theirs')
  const series = Array.from({ length: 300 }, (_, i) => ({ __name__: 'up', instance: `host-${i}`, job: 'node' }))
  await createWal(series, 300, theirs)
  const { records } = await readLog(join(theirs, 'wal'))
  expect(records.length).toBeGreaterThan(300)
  const path = fresh()
  await writeLog(path, records, { segmentBytes: 128 * 1024 * 1024 })
  const [ours] = [...(await segmentsIn(path)).values()]
  const [expected] = [...(await segmentsIn(join(theirs, 'wal'))).values()]
  // Prometheus pads the last page of a log that it closes.
  expect(expected!.length).toBe(Math.ceil(ours!.length / PAGE_BYTES) * PAGE_BYTES)
  expectBytes(Buffer.concat([ours!, Buffer.alloc(expected!.length - ours!.length)]), expected!)
})

describe('a new writer', () => {
  it('makes the folder, and begins with segment 0', async () => {
    const path = join(fresh(), 'a', 'b')
    const wal = await openWal(path)
    expect(wal.position).toEqual({ segment: 0, offset: 0 })
    expect(namesIn(path)).toEqual(['00000000'])
    await wal.end()
  })

  it('never goes on in a segment that is there', async () => {
    const path = fresh()
    await writeLog(path, [someRecord(10)])
    const before = await segmentsIn(path)
    await writeLog(path, [someRecord(20)])
    const after = await segmentsIn(path)
    expect([...after.keys()]).toEqual([0, 1])
    expectBytes(after.get(0)!, before.get(0)!)
    expectRecords((await readLog(path)).records, [someRecord(10), someRecord(20)])
  })

  it('begins behind the last checkpoint when there are no segments', async () => {
    const path = fresh()
    mkdirSync(join(path, 'checkpoint.00000041'))
    const wal = await openWal(path)
    expect(wal.firstSegment).toBe(42)
    await wal.end()
  })

  it('begins an empty log with any segment, and goes on with none but the next', async () => {
    const path = fresh()
    await (await openWal(path, { firstSegment: 99_999_999 })).end()
    expect(namesIn(path)).toEqual(['99999999'])
    expect(await codeFrom(() => openWal(path, { firstSegment: 3 }))).toBe('ERR_TSDB_STATE')
    expect(await codeFrom(() => openWal(path, { firstSegment: 100_000_001 }))).toBe('ERR_TSDB_STATE')
    await (await openWal(path, { firstSegment: 100_000_000 })).end()
    expect(namesIn(path)).toEqual(['100000000', '99999999'])
  })

  it.each([0, 1, PAGE_BYTES - 1, PAGE_BYTES + 1, -PAGE_BYTES, Number.NaN])(
    'refuses a segment of %d bytes',
    async (segmentBytes) => {
      expect(await errorFrom(() => openWal(fresh(), { segmentBytes }))).toBeInstanceOf(RangeError)
    },
  )

  it.each([0, -1, 0.5, Number.NaN])('refuses to sync every %d ms', async (everyMs) => {
    expect(await errorFrom(() => openWal(fresh(), { sync: { everyMs } }))).toBeInstanceOf(RangeError)
  })

  it('passes on what keeps a file from being made', async () => {
    const path = join(fresh(), 'file')
    writeFileSync(path, '')
    expect(await codeFrom(() => WalWriter.open(path, { strategy: 'buffered' }))).toBe('EEXIST')
  })
})

describe('a segment', () => {
  it('of a direct writer is allocated in full, and cut when it is ended', async () => {
    const path = fresh()
    const wal = await openWal(path, { segmentBytes: 8 * PAGE_BYTES })
    await appendAll(wal, [someRecord(1000)])
    expect(statSync(segmentPath(path, 0)).size).toBe(8 * PAGE_BYTES)
    expect(await wal.nextSegment()).toBe(1)
    expect(statSync(segmentPath(path, 0)).size).toBe(PAGE_BYTES)
    expect(statSync(segmentPath(path, 1)).size).toBe(8 * PAGE_BYTES)
    await wal.end()
    expect(statSync(segmentPath(path, 1)).size).toBe(0)
  })

  it.each(everyStrategy)(
    'under %s has its exact length after each commit when it is not preallocated',
    async (strategy) => {
      const path = fresh()
      const wal = await openWal(path, { strategy, preallocate: false })
      for (let i = 1; i <= 5; i++) {
        await appendAll(wal, [someRecord(993)])
        expect(statSync(segmentPath(path, 0)).size).toBe(i * 1000)
      }
      await wal.end()
    },
  )

  it('can be ended when nothing is in it', async () => {
    const path = fresh()
    const wal = await openWal(path)
    expect(await wal.nextSegment()).toBe(1)
    expect(await wal.nextSegment()).toBe(2)
    await appendAll(wal, [someRecord(3)])
    await wal.end()
    expect([...(await segmentsIn(path)).values()].map((bytes) => bytes.length)).toEqual([0, 0, 10])
    expectRecords((await readLog(path)).records, [someRecord(3)])
  })

  it('that is there already is not written to: the present one goes on', async () => {
    const path = fresh()
    const wal = await openWal(path)
    await wal.append(someRecord(100))
    writeFileSync(segmentPath(path, 1), 'not ours')
    expect(await codeFrom(() => wal.nextSegment())).toBe('EEXIST')
    expect(await codeFrom(() => wal.append(someRecord(10)))).toBe('EEXIST')
    rmSync(segmentPath(path, 1))
    await appendAll(wal, [someRecord(10)])
    await wal.end()
    // Nothing may follow the padding that was written before.
    await expectSegments(path, [
      ...segmentsOf([someRecord(100), someRecord(PAGE_BYTES * 2 - 14)], TWO_PAGES).slice(0, 1),
      ...segmentsOf([someRecord(10)], TWO_PAGES),
    ])
  })
})

describe('positions', () => {
  it('are accepted, committed and durable, one after the other', async () => {
    const path = fresh()
    const wal = await openWal(path, { strategy: 'buffered' })
    const zero = { segment: 0, offset: 0 }
    const one = { segment: 0, offset: 107 }
    await wal.append(someRecord(100))
    expect([wal.position, wal.committed, wal.synced]).toEqual([one, zero, zero])
    await wal.commit()
    expect([wal.position, wal.committed, wal.synced]).toEqual([one, one, zero])
    await wal.sync()
    expect([wal.position, wal.committed, wal.synced]).toEqual([one, one, one])
    await wal.append(someRecord(1))
    await wal.end()
    const end = { segment: 0, offset: 115 }
    expect([wal.position, wal.committed, wal.synced]).toEqual([end, end, end])
  })

  it('are those of the next segment when one is ended', async () => {
    const wal = await openWal(fresh())
    await wal.append(someRecord(60_000))
    await wal.append(someRecord(60_000))
    const begin = { segment: 1, offset: 0 }
    expect([wal.position, wal.committed, wal.synced]).toEqual([{ segment: 1, offset: 60_014 }, begin, begin])
    await wal.end()
  })
})

describe('calls', () => {
  it('take effect in the order they are made, awaited or not', async () => {
    const path = fresh()
    const wal = await openWal(path)
    const records = someRecords(200, 5000)
    const calls: Promise<unknown>[] = []
    for (const [i, record] of records.entries()) {
      calls.push(taken(wal.append(record)))
      if (i % 7 === 0) calls.push(wal.commit())
      if (i % 50 === 49) calls.push(wal.nextSegment())
    }
    calls.push(wal.end())
    await Promise.all(calls)
    expectRecords((await readLog(path)).records, records)
  })

  it('take small records at once', async () => {
    const wal = await openWal(fresh())
    expect(wal.append(someRecord(100))).toBeNull()
    expect(wal.append(someRecord(0))).toBeNull()
    await wal.end()
  })

  it('refuse a record larger than a segment, and nothing else', async () => {
    const path = fresh()
    const wal = await openWal(path)
    const most = TWO_PAGES - 14
    const calls = [10, most + 1, most].map((length) => taken(wal.append(someRecord(length))))
    const ends = await Promise.allSettled(calls)
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await codeFrom(() => calls[1])).toBe('ERR_TSDB_UNSUPPORTED')
    await wal.end()
    await expectSegments(path, segmentsOf([someRecord(10), someRecord(most)], TWO_PAGES))
  })

  it('after the end are refused, but for another end', async () => {
    const wal = await openWal(fresh())
    await Promise.all([wal.end(), wal.end()])
    await wal.end()
    expect(wal.state).toEqual({ is: 'ended' })
    for (const call of [
      () => wal.append(someRecord(1)),
      () => wal.commit(),
      () => wal.sync(),
      () => wal.nextSegment(),
    ]) {
      expect(await codeFrom(call)).toBe('ERR_TSDB_STATE')
    }
    await wal.fail(new Error('too late'))
    expect(wal.state).toEqual({ is: 'ended' })
  })

  it('after a failure are refused with its reason', async () => {
    const path = fresh()
    const wal = await openWal(path)
    await appendAll(wal, [someRecord(10)])
    await wal.append(someRecord(20))
    const reason = new Error('enough')
    await wal.fail(reason)
    for (const call of [
      () => wal.append(someRecord(1)),
      () => wal.commit(),
      () => wal.end(),
      () => wal.nextSegment(),
    ]) {
      expect(await errorFrom(call)).toBe(reason)
    }
    expectRecords((await readLog(path)).records, [someRecord(10)])
  })

  it('that nobody made end a writer that goes out of scope, with what is in the file', async () => {
    const path = fresh()
    {
      await using wal = await openWal(path)
      await appendAll(wal, [someRecord(10)])
    }
    expectRecords((await readLog(path)).records, [someRecord(10)])
    expect(statSync(segmentPath(path, 0)).size).toBe(17)
  })
})

describe('deleting', () => {
  it('removes the segments before one, and no other file', async () => {
    const path = fresh()
    const wal = await openWal(path)
    for (let i = 0; i < 4; i++) await wal.nextSegment()
    writeFileSync(join(path, 'notes'), '')
    await wal.deleteBefore(2)
    expect(namesIn(path)).toEqual(['00000002', '00000003', '00000004', 'notes'])
    await wal.deleteBefore(2)
    await wal.deleteBefore(4)
    expect(namesIn(path)).toEqual(['00000004', 'notes'])
    await wal.end()
  })

  it('does not touch the present segment', async () => {
    const path = fresh()
    const wal = await openWal(path)
    expect(await codeFrom(() => wal.deleteBefore(1))).toBe('ERR_TSDB_STATE')
    expect(existsSync(segmentPath(path, 0))).toBe(true)
    await wal.end()
  })
})
