/** Samples for tests of XOR chunks: any times and any bits. */
import { fc } from '@fast-check/vitest'
import { HIGH, LOW, Samples } from '../../../bench/tsdb/chunks/samples.ts'
import { encodeXor, xorBytesMax } from '../../../bench/tsdb/chunks/xor.ts'
import type { ReferenceSample } from './xor-reference.ts'

/** Times of samples are within this on both sides of 1970. */
export const LIMIT_MS = 2 ** 52 - 1

const bits = (value: number): bigint => {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return view.getBigUint64(0)
}

/** Markers of Prometheus for stale series and for ordinary NaNs, others with payloads, and what is special in a double. */
const specialBits = [
  0x7ff0000000000002n,
  0x7ff8000000000001n,
  0x7ff0000000000001n,
  0xfff8000000000000n,
  0xffffffffffffffffn,
  ...[0, -0, Infinity, -Infinity, 5e-324, -5e-324, 2.225073858507201e-308, Number.MAX_VALUE, 1, 0.1].map(bits),
]

const someBits = fc.oneof(
  fc.constantFrom(...specialBits),
  fc.double().map(bits),
  fc.integer({ min: 0, max: 1000 }).map(bits),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  // Few bits apart, at either end of the words that a value is moved in.
  fc.integer({ min: 0, max: 63 }).map((shift) => 1n << BigInt(shift)),
)

/** Around every border between two widths of a difference of differences. */
const nearBorders = fc
  .tuple(
    fc.constantFrom(1, 8191, 8192, 65_535, 65_536, 524_287, 524_288, 2 ** 31, 2 ** 32, 2 ** 44),
    fc.integer({ min: -2, max: 2 }),
  )
  .map(([border, beside]) => Math.max(1, border + beside))

const someGap = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(15_000, 15_001, 1) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 20_000 }) },
  { weight: 2, arbitrary: nearBorders },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 * LIMIT_MS }) },
)

const someStart = fc.oneof(
  fc.constantFrom(0, -1, 1_700_000_000_000, -LIMIT_MS, LIMIT_MS),
  fc.integer({ min: -LIMIT_MS, max: LIMIT_MS }),
)

/** At least one sample, rising in time. */
export const someSamples: fc.Arbitrary<ReferenceSample[]> = fc
  .tuple(someStart, fc.array(fc.tuple(someGap, someBits), { maxLength: 60 }), someBits)
  .map(([start, steps, first]) => {
    const samples = [{ timeMs: BigInt(start), bits: first }]
    let time = start
    for (const [gap, next] of steps) {
      if (time + gap > LIMIT_MS) break
      time += gap
      samples.push({ timeMs: BigInt(time), bits: next })
    }
    return samples
  })

/** The samples in columns. */
export function columnsOf(samples: readonly ReferenceSample[], capacity = samples.length): Samples {
  const columns = new Samples(capacity)
  for (const { timeMs, bits: value } of samples) {
    columns.timestampsMs[columns.count] = Number(timeMs)
    columns.words[2 * columns.count + HIGH] = Number(value >> 32n)
    columns.words[2 * columns.count + LOW] = Number(value & 0xffffffffn)
    columns.count++
  }
  return columns
}

/** The samples of columns. */
export function samplesOf({ count, timestampsMs, words }: Samples): ReferenceSample[] {
  return Array.from({ length: count }, (_, i) => ({
    timeMs: BigInt(timestampsMs[i]!),
    bits: (BigInt(words[2 * i + HIGH]!) << 32n) + BigInt(words[2 * i + LOW]!),
  }))
}

/** Encodes into the middle of memory that is not clean, and checks that what is around stays. */
export function encodingOf(columns: Samples): Buffer {
  const before = 3
  const room = xorBytesMax(columns.count)
  const memory = Buffer.alloc(before + room + 1, 0xa5)
  const end = encodeXor(columns, memory, before)
  if (end > before + room) throw new Error(`${columns.count} samples take ${end - before} bytes, more than ${room}`)
  const around = Buffer.concat([memory.subarray(0, before), memory.subarray(end)])
  if (around.some((byte) => byte !== 0xa5)) throw new Error('the encoding is longer than it says')
  return memory.subarray(before, end)
}
