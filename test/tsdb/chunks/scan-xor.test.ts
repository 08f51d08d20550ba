import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { CHUNK_SAMPLES_MAX, Samples } from '../../../bench/tsdb/chunks/samples.ts'
import { type Span, scanXor, type Wrong } from '../../../bench/tsdb/chunks/scan-xor.ts'
import { decodeXor } from '../../../bench/tsdb/chunks/xor.ts'
import { referenceEncoding } from '../support/xor-reference.ts'
import { columnsOf, encodingOf, LIMIT_MS, someSamples } from '../support/xor-samples.ts'

const CHECKSUM = Buffer.from([0xde, 0xad, 0xbe, 0xef])

/** Scans data as it stands in a segment: something before it, its checksum behind it. */
function scan(data: Uint8Array, behind: Uint8Array = CHECKSUM): { wrong: Wrong | null; span: Span } {
  const span = { count: 0, minTimeMs: 0, maxTimeMs: 0 }
  const before = Buffer.from([0x55, 1])
  const wrong = scanXor(Buffer.concat([before, data, behind]), before.length, before.length + data.length, span)
  return { wrong, span }
}

/** What decoding all of it and looking at the order tells. */
function spanByDecoding(data: Uint8Array): Span | null {
  const samples = new Samples(CHUNK_SAMPLES_MAX)
  if (decodeXor(data, samples) !== null) return null
  const { count, timestampsMs } = samples
  for (let i = 1; i < count; i++) if (timestampsMs[i]! <= timestampsMs[i - 1]!) return null
  return { count, minTimeMs: timestampsMs[0]!, maxTimeMs: timestampsMs[count - 1]! }
}

function expectAsDecoded(data: Uint8Array, behind?: Uint8Array): void {
  const { wrong, span } = scan(data, behind)
  expect(wrong === null ? span : null, wrong?.what).toEqual(spanByDecoding(data))
}

const withTimes = (...times: readonly bigint[]): Buffer => {
  return referenceEncoding(times.map((timeMs, i) => ({ timeMs, bits: BigInt(i) << 50n })))
}

const LAST = BigInt(LIMIT_MS)
const someBehind = fc.uint8Array({ minLength: 4, maxLength: 12 })

describe('a chunk that is in order', () => {
  test.prop([someSamples, someBehind], { numRuns: 500 })('gives what its samples span', (samples, behind) => {
    const { wrong, span } = scan(encodingOf(columnsOf(samples)), behind)
    expect(wrong).toBeNull()
    expect(span).toEqual({
      count: samples.length,
      minTimeMs: Number(samples[0]!.timeMs),
      maxTimeMs: Number(samples.at(-1)!.timeMs),
    })
  })

  it.each([1, 2, CHUNK_SAMPLES_MAX])('may have %d samples', (count) => {
    const samples = Array.from({ length: count }, (_, i) => ({
      timeMs: BigInt(15_000 * i),
      bits: BigInt(i % 77) << 40n,
    }))
    const { wrong, span } = scan(encodingOf(columnsOf(samples)))
    expect(wrong).toBeNull()
    expect(span).toEqual({ count, minTimeMs: 0, maxTimeMs: 15_000 * (count - 1) })
  })

  it('may begin with a value that differs in a window never named, as for decoding', () => {
    const first = referenceEncoding([{ timeMs: 0n, bits: 0n }])
    const data = Buffer.concat([first, Buffer.from([0x01, 0b1011_1111, 1, 2, 3, 4, 5, 6, 7, 0b0111_1111])])
    data.writeUInt16BE(2)
    expect(scan(data)).toEqual({ wrong: null, span: { count: 2, minTimeMs: 0, maxTimeMs: 1 } })
    expectAsDecoded(data)
  })
})

