import { TsdbError } from '../errors.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads what {@link ByteBuffer} writes. Whatever is wrong is told with the file and the offset in it. */
export class ByteCursor {
  /** Of the next byte, in `bytes`. */
  position = 0

  /**
   * @param bytes part of a file; `file` is its name and `fileOffset` where in it `bytes` begin, for errors
   */
  constructor(
    private bytes: Buffer,
    private readonly file: string,
    private fileOffset = 0,
  ) {}

  /** Goes on with other bytes of the same file. */
  reset(bytes: Buffer, fileOffset: number): void {
    this.bytes = bytes
    this.fileOffset = fileOffset
    this.position = 0
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.bytes.length - this.position
  }

  byte(): number {
    this.need(1)
    return this.bytes[this.position++]!
  }

  uint16(): number {
    this.need(2)
    const value = this.bytes.readUInt16BE(this.position)
    this.position += 2
    return value
  }

  uint32(): number {
    this.need(4)
    const value = this.bytes.readUInt32BE(this.position)
    this.position += 4
    return value
  }

  /** @throws {TsdbError} ERR_TSDB_UNSUPPORTED beyond 2^53 - 1. */
  uint64(): number {
    this.need(8)
    return this.safe(this.uint32() * 2 ** 32 + this.uint32())
  }

  /** @throws {TsdbError} ERR_TSDB_UNSUPPORTED beyond 2^53 - 1; ERR_TSDB_MALFORMED when it does not end. */
  uvarint(): number {
    let value = 0
    let factor = 1
    for (let i = 0; i < 10; i++) {
      const byte = this.byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return this.safe(value)
      factor *= 128
    }
    throw this.error('ERR_TSDB_MALFORMED', 'an integer does not end')
  }

  /** @throws as `uvarint` */
  varint(): number {
    const value = this.uvarint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** A view of the next bytes. */
  take(byteLength: number): Buffer {
    this.need(byteLength)
    const view = this.bytes.subarray(this.position, this.position + byteLength)
    this.position += byteLength
    return view
  }

  /** @throws {TsdbError} ERR_TSDB_BAD_LABELS when it is not UTF-8 */
  text(): string {
    const at = this.position
    const byteLength = this.uvarint()
    const bytes = this.take(byteLength)
    try {
      return decoder.decode(bytes)
    } catch (cause) {
      throw new TsdbError('ERR_TSDB_BAD_LABELS', 'text is not UTF-8', this.place(at), cause)
    }
  }

  /** An error at the next byte, or at a position in the bytes. */
  error(code: TsdbError['code'], what: string, position = this.position): TsdbError {
    return new TsdbError(code, what, this.place(position))
  }

  private place(position: number): { file: string; offset: number } {
    return { file: this.file, offset: this.fileOffset + position }
  }

  private need(byteLength: number): void {
    if (byteLength > this.left) {
      throw this.error('ERR_TSDB_TRUNCATED', `${byteLength} bytes are announced, ${this.left} are there`)
    }
  }

  private safe(value: number): number {
    if (value > Number.MAX_SAFE_INTEGER) {
      throw this.error('ERR_TSDB_UNSUPPORTED', 'an integer is larger than 2^53 - 1')
    }
    return value
  }
}
