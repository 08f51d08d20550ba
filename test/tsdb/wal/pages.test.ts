import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { ByteBuffer } from '../../../bench/tsdb/encoding/byte-buffer.ts'
import { checksum } from '../../../bench/tsdb/encoding/checksum.ts'
import { PAGE_BYTES, paddingAt, putFragments, roomFrom } from '../../../bench/tsdb/wal/pages.ts'
import { RecordDecoder, type Step } from '../../../bench/tsdb/wal/record-decoder.ts'
import { expectRecords, someRecord } from './wal-files.ts'

const HEADER_BYTES = 7
const DATA_BYTES_MAX = PAGE_BYTES - HEADER_BYTES

/** What a segment holds after these records. */
function segmentOf(records: readonly Uint8Array[]): Buffer {
  const target = new ByteBuffer()
  for (const record of records) putFragments(target, record, target.length)
  return Buffer.from(target.view())
}

/** Where each record begins in it. */
function offsetsOf(records: readonly Uint8Array[]): number[] {
  return records.map((_, i) => segmentOf(records.slice(0, i)).length)
}

interface Part {
  readonly at: number
  readonly type: number
  readonly byteLength: number
}

/** The fragments of a segment, and its zeros as type 0. */
function partsOf(segment: Buffer): Part[] {
  const parts: Part[] = []
  for (let at = 0; at < segment.length; ) {
    const left = PAGE_BYTES - (at % PAGE_BYTES)
    const isPadding = left < HEADER_BYTES
    const byteLength = isPadding ? left : segment.readUInt16BE(at + 1)
    parts.push({ at, type: segment[at]!, byteLength })
    at += isPadding ? left : HEADER_BYTES + byteLength
  }
  return parts
}

function layoutOf(segment: Buffer): string[] {
  const names = ['zeros', 'full', 'first', 'middle', 'last']
  return partsOf(segment).map(({ type, byteLength }) => `${names[type]} ${byteLength}`)
}

/** Where the types of fragments stand. */
function typesIn(segment: Buffer): Set<number> {
  return new Set(partsOf(segment).flatMap(({ at, type }) => (type === 0 ? [] : [at])))
}

/** Where the last of these records ends, and where the zeros behind it do. */
function endsOf(records: readonly Uint8Array[]): { data: number; padded: number } {
  const segment = segmentOf(records)
  const last = partsOf(segment).at(-1)!
  return { data: last.type === 0 ? last.at : segment.length, padded: segment.length }
}

/** All records of a segment, given in parts that end where `cuts` say; the last step with them. */
function decodeAll(
  segment: Buffer,
  cuts: readonly number[] = [],
): { records: Buffer[]; offsets: number[]; last: Step } {
  const decoder = new RecordDecoder()
  const records: Buffer[] = []
  const offsets: number[] = []
  let last: Step = { kind: 'more' }
  for (const end of [...cuts.filter((cut) => cut < segment.length).toSorted((a, b) => a - b), segment.length]) {
    decoder.feed(segment.subarray(decoder.offset, end))
    for (last = decoder.next(); last.kind === 'record'; last = decoder.next()) {
      records.push(Buffer.from(last.bytes))
      offsets.push(last.offset)
    }
    if (last.kind === 'damage') break
  }
  return { records, offsets, last: last.kind === 'more' ? (decoder.end() ?? last) : last }
}

const lengths = fc.oneof(
  fc.integer({ min: 0, max: 200 }),
  fc.integer({ min: PAGE_BYTES - 30, max: PAGE_BYTES + 30 }),
  fc.integer({ min: 0, max: 4 * PAGE_BYTES }),
)
const manyRecords = fc
  .array(lengths, { minLength: 1, maxLength: 12 })
  .map((all) => all.map((length, i) => someRecord(length, i + 1)))