describe('a chunk that is wrong', () => {
  it.each([
    ['ERR_TSDB_DUPLICATE_SAMPLE', [1000n, 1000n], 'two samples are of 1000'],
    ['ERR_TSDB_DUPLICATE_SAMPLE', [1000n, 2000n, 2000n], 'two samples are of 2000'],
    ['ERR_TSDB_DUPLICATE_SAMPLE', [-(2n ** 50n), 2n ** 50n, 2n ** 50n], 'two samples are of 1125899906842624'],
    ['ERR_TSDB_OUT_OF_ORDER', [1000n, 2000n, 1999n], 'a sample of 1999 stands behind one of 2000'],
    ['ERR_TSDB_OUT_OF_ORDER', [1000n, 60_000n, 2000n], 'a sample of 2000 stands behind one of 60000'],
    [
      'ERR_TSDB_OUT_OF_ORDER',
      [0n, 1_000_000n, 2_000_000n, 1_900_000n],
      'a sample of 1900000 stands behind one of 2000000',
    ],
    ['ERR_TSDB_OUT_OF_ORDER', [0n, 2n ** 40n, 5n], 'a sample of 5 stands behind one of 1099511627776'],
    ['ERR_TSDB_MALFORMED', [2n ** 52n], 'time beyond'],
    ['ERR_TSDB_MALFORMED', [-(2n ** 52n)], 'time beyond'],
    ['ERR_TSDB_MALFORMED', [-(2n ** 54n)], 'time beyond'],
    // It comes back to times that are exact.
    ['ERR_TSDB_MALFORMED', [-(2n ** 54n), 0n], 'time beyond'],
    ['ERR_TSDB_MALFORMED', [-LAST, LAST, LAST + 1n], 'time beyond'],
    ['ERR_TSDB_MALFORMED', [0n, 1n, 2n ** 62n], 'time beyond'],
  ])('tells it: %s for times of %s', (code, times, what) => {
    const data = withTimes(...times)
    const { wrong } = scan(data)
    expect(wrong?.code).toBe(code)
    expect(wrong?.what).toMatch(what)
    expectAsDecoded(data)
  })

  it('tells that it has no samples', () => {
    expect(scan(Buffer.from([0, 0]))).toMatchObject({ wrong: { code: 'ERR_TSDB_MALFORMED', what: /no samples/ } })
  })

  it('tells significant bits that no value has', () => {
    const first = referenceEncoding([{ timeMs: 0n, bits: 0n }])
    // 11, 31 leading zeros, 34 significant bits.
    const data = Buffer.concat([first, Buffer.from([0x01, 0b1111_1111, 0b0001_0000, 0, 0, 0, 0, 0, 0, 0, 0])])
    data.writeUInt16BE(2)
    expect(scan(data)).toMatchObject({ wrong: { code: 'ERR_TSDB_MALFORMED', what: /significant bits/ } })
    expectAsDecoded(data)
  })

  test.prop([someSamples, fc.nat(), someBehind], { numRuns: 500 })(
    'is malformed wherever it is cut, whatever stands behind it',
    (samples, anywhere, behind) => {
      const data = encodingOf(columnsOf(samples))
      const { wrong } = scan(data.subarray(0, 2 + (anywhere % (data.length - 2))), behind)
      expect(wrong?.code).toBe('ERR_TSDB_MALFORMED')
    },
  )
})

describe('damaged data', () => {
  test.prop([someSamples, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), someBehind], { numRuns: 1000 })(
    'with flipped bits is wrong where decoding says so, and else has the same span',
    (samples, flips, behind) => {
      const data = encodingOf(columnsOf(samples))
      for (const flip of flips) data[(flip >> 3) % data.length]! ^= 1 << (flip & 7)
      expectAsDecoded(data, behind)
    },
  )

  test.prop([fc.nat({ max: 9 }), fc.uint8Array({ maxLength: 80 }), someBehind], { numRuns: 2000 })(
    'that was never any is wrong where decoding says so, and else has the same span',
    (count, bytes, behind) => {
      expectAsDecoded(Uint8Array.of(0, count, ...bytes), behind)
    },
  )
})
