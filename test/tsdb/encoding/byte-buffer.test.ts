import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { ByteBuffer } from '../../../bench/tsdb/encoding/byte-buffer.ts'
import { ByteCursor } from '../../../bench/tsdb/encoding/byte-cursor.ts'

type Field =
  | { readonly kind: 'byte' | 'uint16' | 'uint32' | 'uint64' | 'uvarint' | 'varint'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'put'; readonly value: Uint8Array }

/** Every border between two lengths of an integer of variable length. */
const borders = Array.from({ length: 53 }, (_, bit) => [2 ** bit - 1, 2 ** bit]).flat()
const someWhole = fc.oneof(fc.maxSafeNat(), fc.constantFrom(...borders), fc.nat({ max: 300 }))
const someSigned = fc.oneof(
  fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }),
  fc.constantFrom(...borders.flatMap((border) => (border < 2 ** 52 ? [border, 0 - border, -border - 1] : []))),
)
const numbers = (kind: 'byte' | 'uint16' | 'uint32' | 'uint64' | 'uvarint' | 'varint', values: fc.Arbitrary<number>) =>
  values.map((value): Field => ({ kind, value }))

const someField: fc.Arbitrary<Field> = fc.oneof(
  numbers('byte', fc.nat({ max: 0xff })),
  numbers('uint16', fc.nat({ max: 0xffff })),
  numbers('uint32', fc.nat({ max: 0xffffffff })),
  numbers('uint64', someWhole),
  numbers('uvarint', someWhole),
  numbers('varint', someSigned),
  fc.string({ unit: 'binary' }).map((value): Field => ({ kind: 'text', value })),
  // Long enough to grow the memory, at once and by degrees.
  fc
    .record({
      length: fc.oneof(fc.nat({ max: 9 }), fc.integer({ min: 2000, max: 20_000 })),
      byte: fc.nat({ max: 255 }),
    })
    .map(({ length, byte }): Field => ({ kind: 'put', value: new Uint8Array(length).fill(byte) })),
)

function putInto(buffer: ByteBuffer, field: Field): void {
  if (field.kind === 'text') buffer.text(field.value)
  else if (field.kind === 'put') buffer.put(field.value)
  else buffer[field.kind](field.value)
}

/** The same by numbers of any size, as Go's encoding/binary has it. */
function bytesOf(field: Field): number[] {
  const fixed = { byte: 1, uint16: 2, uint32: 4, uint64: 8 }
  if (field.kind === 'put') return [...field.value]
  if (field.kind === 'text') {
    const utf8 = [...Buffer.from(field.value)]
    return [...uvarint(BigInt(utf8.length)), ...utf8]
  }
  const value = BigInt(field.value)
  if (field.kind === 'uvarint') return uvarint(value)
  if (field.kind === 'varint') return uvarint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))
  const length = fixed[field.kind]
  return Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 0xffn))
}

function uvarint(value: bigint): number[] {
  return value < 0x80n ? [Number(value)] : [Number(value & 0x7fn) | 0x80, ...uvarint(value >> 7n)]
}

function readFrom(cursor: ByteCursor, { kind, value }: Field): Field {
  if (kind === 'text') return { kind, value: cursor.text() }
  if (kind === 'put') return { kind, value: Uint8Array.from(cursor.take(value.length)) }
  return { kind, value: cursor[kind]() }
}

describe('what is put into a buffer', () => {
  test.prop([fc.array(someField)], { numRuns: 300 })('stands there as the format says, and is read again', (fields) => {
    const buffer = new ByteBuffer()
    for (const field of fields) putInto(buffer, field)
    const expected = Buffer.from(fields.flatMap(bytesOf))
    expect(buffer.length).toBe(expected.length)
    expect(buffer.view().equals(expected)).toBe(true)

    const cursor = new ByteCursor(buffer.view(), 'file')
    expect(fields.map((field) => readFrom(cursor, field))).toEqual(fields)
    expect(cursor.left).toBe(0)
  })

  it('is gone when it is cleared, and the next begins anew', () => {
    const buffer = new ByteBuffer()
    buffer.put(Buffer.alloc(10_000, 1))
    buffer.clear()
    expect(buffer.view()).toHaveLength(0)
    buffer.uint16(0x0203)
    expect([...buffer.view()]).toEqual([2, 3])
  })

  it('can be seen in part', () => {
    const buffer = new ByteBuffer()
    buffer.put(Uint8Array.of(1, 2, 3, 4))
    expect([...buffer.view(1)]).toEqual([2, 3, 4])
    expect([...buffer.view(1, 3)]).toEqual([2, 3])
  })

  it('is what fits into memory exactly, and one byte more', () => {
    for (const length of [4095, 4096, 4097, 8191, 8192, 8193]) {
      const buffer = new ByteBuffer()
      for (let i = 0; i < length; i++) buffer.byte(i)
      expect(buffer.view().equals(Buffer.from(Array.from({ length }, (_, i) => i % 256)))).toBe(true)
    }
  })

  it('keeps a mark of byte order, and has the replacement character for half of a pair', () => {
    const buffer = new ByteBuffer()
    buffer.text('\uFEFFa')
    buffer.text('\uD800')
    expect([...buffer.view()]).toEqual([4, 0xef, 0xbb, 0xbf, 0x61, 3, 0xef, 0xbf, 0xbd])
    const cursor = new ByteCursor(buffer.view(), 'file')
    expect([cursor.text(), cursor.text()]).toEqual(['\uFEFFa', '\uFFFD'])
  })

  it.each([-1, 2 ** 32])('is no number that does not fit: %d', (value) => {
    expect(() => new ByteBuffer().uint32(value)).toThrow(RangeError)
  })
})
