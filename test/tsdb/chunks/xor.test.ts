import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { CHUNK_SAMPLES_MAX, Samples } from '../../../bench/tsdb/chunks/samples.ts'
import { decodeXor, encodeXor, xorBytesMax } from '../../../bench/tsdb/chunks/xor.ts'
import { type ReferenceSample, referenceDecoding, referenceEncoding } from '../support/xor-reference.ts'
import { columnsOf, encodingOf, LIMIT_MS, samplesOf, someSamples } from '../support/xor-samples.ts'

describe('samples that are encoded', () => {
  test.prop([someSamples], { numRuns: 500 })('have the bytes that the format says', (samples) => {
    expect(encodingOf(columnsOf(samples)).toString('hex')).toBe(referenceEncoding(samples).toString('hex'))
  })

  test.prop([someSamples], { numRuns: 500 })('come back bit by bit, also those of NaNs', (samples) => {
    const decoded = new Samples(samples.length)
    expect(decodeXor(encodingOf(columnsOf(samples)), decoded)).toBeNull()
    expect(samplesOf(decoded)).toEqual(samples)
  })

  it('come back from one end of time to the other', () => {
    const times = [-LIMIT_MS, -LIMIT_MS + 1, LIMIT_MS - 1, LIMIT_MS]
    const samples = times.map((time) => ({ timeMs: BigInt(time), bits: 0n }))
    const decoded = new Samples(4)
    expect(decodeXor(encodingOf(columnsOf(samples)), decoded)).toBeNull()
    expect([...decoded.timestampsMs]).toEqual(times)
  })

  it('take the room that is announced, and no more, when every one is as long as can be', () => {
    // Each difference of times needs 64 bits, and each of values 63 that were not significant the last time.
    let bits = 0n
    const samples = Array.from({ length: 200 }, (_, i) => {
      bits ^= i % 2 === 0 ? 2n ** 63n - 1n : 2n ** 64n - 2n
      return { timeMs: BigInt(i) * 2n ** 40n + (i % 2 === 0 ? 0n : 2n ** 39n), bits }
    })
    const { length } = encodingOf(columnsOf(samples))
    expect(length).toBeGreaterThan(18 * 199)
    expect(length).toBeLessThanOrEqual(xorBytesMax(200))
  })

  it.each([1, 2, 120, CHUNK_SAMPLES_MAX])('may be %d', (count) => {
    const samples = Array.from({ length: count }, (_, i) => ({
      timeMs: BigInt(15_000 * i),
      bits: BigInt(i % 77) << 40n,
    }))
    const decoded = new Samples(count)
    expect(decodeXor(encodingOf(columnsOf(samples)), decoded)).toBeNull()
    expect(decoded.count).toBe(count)
    expect(samplesOf(decoded)).toEqual(samples)
  })

  it.each([0, CHUNK_SAMPLES_MAX + 1])('may not be %d', (count) => {
    const samples = new Samples(CHUNK_SAMPLES_MAX + 1)
    samples.count = count
    expect(() => encodeXor(samples, new Uint8Array(16), 0)).toThrow(RangeError)
  })
})

const LAST = BigInt(LIMIT_MS)

