import { binding } from './binding.ts'
import { argumentError } from './errors.ts'
import { buffersFor, ceilTo, floorTo, roomIn, sealAt } from './plan.ts'
import { Span } from './span.ts'

/** Where the bytes of the caller stand: enough to come back to it. */
export interface Mark {
  readonly position: number
  /** The bytes before `position` in its block. */
  readonly tail: Uint8Array
}

/** Stands for "no buffer" without a null check on the hot path: nothing fits into it. */
const noBuffer = Buffer.alloc(0)

/** Stands for "nothing reserved": no index is negative. */
const noSlot = -1

/**
 * Up to here a loop over bytes beats `TypedArray.prototype.set`, whose call costs about as much as copying 24 bytes.
 */
const loopBytesMax = 24

/** After so many bytes the pipeline is asked whether to go on: small beside a stretch of the event loop. */
const stepBytes = 512 * 1024

/** From here on a copy past the processor's caches costs less, with the call into the addon, than one through them. */
const streamFromBytes = 4096

/** As `bytes.set`, without looking the method up each time, which costs a quarter as much as a copy of 150 bytes. */
// oxlint-disable-next-line typescript/unbound-method -- it is given its object by `call`
const { set } = Uint8Array.prototype

/**
 * The buffer being filled, and the tail of the file: the bytes of the last block, which wait in memory until the block
 * is whole. Without a buffer the tail is held in `#carry`, so that an idle writer needs no buffer.
 *
 * Fields of the hot path are public and plain: `filled`, `stop`, `bytes`.
 */
export class Filling {
  /** The buffer, or an empty one. */
  bytes: Buffer = noBuffer
  /** Bytes of the caller in the buffer, or in the carry where there is no buffer. */
  filled = 0
  /** How full the buffer may get. 0 without a buffer. */
  limit = 0
  /** How full it may get before `goOn`. */
  stop = 0
  /** What `newlyFilled` has told of already. */
  #toldFilled = 0
  /**
   * File offset of the first byte, a multiple of the block. No integer at first, so that V8 takes it, and all that is
   * computed from it, for a double from the start: else it compiles everything anew when the file passes 2 GiB.
   */
  offset = Number.NaN
  /** Where in the buffer the slot begins that the caller reserved to fill in place, and its length. */
  #slotStart = noSlot
  #slotBytes = 0
  /** `bytes.buffer` and `bytes.byteOffset`, which are calls. */
  #memory: ArrayBufferLike = noBuffer.buffer
  #memoryOffset = 0
  readonly #carry: Buffer

  constructor(
    private readonly block: number,
    private readonly bufferSize: number,
    private readonly grain: number,
    /** Whether nobody but the device reads what is filled: then it is copied past the processor's caches. */
    private readonly streamed: boolean,
    start: number,
    head: Uint8Array,
  ) {
    this.offset = start - head.byteLength
    this.filled = head.byteLength
    this.#carry = Buffer.alloc(block)
    this.#carry.set(head)
  }

  /** File offset of the next byte. */
  get position(): number {
    return this.offset + this.filled
  }

  get attached(): boolean {
    return this.limit > 0
  }

  /** Takes a buffer into use. It holds at least `bufferSize` and a block. */
  attach(buffer: Buffer): void {
    this.#carry.copy(buffer, 0, 0, this.filled)
    this.bytes = buffer
    this.#memory = buffer.buffer
    this.#memoryOffset = buffer.byteOffset
    this.limit = sealAt(this.offset, this.bufferSize, this.block, this.grain)
    this.#toldFilled = this.filled
    this.goOn()
  }

  /** Lets the hot path go on for another step. */
  goOn(): void {
    // A small integer again, for the hot path.
    this.stop = Math.min(this.limit, this.filled + stepBytes) | 0
  }

  /** Bytes that came into the buffer since this was last asked. */
  newlyFilled(): number {
    const count = Math.max(0, this.filled - this.#toldFilled)
    this.#toldFilled = this.filled
    return count
  }

  /** Copies from `bytes` as much as fits before the buffer is full. Gives the number of bytes copied. */
  put(bytes: Uint8Array, from: number): number {
    const count = Math.min(bytes.length - from, this.limit - this.filled)
    this.#copy(bytes, from, count)
    this.filled += count
    return count
  }

  /** Copies all of `bytes`; the caller has seen that they fit. */
  append(bytes: Uint8Array): void {
    const count = bytes.length
    const start = this.filled
    if (count > loopBytesMax) {
      if (count < streamFromBytes) set.call(this.bytes, bytes, start)
      else this.#copy(bytes, 0, count)
    } else {
      const into = this.bytes
      for (let i = 0; i < count; i++) into[start + i] = bytes[i] as number
    }
    this.filled = start + count
  }

  /** To the end of what is filled. */
  #copy(bytes: Uint8Array, from: number, count: number): void {
    if (count >= streamFromBytes && this.streamed) {
      binding().streamCopy(this.bytes, this.filled, bytes, from, count)
    } else {
      const part = from === 0 && count === bytes.length ? bytes : bytes.subarray(from, from + count)
      set.call(this.bytes, part, this.filled)
    }
  }

