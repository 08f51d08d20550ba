import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { ByteBuffer } from '../../../bench/tsdb/encoding/byte-buffer.ts'
import { type Labels, labelsOf } from '../../../bench/tsdb/labels.ts'
import { decodeRecord, encodeSamples, type RefSeries, type WalRecord } from '../../../bench/tsdb/wal/records.ts'
import { codeFrom } from '../../writer/tools.ts'
import { bitsOf, NORMAL_NAN_BITS, STALE_NAN_BITS } from '../support/series.ts'
import { type RefBits, samplesRecord, seriesRecord } from './wal-files.ts'

const file = 'the log'

function decode(bytes: Buffer): WalRecord {
  return decodeRecord(bytes, file, 1000)
}

function samplesIn(record: WalRecord): RefBits[] {
  if (record.kind !== 'samples') expect.fail(`a record of ${record.kind}`)
  const { refs, timestampsMs, values, count } = record
  expect([refs.length, timestampsMs.length, values.length]).toEqual([count, count, count])
  const words = new BigUint64Array(values.slice().buffer)
  return Array.from(refs, (ref, i) => [ref, timestampsMs[i]!, words[i]!] as const)
}

describe('a record of series', () => {
  it('has the bytes that the format says', () => {
    const record = seriesRecord([
      { ref: 1, labels: labelsOf([['a', 'bc']]) },
      { ref: 0x0102_0304_0506, labels: labelsOf([['ü', 'd']]) },
    ])
    const expected = '01 0000000000000001 01 01 61 02 6263 0000010203040506 01 02 c3bc 01 64'
    expect(record.toString('hex')).toBe(expected.replaceAll(' ', ''))
  })

  const label = fc.tuple(fc.string({ minLength: 1, unit: 'binary' }), fc.string({ minLength: 1, unit: 'binary' }))
  const labels = fc
    .uniqueArray(label, { minLength: 1, maxLength: 20, selector: ([name]) => name })
    .map((pairs): Labels => labelsOf(pairs))
  const series = fc.record({ ref: fc.maxSafeNat(), labels }) satisfies fc.Arbitrary<RefSeries>

  test.prop([fc.array(series)])('is read as it was written', (all) => {
    expect(decode(seriesRecord(all))).toEqual({ kind: 'series', series: all })
  })

  it('holds labels of thousands of characters', () => {
    const all = [{ ref: 7, labels: labelsOf([['name', '𝄞'.repeat(5000)]]) }]
    expect(decode(seriesRecord(all))).toEqual({ kind: 'series', series: all })
  })

  it.each([
    ['01 0000000000000001 00', 'ERR_TSDB_BAD_LABELS'],
    ['01 0000000000000001 02 01 62 01 31 01 61 01 31', 'ERR_TSDB_BAD_LABELS'],
    ['01 0000000000000001 02 01 61 01 31 01 61 01 31', 'ERR_TSDB_BAD_LABELS'],
    ['01 0000000000000001 01 01 ff 01 31', 'ERR_TSDB_BAD_LABELS'],
    ['01 0000000000000001 01 01 61 02 31', 'ERR_TSDB_TRUNCATED'],
    ['01 0000000000000001 ff ff ff ff ff ff ff 0f 01 61 01 31', 'ERR_TSDB_TRUNCATED'],
    ['01 00000000000001', 'ERR_TSDB_TRUNCATED'],
    ['01 0020000000000000 01 01 61 01 31', 'ERR_TSDB_UNSUPPORTED'],
    ['01 0000000000000001 ffffffffffffffffffff01', 'ERR_TSDB_MALFORMED'],
  ])('of %s is refused: %s', (hex, code) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code, file }) as Error)
  })
})