describe('data that is decoded', () => {
  const two = [
    { timeMs: 1000n, bits: 5n },
    { timeMs: 2000n, bits: 6n },
  ]

  it('goes behind the samples that are there', () => {
    const samples = columnsOf(two, 5)
    const next = [{ timeMs: 3000n, bits: 7n }]
    expect(decodeXor(referenceEncoding(next), samples)).toBeNull()
    expect(samplesOf(samples)).toEqual([...two, ...next])
  })

  it('is refused when there is no room for all of it', () => {
    const samples = columnsOf(two, 3)
    expect(decodeXor(referenceEncoding(two), samples)).toMatch('announces 2 samples, too many')
    expect(samplesOf(samples)).toEqual(two)
  })

  it.each([
    ['nothing', [], 'no count'],
    ['half a count', [0], 'no count'],
    ['a count of zero', [0, 0], 'no samples'],
    ['a count alone', [0, 1], 'ends before the 1 samples'],
  ])('is refused when it is %s', (_, bytes, why) => {
    expect(decodeXor(Uint8Array.from(bytes), new Samples(10))).toMatch(why)
  })

  test.prop([someSamples, fc.nat()])('is refused when it is cut anywhere', (samples, anywhere) => {
    const data = encodingOf(columnsOf(samples))
    const decoded = columnsOf(two, samples.length + 2)
    expect(decodeXor(data.subarray(0, anywhere % data.length), decoded)).not.toBeNull()
    expect(samplesOf(decoded)).toEqual(two)
  })

  it('may begin with a value that differs in a window never named: all bits are significant then', () => {
    // What Prometheus writes when it goes on with a chunk that it has read back: its reader's window is of 64 bits.
    const [first, second] = [0x3ff0000000000000n, 0xc000000000000001n]
    const stream = `10${(first ^ second).toString(2).padStart(64, '0')}`
    const data = Buffer.concat([
      referenceEncoding([{ timeMs: 0n, bits: first }]),
      Buffer.from([0x01]),
      Buffer.from(
        BigInt(`0b${stream.padEnd(72, '0')}`)
          .toString(16)
          .padStart(18, '0'),
        'hex',
      ),
    ])
    data.writeUInt16BE(2)
    const decoded = new Samples(2)
    expect(decodeXor(data, decoded)).toBeNull()
    expect(samplesOf(decoded)).toEqual([
      { timeMs: 0n, bits: first },
      { timeMs: 1n, bits: second },
    ])
  })

  it('is refused when it names significant bits that no value has', () => {
    const data = Buffer.concat([
      referenceEncoding([{ timeMs: 0n, bits: 0n }]),
      // 11, 31 leading zeros, 34 significant bits.
      Buffer.from([0x01, 0b1111_1111, 0b0001_0000, 0, 0, 0, 0, 0, 0, 0, 0]),
    ])
    data.writeUInt16BE(2)
    expect(decodeXor(data, new Samples(2))).toMatch('significant bits that no value has')
  })

  it.each([
    ['the first time', [2n ** 52n]],
    ['the first time', [-(2n ** 52n)]],
    ['a difference', [-1n, 2n ** 53n]],
    ['a difference of differences', [0n, 1n, 2n ** 52n]],
    ['a difference of differences', [0n, 1n, 2n ** 62n]],
    // The time itself would be exact, and wrong by one.
    ['a difference of differences', [-LAST, LAST, LAST - 3n]],
  ])('is refused when %s leaves the times that are exact: %s', (_, times) => {
    const data = referenceEncoding(times.map((timeMs) => ({ timeMs, bits: 0n })))
    expect(decodeXor(data, new Samples(3))).toMatch('time')
  })
})

/** What decoding may give for data that is damaged: what is there by the reference, or a refusal. */
function expectAsReference(data: Uint8Array): void {
  const decoded = new Samples(CHUNK_SAMPLES_MAX)
  const wrong = decodeXor(data, decoded)
  const reference = data.length < 2 ? null : referenceDecoding(data)
  if (wrong === null) expect(samplesOf(decoded)).toEqual(reference)
  else expect(isExact(reference), wrong).toBe(false)
}

function isExact(samples: readonly ReferenceSample[] | null): boolean {
  return samples !== null && samples.every(({ timeMs }) => timeMs >= -LIMIT_MS && timeMs <= LIMIT_MS)
}

describe('damaged data', () => {
  test.prop([someSamples, fc.array(fc.nat(), { minLength: 1, maxLength: 3 })], { numRuns: 1000 })(
    'with flipped bits is refused, or gives what is there now',
    (samples, flips) => {
      const data = encodingOf(columnsOf(samples))
      for (const flip of flips) data[(flip >> 3) % data.length]! ^= 1 << (flip & 7)
      // A count beyond this only makes the reference slow.
      data[0] = 0
      expectAsReference(data)
    },
  )

  test.prop([fc.nat({ max: 9 }), fc.uint8Array({ maxLength: 80 })], { numRuns: 1000 })(
    'that was never any is refused, or gives what is there',
    (count, bytes) => {
      expectAsReference(Uint8Array.of(0, count, ...bytes))
    },
  )

  test.prop([fc.uint8Array({ maxLength: 30 })])('that announces more samples than any chunk is refused', (bytes) => {
    const decoded = new Samples(CHUNK_SAMPLES_MAX)
    expect(decodeXor(Uint8Array.of(0xff, 0xff, ...bytes), decoded)).not.toBeNull()
    expect(decoded.count).toBe(0)
  })
})
