/**
 * XOR chunks bit by bit, in numbers of any size: slow and straightforward, for comparing. After the chapter "XOR chunk
 * data" of tsdb/docs/format/chunks.md of Prometheus.
 */

export interface ReferenceSample {
  /** 64 bits with a sign. */
  readonly timeMs: bigint
  /** The value's 64 bits. */
  readonly bits: bigint
}

/** Bytes of a varint that holds less than 2^53. Longer ones are refused, though Prometheus takes up to 10 bytes. */
const VARINT_BYTES_MAX = 8

/** Widths of differences of differences, by the number of ones before them. */
const TIME_WIDTHS = [0, 14, 17, 20, 64]

export function referenceEncoding(samples: readonly ReferenceSample[]): Buffer {
  return bytesOf(referenceBits(samples))
}

/** The bits before the padding, as digits. */
export function referenceBits(samples: readonly ReferenceSample[]): string {
  let stream = binary(BigInt(samples.length), 16)
  let window: { leading: number; trailing: number } | null = null
  for (const [i, { timeMs, bits }] of samples.entries()) {
    const [last, beforeLast] = [samples[i - 1], samples[i - 2]]
    if (last === undefined) {
      stream += varint(timeMs < 0n ? -2n * timeMs - 1n : 2n * timeMs) + binary(bits, 64)
      continue
    }
    const delta = timeMs - last.timeMs
    stream +=
      beforeLast === undefined ? varint(BigInt.asUintN(64, delta)) : timeCode(delta - last.timeMs + beforeLast.timeMs)
    const digits = binary(bits ^ last.bits, 64)
    if (!digits.includes('1')) {
      stream += '0'
      continue
    }
    const leading = Math.min(31, digits.indexOf('1'))
    const trailing = 63 - digits.lastIndexOf('1')
    if (window !== null && leading >= window.leading && trailing >= window.trailing) {
      stream += '10'
    } else {
      window = { leading, trailing }
      stream += `11${binary(BigInt(leading), 5)}${binary(BigInt(64 - leading - trailing), 6)}`
    }
    stream += digits.slice(window.leading, 64 - window.trailing)
  }
  return stream
}

function timeCode(difference: bigint): string {
  if (difference === 0n) return '0'
  for (const ones of [1, 2, 3]) {
    const width = TIME_WIDTHS[ones]!
    const most = 2n ** BigInt(width - 1)
    if (difference <= most && difference > -most) return `${'1'.repeat(ones)}0${binary(difference, width)}`
  }
  return `1111${binary(difference, 64)}`
}

/** `null` for data that ends too early or has significant bits that no value has, and for varints that are too long. */
export function referenceDecoding(data: Uint8Array): ReferenceSample[] | null {
  const take = takerOf(data)
  try {
    const count = Number(take(16))
    const zigzag = takeVarint(take)
    let time = zigzag % 2n === 0n ? zigzag / 2n : -(zigzag + 1n) / 2n
    let bits = take(64)
    let delta = 0n
    // A reader of Prometheus begins with all bits significant, and its writer may count on that.
    let window = { width: 64, trailing: 0 }
    const samples = [{ timeMs: time, bits }]
    for (let i = 1; i < count; i++) {
      delta = i === 1 ? takeVarint(take) : delta + takeTime(take)
      time = BigInt.asIntN(64, time + delta)
      if (take(1) === 1n) {
        if (take(1) === 1n) {
          const leading = Number(take(5))
          const width = Number(take(6)) || 64
          if (leading + width > 64) return null
          window = { width, trailing: 64 - leading - width }
        }
        bits ^= take(window.width) << BigInt(window.trailing)
      }
      samples.push({ timeMs: time, bits })
    }
    return count === 0 ? null : samples
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** Takes the next bits. @throws {RangeError} when there are not as many. */
type Take = (width: number) => bigint

function takerOf(data: Uint8Array): Take {
  const stream = Array.from(data, (byte) => binary(BigInt(byte), 8)).join('')
  let at = 0
  return (width) => {
    at += width
    if (at > stream.length) throw new RangeError('the data ends')
    return width === 0 ? 0n : BigInt(`0b${stream.slice(at - width, at)}`)
  }
}

function takeVarint(take: Take): bigint {
  let value = 0n
  for (let i = 0; i < VARINT_BYTES_MAX; i++) {
    const byte = take(8)
    value += (byte & 0x7fn) << BigInt(7 * i)
    if (byte < 0x80n) return value
  }
  throw new RangeError('a varint does not end')
}

function takeTime(take: Take): bigint {
  let ones = 0
  while (ones < 4 && take(1) === 1n) ones++
  const width = TIME_WIDTHS[ones]!
  const code = take(width)
  if (width === 64) return BigInt.asIntN(64, code)
  const most = 2n ** BigInt(Math.max(0, width - 1))
  return code > most ? code - 2n * most : code
}

function varint(value: bigint): string {
  let stream = ''
  let rest = value
  for (; rest >= 0x80n; rest >>= 7n) stream += binary((rest & 0x7fn) | 0x80n, 8)
  return stream + binary(rest, 8)
}

/** The lowest `width` bits, as digits. */
function binary(value: bigint, width: number): string {
  return BigInt.asUintN(width, value).toString(2).padStart(width, '0')
}

function bytesOf(stream: string): Buffer {
  const whole = stream.padEnd(8 * Math.ceil(stream.length / 8), '0')
  return Buffer.from(
    Array.from({ length: whole.length / 8 }, (_, i) => Number.parseInt(whole.slice(8 * i, 8 * i + 8), 2)),
  )
}