describe('fragments', () => {
  it('have the bytes that the format says', () => {
    const record = Buffer.from('some bytes')
    const expected = Buffer.alloc(HEADER_BYTES)
    expected[0] = 1
    expected.writeUInt16BE(10, 1)
    expected.writeUInt32BE(checksum(record), 3)
    expect(segmentOf([record])).toEqual(Buffer.concat([expected, record]))
  })

  it.each([
    [
      [100, 200],
      ['full 100', 'full 200'],
    ],
    [[0], ['full 0']],
    [[DATA_BYTES_MAX], [`full ${DATA_BYTES_MAX}`]],
    [[DATA_BYTES_MAX + 1], [`first ${DATA_BYTES_MAX}`, 'last 1']],
    [[100_000], [`first ${DATA_BYTES_MAX}`, `middle ${DATA_BYTES_MAX}`, `middle ${DATA_BYTES_MAX}`, 'last 1717']],
    // Six bytes are left: too few for a header.
    [
      [DATA_BYTES_MAX - 6, 5],
      [`full ${DATA_BYTES_MAX - 6}`, 'zeros 6', 'full 5'],
    ],
    // Seven are left: a header without data goes there, as Prometheus has it.
    [
      [DATA_BYTES_MAX - 7, 5],
      [`full ${DATA_BYTES_MAX - 7}`, 'first 0', 'last 5'],
    ],
    [
      [DATA_BYTES_MAX - 8, 5],
      [`full ${DATA_BYTES_MAX - 8}`, 'first 1', 'last 4'],
    ],
    // The last fragment leaves three bytes.
    [
      [100, PAGE_BYTES - 2 * HEADER_BYTES - 103, 1],
      ['full 100', `full ${PAGE_BYTES - 2 * HEADER_BYTES - 103}`, 'zeros 3', 'full 1'],
    ],
  ])('of records of %j bytes lie as Prometheus lays them', (bytes, layout) => {
    expect(layoutOf(segmentOf(bytes.map((length) => someRecord(length))))).toEqual(layout)
  })

  test.prop([manyRecords])('never cross a page, and take no more room than was told', (records) => {
    const target = new ByteBuffer()
    for (const record of records) {
      const before = target.length
      putFragments(target, record, before)
      const pagesEnd = Math.ceil(target.length / PAGE_BYTES) * PAGE_BYTES
      expect(roomFrom(before, pagesEnd)).toBeGreaterThanOrEqual(record.length)
      // One page less has no room for it.
      if (pagesEnd - PAGE_BYTES > before) expect(roomFrom(before, pagesEnd - PAGE_BYTES)).toBeLessThan(record.length)
    }
    for (const { at, type, byteLength } of partsOf(Buffer.from(target.view()))) {
      const last = at + (type === 0 ? 0 : HEADER_BYTES) + byteLength - 1
      expect(Math.floor(last / PAGE_BYTES)).toBe(Math.floor(at / PAGE_BYTES))
    }
  })
})

describe('the room of a segment', () => {
  it.each([
    [0, 2 * PAGE_BYTES, 2 * DATA_BYTES_MAX],
    [PAGE_BYTES, 2 * PAGE_BYTES, DATA_BYTES_MAX],
    [2 * PAGE_BYTES - 10, 2 * PAGE_BYTES, 3],
    [2 * PAGE_BYTES - 7, 2 * PAGE_BYTES, 0],
    [2 * PAGE_BYTES, 2 * PAGE_BYTES, -1],
  ])('from %d of %d bytes on is for a record of %d', (offset, segmentBytes, room) => {
    expect(roomFrom(offset, segmentBytes)).toBe(room)
  })

  it.each([
    [0, 0],
    [1, PAGE_BYTES - 1],
    [PAGE_BYTES - 1, 1],
    [PAGE_BYTES, 0],
    [3 * PAGE_BYTES + 7, PAGE_BYTES - 7],
  ])('that is left at byte %d is filled with %d zeros', (offset, zeros) => {
    expect(paddingAt(offset)).toBe(zeros)
  })
})