describe('a record of samples', () => {
  it('has the bytes that the format says', () => {
    const record = samplesRecord([
      [5, 1000, bitsOf(1)],
      [4, 1001, bitsOf(-0)],
      [70, 900, STALE_NAN_BITS],
    ])
    const first = '02 0000000000000005 00000000000003e8 00 00 3ff0000000000000'
    // Zigzag: -1 is 1, 1 is 2, 65 is 130, -100 is 199.
    const others = '01 02 8000000000000000 8201 c701 7ff0000000000002'
    expect(record.toString('hex')).toBe(`${first}${others}`.replaceAll(' ', ''))
  })

  it('has a negative first timestamp in two’s complement', () => {
    const record = samplesRecord([[1, -2, bitsOf(0)]])
    expect(record.toString('hex', 9, 17)).toBe('fffffffffffffffe')
    expect(samplesIn(decode(record))).toEqual([[1, -2, bitsOf(0)]])
  })

  const farMs = 2 ** 51
  const sample = fc.tuple(
    fc.oneof(fc.nat(), fc.nat(2 ** 31), fc.integer({ min: 0, max: 2 ** 52 - 1 })),
    fc.oneof(fc.integer({ min: 1.7e12, max: 1.8e12 }), fc.integer({ min: -farMs, max: farMs - 1 })),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  )

  test.prop([fc.array(sample)])('is read as it was written, bit by bit', (samples) => {
    expect(samplesIn(decode(samplesRecord(samples)))).toEqual(samples)
  })

  it('keeps every NaN as it is', () => {
    const payloads = [STALE_NAN_BITS, NORMAL_NAN_BITS, 0xfff0_0000_0000_0001n, 0x7ff7_ffff_ffff_ffffn, 2n ** 64n - 1n]
    const samples = payloads.map((bits, i) => [i, i, bits] as const)
    expect(samplesIn(decode(samplesRecord(samples)))).toEqual(samples)
  })

  it('reaches to 2^53 - 1, forwards and backwards', () => {
    const far = Number.MAX_SAFE_INTEGER
    for (const samples of [
      [
        [far, far, 1n],
        [far - 5, far - 5, 2n],
      ],
      [
        [0, -far, 1n],
        [5, -far + 5, 2n],
      ],
    ] as const) {
      expect(samplesIn(decode(samplesRecord(samples)))).toEqual(samples)
    }
  })

  it('takes any columns of numbers, and parts of larger ones', () => {
    const values = new Float64Array([9, 1.5, 2.5, 9]).subarray(1, 3)
    const target = new ByteBuffer()
    target.byte(77)
    encodeSamples(target, { refs: new Uint32Array([3, 4, 5]), timestampsMs: [10, 20, 30], values, count: 2 })
    expect(samplesIn(decode(Buffer.from(target.view(1))))).toEqual([
      [3, 10, bitsOf(1.5)],
      [4, 20, bitsOf(2.5)],
    ])
  })

  it('may hold none', () => {
    expect(samplesRecord([]).toString('hex')).toBe('02')
    expect(samplesIn(decode(samplesRecord([])))).toEqual([])
  })

  it.each<[string, RefBits[]]>([
    ['a reference that is negative', [[-1, 0, 0n]]],
    ['a reference that is no whole number', [[0.5, 0, 0n]]],
    ['a reference beyond 2^53 - 1', [[2 ** 53, 0, 0n]]],
    ['a timestamp that is no number', [[1, Number.NaN, 0n]]],
    [
      'a later reference that is no whole number',
      [
        [1, 0, 0n],
        [1.5, 0, 0n],
      ],
    ],
    [
      'timestamps 2^52 apart',
      [
        [1, 0, 0n],
        [1, 2 ** 52, 0n],
      ],
    ],
  ])('can not hold %s', async (_, samples) => {
    expect(await codeFrom(() => samplesRecord(samples))).toBe('ERR_TSDB_UNSUPPORTED')
  })

  const first = '02 0000000000000005 00000000000003e8'
  it.each([
    ['02 00000000000000', 'ERR_TSDB_TRUNCATED'],
    [`${first} 00`, 'ERR_TSDB_TRUNCATED'],
    [`${first} 00 00 3ff00000000000`, 'ERR_TSDB_TRUNCATED'],
    [`${first} 0b 00 3ff0000000000000`, 'ERR_TSDB_UNSUPPORTED'],
    ['02 0000000000000005 8000000000000000 00 00 3ff0000000000000', 'ERR_TSDB_UNSUPPORTED'],
    ['02 001fffffffffffff 0000000000000000 02 00 3ff0000000000000', 'ERR_TSDB_UNSUPPORTED'],
    ['02 0000000000000000 001fffffffffffff 00 02 3ff0000000000000', 'ERR_TSDB_UNSUPPORTED'],
  ])('of %s is refused: %s', (hex, code) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code, file }) as Error)
  })

  it('is refused with the place in the file', () => {
    const bytes = Buffer.from('0200000000000000050000000000000000', 'hex')
    expect(() => decode(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(/^the log at byte 1018: /)
  })
})

describe('other records', () => {
  it.each([3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 77])('of type %d are told by their type', (type) => {
    expect(decode(Buffer.from([type, 1, 2, 3]))).toEqual({ kind: 'other', type })
  })

  it('of no bytes are of no known type', () => {
    expect(decode(Buffer.alloc(0))).toEqual({ kind: 'other', type: 255 })
  })
})
