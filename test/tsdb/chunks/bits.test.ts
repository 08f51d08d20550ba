import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { BitReader, BitWriter } from '../../../bench/tsdb/chunks/bits.ts'

interface Field {
  readonly value: number
  readonly width: number
}

const someField = (most: number): fc.Arbitrary<Field> =>
  fc.record({ value: fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }), width: fc.integer({ min: 1, max: most }) })

const low = ({ value, width }: Field): number => Number(BigInt.asUintN(width, BigInt(value)))

/** What the fields are when they are written one behind the other. */
function packed(fields: readonly Field[]): number[] {
  const digits = fields.map((field) => low(field).toString(2).padStart(field.width, '0')).join('')
  return Array.from({ length: Math.ceil(digits.length / 8) }, (_, i) =>
    Number.parseInt(digits.slice(8 * i, 8 * i + 8).padEnd(8, '0'), 2),
  )
}

function reading(bytes: Uint8Array, position = 0): BitReader {
  const reader = new BitReader()
  reader.begin(bytes, position)
  return reader
}

describe('bits', () => {
  test.prop([fc.array(someField(24))])(
    'of up to 24 in one go stand highest first, the last byte filled up',
    (fields) => {
      const bytes = new Uint8Array(3 * fields.length + 2).fill(0xff)
      const writer = new BitWriter()
      writer.begin(bytes, 1)
      for (const { value, width } of fields) writer.write(value, width)
      const end = writer.end()
      expect([...bytes.subarray(1, end)]).toEqual(packed(fields))
      expect(bytes[0]).toBe(0xff)
      expect(bytes.subarray(end).every((byte) => byte === 0xff)).toBe(true)

      const reader = reading(bytes.subarray(0, end), 1)
      expect(fields.map(({ width }) => reader.read(width))).toEqual(fields.map(low))
      expect(reader.isOverrun).toBe(false)
    },
  )

  test.prop([fc.array(someField(32))])('of up to 32 in one go come back as numbers from 0 on', (fields) => {
    const bytes = new Uint8Array(4 * fields.length + 1)
    const writer = new BitWriter()
    writer.begin(bytes, 0)
    for (const { value, width } of fields) writer.writeLong(value, width)
    const end = writer.end()
    expect([...bytes.subarray(0, end)]).toEqual(packed(fields))
    const reader = reading(bytes.subarray(0, end))
    expect(fields.map(({ width }) => reader.readLong(width))).toEqual(fields.map(low))
  })

  test.prop([fc.nat({ max: 7 }), fc.array(fc.maxSafeNat())])(
    'hold integers of variable length, wherever they begin',
    (before, values) => {
      const bytes = new Uint8Array(9 * values.length + 2)
      const writer = new BitWriter()
      writer.begin(bytes, 0)
      writer.write(0, before)
      for (const value of values) writer.writeUvarint(value)
      const reader = reading(bytes.subarray(0, writer.end()))
      reader.read(before)
      expect(values.map(() => reader.readUvarint())).toEqual(values)
      expect(reader.isOverrun).toBe(false)
    },
  )
})

describe('the end of the bytes', () => {
  test.prop([fc.uint8Array({ maxLength: 9 }), fc.array(fc.integer({ min: 1, max: 24 }), { maxLength: 12 })])(
    'is overrun by the first bit that is not there, and zeros come from there on',
    (bytes, widths) => {
      const digits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')
      const reader = reading(bytes)
      let at = 0
      for (const width of widths) {
        expect(reader.read(width)).toBe(Number.parseInt(digits.slice(at, at + width).padEnd(width, '0'), 2))
        at += width
        expect(reader.isOverrun).toBe(at > digits.length)
      }
    },
  )
})

describe('an integer of variable length', () => {
  it.each([
    ['2^53 - 1, the largest', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], Number.MAX_SAFE_INTEGER],
    ['one more than that', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], Number.NaN],
    ['2^53 + 1, which a double takes for 2^53', [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], Number.NaN],
    ['one that is longer than it need be', [0x81, 0x80, 0x80, 0], 1],
    ['one that does not end', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0], Number.NaN],
  ])('is read when it is within 2^53: %s', (_, bytes, value) => {
    expect(reading(Uint8Array.from(bytes)).readUvarint()).toBe(value)
  })
})
