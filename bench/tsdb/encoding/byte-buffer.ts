/**
 * Prometheus's primitives: big-endian integers, and variable-length ones of 7 bits a byte, lowest first, as in Go's
 * encoding/binary (uvarint; varint is zigzag).
 */

/** Bytes of the longest variable-length integer: 64 bits. */
const VARINT_BYTES_MAX = 10
/** Holds most index entries and records without growing. */
const FIRST_CAPACITY_BYTES = 4096
/** From here on integers do not fit the processor's 32-bit operations. */
const TWO_31 = 2 ** 31

/** Bytes put together one after the other. Used again and again: `clear` keeps the memory. */
export class ByteBuffer {
  private bytes = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES)
  length = 0

  clear(): void {
    this.length = 0
  }

  /** What was put so far: a view that holds until the next call. */
  view(start = 0, end = this.length): Buffer {
    return this.bytes.subarray(start, end)
  }

  byte(value: number): void {
    this.makeRoom(1)
    this.bytes[this.length++] = value
  }

  uint16(value: number): void {
    this.makeRoom(2)
    this.length = this.bytes.writeUInt16BE(value, this.length)
  }

  uint32(value: number): void {
    this.makeRoom(4)
    this.length = this.bytes.writeUInt32BE(value, this.length)
  }

  /** A whole number from 0 to 2^53 - 1. */
  uint64(value: number): void {
    this.uint32(Math.floor(value / 2 ** 32))
    this.uint32(value % 2 ** 32)
  }

  /** A whole number from 0 to 2^53 - 1. */
  uvarint(value: number): void {
    this.makeRoom(VARINT_BYTES_MAX)
    const { bytes } = this
    let rest = value
    while (rest >= TWO_31) {
      bytes[this.length++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest >= 0x80) {
      bytes[this.length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[this.length++] = rest
  }

  /** A whole number from -2^52 to 2^52 - 1. */
  varint(value: number): void {
    this.uvarint(value < 0 ? -value * 2 - 1 : value * 2)
  }

  /** A length (uvarint) and as many bytes of UTF-8. */
  text(value: string): void {
    const byteLength = Buffer.byteLength(value)
    this.uvarint(byteLength)
    this.makeRoom(byteLength)
    this.bytes.write(value, this.length)
    this.length += byteLength
  }

  put(bytes: Uint8Array): void {
    this.makeRoom(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  private makeRoom(byteLength: number): void {
    const needed = this.length + byteLength
    if (needed <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }
}
