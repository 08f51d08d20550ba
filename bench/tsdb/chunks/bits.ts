/** Bit streams: the highest bit of a byte first. */

/** Bytes are filled from the left; the bits that are left over in the last one are zero. */
export class BitWriter {
  private bytes: Uint8Array = new Uint8Array(0)
  private position = 0
  /** Bits that do not fill a byte yet: fewer than 8 after each call. */
  private waiting = 0
  private waitingCount = 0

  /** Goes on with other memory, which has to be large enough for all that will be written. */
  begin(bytes: Uint8Array, position: number): void {
    this.bytes = bytes
    this.position = position
    this.waiting = 0
    this.waitingCount = 0
  }

  /** The lowest `count` bits of `value`, 24 at most. */
  write(value: number, count: number): void {
    let waiting = (this.waiting << count) | (value & ((1 << count) - 1))
    let waitingCount = this.waitingCount + count
    while (waitingCount >= 8) {
      waitingCount -= 8
      this.bytes[this.position++] = waiting >>> waitingCount
    }
    waiting &= (1 << waitingCount) - 1
    this.waiting = waiting
    this.waitingCount = waitingCount
  }

  /** The lowest `count` bits of `value`, 32 at most. */
  writeLong(value: number, count: number): void {
    if (count > 16) {
      this.write(value >>> 16, count - 16)
      this.write(value & 0xffff, 16)
    } else {
      this.write(value, count)
    }
  }

  /** A whole number from 0 to 2^53 - 1, 7 bits a byte, lowest first. */
  writeUvarint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.write((rest % 128) | 0x80, 8)
      rest = Math.floor(rest / 128)
    }
    this.write(rest, 8)
  }

  /** Fills up the last byte. @returns the position behind it. */
  end(): number {
    if (this.waitingCount > 0) this.write(0, 8 - this.waitingCount)
    return this.position
  }
}

/** Behind the end it reads zeros and goes on counting: {@link isOverrun} tells. */
export class BitReader {
  private bytes: Uint8Array = new Uint8Array(0)
  private position = 0
  private end = 0
  private waiting = 0
  private waitingCount = 0

  begin(bytes: Uint8Array, position: number): void {
    this.bytes = bytes
    this.position = position
    this.end = bytes.length
    this.waiting = 0
    this.waitingCount = 0
  }

  /** More was read than there is. */
  get isOverrun(): boolean {
    return this.position > this.end
  }

  /** The next `count` bits, 24 at most. */
  read(count: number): number {
    let { waiting, waitingCount } = this
    while (waitingCount < count) {
      // An index out of range would make V8 give up the fast path for this load.
      const byte = this.position < this.end ? this.bytes[this.position]! : 0
      this.position++
      waiting = (waiting << 8) | byte
      waitingCount += 8
    }
    waitingCount -= count
    const value = waiting >>> waitingCount
    this.waiting = waiting & ((1 << waitingCount) - 1)
    this.waitingCount = waitingCount
    return value
  }

  /** The next `count` bits, 32 at most, as a number from 0 on. */
  readLong(count: number): number {
    if (count <= 16) return this.read(count)
    const high = this.read(count - 16)
    return high * 0x10000 + this.read(16)
  }

  /** What `writeUvarint` writes; NaN when it does not end within 2^53. */
  readUvarint(): number {
    let value = 0
    let factor = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.read(8)
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN
      factor *= 128
    }
    return Number.NaN
  }
}