describe('decoding', () => {
  test.prop([manyRecords, fc.array(fc.nat(20 * PAGE_BYTES), { maxLength: 20 })])(
    'gives the records again, in whatever parts the bytes come',
    (records, cuts) => {
      const segment = segmentOf(records)
      const { records: found, offsets, last } = decodeAll(segment, cuts)
      expectRecords(found, records)
      expect(last).toEqual({ kind: 'more' })
      expect(offsets).toEqual(offsetsOf(records))
    },
  )

  test.prop([manyRecords, fc.nat()])(
    'of a segment that is cut gives what is whole, and says if that is all',
    (records, at) => {
      const segment = segmentOf(records)
      const cut = segment.subarray(0, at % (segment.length + 1))
      const ends = records.map((_, i) => endsOf(records.slice(0, i + 1)))
      const { records: found, last } = decodeAll(cut)
      expectRecords(found, records.slice(0, ends.filter(({ data }) => data <= cut.length).length))
      const isWhole = cut.length === 0 || ends.some(({ data, padded }) => cut.length === data || cut.length === padded)
      expect(last).toMatchObject(isWhole ? { kind: 'more' } : { kind: 'damage', code: 'ERR_TSDB_TRUNCATED' })
    },
  )

  test.prop([manyRecords, fc.nat(), fc.integer({ min: 1, max: 255 })])(
    'sees a byte that changed, at the record that it is in or before',
    (records, where, change) => {
      const segment = segmentOf(records)
      const offset = where % segment.length
      // Types are not in the checksum: they have tests of their own.
      fc.pre(!typesIn(segment).has(offset))
      segment[offset]! ^= change
      const { records: found, offsets, last } = decodeAll(segment)
      expectRecords(found, records.slice(0, found.length))
      expect(last).toMatchObject({ kind: 'damage' })
      expect(last.kind === 'damage' && last.offset <= offset).toBe(true)
      expect(offsets.every((start) => start <= offset)).toBe(true)
    },
  )

  test.prop([manyRecords, fc.nat(), fc.integer({ min: 1, max: 255 })])(
    'sees a type that changed, at the fragment behind it at the latest',
    (records, which, change) => {
      const segment = segmentOf(records)
      const types = [...typesIn(segment)]
      const index = which % types.length
      segment[types[index]!]! ^= change
      const { last } = decodeAll(segment)
      expect(last).toMatchObject({ kind: 'damage' })
      expect(last.kind === 'damage' && last.offset <= (types[index + 1] ?? segment.length)).toBe(true)
    },
  )

  const record = someRecord(50)
  const full = segmentOf([record])

  it.each([
    ['a type that there is not', Buffer.from([5, ...full.subarray(1)]), 'ERR_TSDB_MALFORMED'],
    ['bits that there are not', Buffer.from([0x21, ...full.subarray(1)]), 'ERR_TSDB_MALFORMED'],
    ['a length beyond the page', Buffer.from([1, 0xff, 0xff, ...full.subarray(3)]), 'ERR_TSDB_MALFORMED'],
    ['a middle that nothing begins', Buffer.from([3, ...full.subarray(1)]), 'ERR_TSDB_MALFORMED'],
    ['an end that nothing begins', Buffer.from([4, ...full.subarray(1)]), 'ERR_TSDB_MALFORMED'],
    ['a wrong checksum', Buffer.from([...full.subarray(0, 50), 0, ...full.subarray(51)]), 'ERR_TSDB_BAD_CHECKSUM'],
    ['data compressed by snappy', Buffer.from([1 | 8, ...full.subarray(1)]), 'ERR_TSDB_UNSUPPORTED'],
    ['data compressed by zstd', Buffer.from([1 | 16, ...full.subarray(1)]), 'ERR_TSDB_UNSUPPORTED'],
    ['a compressed first part', Buffer.from([2 | 8, ...full.subarray(1)]), 'ERR_TSDB_UNSUPPORTED'],
    ['bytes behind a zero', Buffer.concat([Buffer.alloc(9), Buffer.from('x')]), 'ERR_TSDB_MALFORMED'],
  ])('says of %s where it is, and says it again', (_, bytes, code) => {
    const decoder = new RecordDecoder()
    decoder.feed(Buffer.concat([full, bytes]))
    expect(decoder.next()).toMatchObject({ kind: 'record', offset: 0 })
    for (let i = 0; i < 2; i++) expect(decoder.next()).toMatchObject({ kind: 'damage', offset: full.length, code })
  })

  it('does not take a record that begins inside another one', () => {
    const begun = segmentOf([someRecord(PAGE_BYTES)]).subarray(0, PAGE_BYTES)
    const { records, last } = decodeAll(Buffer.concat([begun, full]))
    expect(records).toEqual([])
    expect(last).toMatchObject({ kind: 'damage', offset: PAGE_BYTES, why: /a record begins before the last one/ })
  })

  it('takes zeros from inside a page to its end for the end of the segment', () => {
    const { records, last } = decodeAll(Buffer.concat([full, Buffer.alloc(PAGE_BYTES - full.length)]))
    expectRecords(records, [record])
    expect(last).toEqual({ kind: 'more' })
  })

  it.each([
    ['that end before the page does', 100],
    ['that end one byte before the page does', PAGE_BYTES - full.length - 1],
    ['of one byte', 1],
    ['beyond the page', PAGE_BYTES - full.length + 1],
    ['over whole pages', 4 * PAGE_BYTES - full.length],
  ])('does not take zeros %s for that', (_, zeros) => {
    const { records, last } = decodeAll(Buffer.concat([full, Buffer.alloc(zeros)]))
    expectRecords(records, [record])
    expect(last).toMatchObject({ kind: 'damage', offset: full.length, code: 'ERR_TSDB_TRUNCATED', why: /zeros/ })
  })

  it('takes a whole page of zeros for a hole', () => {
    const { last } = decodeAll(Buffer.alloc(PAGE_BYTES))
    expect(last).toMatchObject({ kind: 'damage', offset: 0, why: /zeros/ })
  })

  it.each([1, 2])('does not go on behind zeros to the end of a page, and %d pages', (pages) => {
    const zeros = Buffer.alloc(pages * PAGE_BYTES - full.length)
    const { records, last } = decodeAll(Buffer.concat([full, zeros, full]))
    expectRecords(records, [record])
    expect(last).toMatchObject({ kind: 'damage', offset: full.length, code: 'ERR_TSDB_MALFORMED', why: /more behind/ })
  })

  it('begins where it is told to', () => {
    const records = [someRecord(40_000, 1), someRecord(10, 2), someRecord(70_000, 3)]
    const segment = segmentOf(records)
    const start = segmentOf(records.slice(0, 1)).length
    const decoder = new RecordDecoder(start)
    decoder.feed(segment.subarray(start))
    expect(decoder.next()).toMatchObject({ kind: 'record', offset: start })
    const step = decoder.next()
    expect(step.kind === 'record' && Buffer.from(step.bytes).equals(records[2]!)).toBe(true)
    expect(decoder.wholeEnd).toBe(segment.length)
    expect(decoder.next()).toEqual({ kind: 'more' })
    expect(decoder.end()).toBeNull()
  })
})