  /** Reserves the next `byteLength` bytes; null at `stop`, without room for them, or when they are no number of bytes. */
  reserve(byteLength: number): Uint8Array | null {
    const { filled } = this
    if (!Number.isSafeInteger(byteLength) || byteLength <= 0 || byteLength > this.bufferSize) return null
    if (filled >= this.stop || byteLength > this.bytes.length - filled) return null
    this.#slotStart = filled
    this.#slotBytes = byteLength
    return new Uint8Array(this.#memory, this.#memoryOffset + filled, byteLength)
  }

  /** Keeps the first bytes of the slot; false when there is none, they are more than it has, or the buffer gets full. */
  commit(usedBytes: number): boolean {
    const { filled } = this
    if (this.#slotStart !== filled || !Number.isSafeInteger(usedBytes) || usedBytes < 0) return false
    const end = filled + usedBytes
    if (usedBytes > this.#slotBytes || end >= this.limit) return false
    this.#slotStart = noSlot
    this.filled = end
    return true
  }

  /**
   * As `commit`, also when the buffer gets full.
   *
   * @throws TypeError ERR_NOT_RESERVED without a valid slot, or for more than was reserved
   */
  commitOrThrow(usedBytes: number): void {
    // Bytes taken since `reserve` lie where the slot was.
    if (this.#slotStart !== this.filled) {
      throw argumentError('ERR_NOT_RESERVED', 'commit without a slot: reserve has to come right before it')
    }
    if (usedBytes > this.#slotBytes) {
      const message = `commit of ${usedBytes} bytes, but only ${this.#slotBytes} were reserved`
      throw argumentError('ERR_NOT_RESERVED', message)
    }
    this.#slotStart = noSlot
    this.filled += usedBytes
  }

  /** What was reserved is no longer valid. */
  closeSlot(): void {
    this.#slotStart = noSlot
  }

  /** Copies all chunks if each is a Uint8Array and together they leave room before `stop`; else nothing. */
  appendAll(chunks: readonly unknown[]): boolean {
    if (!Array.isArray(chunks)) return false
    let count = 0
    for (const chunk of chunks) {
      // An empty one may be detached memory, which others look at.
      if (!(chunk instanceof Uint8Array) || chunk.length === 0) return false
      count += chunk.length
    }
    if (count >= this.stop - this.filled) return false
    for (const chunk of chunks) this.append(chunk)
    return true
  }

  /** Detaches the buffer with its whole blocks, to be written; the tail stays. Null when there is no whole block. */
  seal(): Span | null {
    const wholeBytes = floorTo(this.filled, this.block)
    if (wholeBytes === 0) return null
    return this.#detach(wholeBytes, this.offset + wholeBytes)
  }

  /**
   * Detaches the buffer with all its bytes, the tail padded to a block. The tail stays as well: it is written again
   * when more comes. `kept` is what the file holds behind it; without it, zeros.
   */
  sealPadded(kept: Uint8Array | null): Span {
    const end = ceilTo(this.filled, this.block)
    if (kept === null) this.bytes.fill(0, this.filled, end)
    else this.bytes.set(kept.subarray(0, end - this.filled), this.filled)
    return this.#detach(end, this.position)
  }

  #detach(length: number, dataEnd: number): Span {
    const bytes = this.bytes
    const start = this.offset
    const tailFrom = floorTo(this.filled, this.block)
    bytes.copy(this.#carry, 0, tailFrom, this.filled)
    this.offset += tailFrom
    this.filled -= tailFrom
    this.#forgetBuffer()
    return new Span(bytes, start, length, dataEnd)
  }

  #forgetBuffer(): void {
    this.bytes = noBuffer
    this.#memory = noBuffer.buffer
    this.limit = 0
    this.stop = 0
  }

  /** Gives up an attached buffer whose bytes are all in the file or carried. */
  detach(): Buffer | null {
    if (!this.attached) return null
    return this.#detach(0, this.offset).bytes as Buffer
  }

  /**
   * Moves on over at most `most` bytes, whole blocks, that go to the file from elsewhere in one piece. Only on a block
   * boundary without a buffer. Gives their number.
   */
  advance(most: number): number {
    const count = Math.min(most, sealAt(this.offset, this.bufferSize, this.block, this.grain))
    this.offset += count
    return count
  }

  /** How many more buffers it takes to accept `byteLength` bytes. */
  missingBuffers(byteLength: number): number {
    return buffersFor(byteLength, this, this.bufferSize, this.block, this.grain)
  }

  /** Bytes that fit into the present buffer and `buffers` more. */
  room(buffers: number): number {
    return roomIn(buffers, this, this.bufferSize, this.block, this.grain)
  }

  /** Replaces bytes that are held here: [offset, offset + bytes.byteLength) lies in [this.offset, this.position). */
  patch(bytes: Uint8Array, offset: number): void {
    const memory = this.attached ? this.bytes : this.#carry
    memory.set(bytes, offset - this.offset)
  }

  mark(): Mark {
    const from = floorTo(this.filled, this.block)
    const memory = this.attached ? this.bytes : this.#carry
    const tail = from === this.filled ? noBuffer : Uint8Array.prototype.slice.call(memory, from, this.filled)
    return { position: this.position, tail }
  }

  /** Comes back to a mark. Gives the buffer in use if nothing before the mark is in it. */
  restore(mark: Mark): Buffer | null {
    if (this.attached && this.offset <= mark.position - mark.tail.byteLength) {
      this.filled = mark.position - this.offset
      return null
    }
    const buffer = this.attached ? this.bytes : null
    this.#forgetBuffer()
    this.offset = mark.position - mark.tail.byteLength
    this.filled = mark.tail.byteLength
    this.#carry.set(mark.tail)
    return buffer
  }
}
