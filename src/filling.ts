import { binding } from './binding.ts'
import { argumentError } from './errors.ts'
import { buffersFor, floorTo, padded, roomIn, sealAt, type Transfer, tailOf, wholeBlocks } from './plan.ts'
import { Span } from './span.ts'
import { giveStage, linesAreFar, StageChoice } from './stage.ts'

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
 * Small pieces come together in the stage: the buffer itself, or memory of its own, from which they go into the buffer
 * past the processor's caches. Fields of the hot path are public and plain: `staged`, `stop`, `stage`.
 */
export class Filling {
  /** Where small pieces go now; empty where there is no buffer. Its first byte stands at `#base` of the buffer. */
  stage: Buffer = noBuffer
  /** Bytes of the caller in the stage. */
  staged = 0
  /** How many may come into the stage before `goOn`. */
  stop = 0
  /** The buffer, or an empty one. */
  #bytes: Buffer = noBuffer
  /** Bytes of the caller in the buffer before the stage, or in the carry where there is no buffer. */
  #base = 0
  /** How full the buffer may get. 0 without a buffer. */
  limit = 0
  /** What `newlyFilled` has told of already. */
  #toldFilled = 0
  /**
   * File offset of the first byte, a multiple of the block. No integer at first, so that V8 takes it, and all that is
   * computed from it, for a double from the start: else it compiles everything anew when the file passes 2 GiB.
   */
  offset = Number.NaN
  /** Where in the stage the slot begins that the caller reserved to fill in place, and its length. */
  #slotStart = noSlot
  #slotBytes = 0
  /** Whether it is in the buffer behind an empty stage, being larger than a stage. */
  #slotInBuffer = false
  /** `stage.buffer` and `stage.byteOffset`, which are calls. */
  #memory: ArrayBufferLike = noBuffer.buffer
  #memoryOffset = 0
  /** Whether the stage is memory of its own. */
  #staging = false
  /** How full the buffer may get before `goOn`. */
  #stepEnd = 0
  /** Bytes that came into the buffer itself: large pieces. */
  #largeBytes = 0
  readonly #choice: StageChoice
  readonly #carry: Buffer

  constructor(
    private readonly block: number,
    private readonly bufferSize: number,
    private readonly grain: number,
    /** Whether nobody but the device reads what is filled: then it is copied past the processor's caches. */
    private readonly streamed: boolean,
    start: number,
    head: Uint8Array,
    isFar: (buffer: Buffer) => boolean = linesAreFar,
  ) {
    this.offset = start - head.byteLength
    this.#base = head.byteLength
    this.#choice = new StageChoice(bufferSize, isFar)
    this.#carry = Buffer.alloc(block)
    this.#carry.set(head)
  }

  /** Bytes of the caller here: in the buffer and the stage, or in the carry. */
  get filled(): number {
    return this.#base + this.staged
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
    const carried = this.#base
    const stage = this.streamed ? this.#choice.stageFor(buffer) : null
    this.#carry.copy(buffer, 0, 0, carried)
    this.#bytes = buffer
    this.limit = sealAt(this.offset, this.bufferSize, this.block, this.grain)
    this.#staging = stage !== null
    this.#stageIn(stage ?? buffer)
    if (stage === null) {
      this.#base = 0
      this.staged = carried
    }
    this.#toldFilled = carried
    this.#largeBytes = 0
    this.goOn()
  }

  #stageIn(memory: Buffer): void {
    this.stage = memory
    this.#memory = memory.buffer
    this.#memoryOffset = memory.byteOffset
  }

  /** Lets the hot path go on for another step. */
  goOn(): void {
    this.#settle()
    this.#stepEnd = this.filled + stepBytes
    this.#open()
  }

  /** Brings what is staged into the buffer. The hot path is closed until `#open` if that changed anything. */
  #settle(): void {
    if (!this.#staging || this.staged === 0) return
    binding().streamCopy(this.#bytes, this.#base, this.stage, 0, this.staged)
    this.#base += this.staged
    this.staged = 0
    this.stop = 0
    this.closeSlot()
  }

  #open(): void {
    const most = Math.min(this.limit, this.#stepEnd) - this.#base
    // A small integer again, for the hot path.
    this.stop = Math.min(most, this.stage.length) | 0
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
    if (count === bytes.length && count < this.stop - this.staged) this.append(bytes)
    else this.#putPast(bytes, from, count)
    return count
  }

  /** Copies all of `bytes`; the caller has seen that they fit. */
  append(bytes: Uint8Array): void {
    const count = bytes.length
    const start = this.staged
    if (count > loopBytesMax) {
      if (count >= streamFromBytes && this.streamed) {
        this.#putPast(bytes, 0, count)
        return
      }
      set.call(this.stage, bytes, start)
    } else {
      const into = this.stage
      for (let i = 0; i < count; i++) into[start + i] = bytes[i] as number
    }
    this.staged = start + count
  }

  /** Copies into the buffer itself. */
  #putPast(bytes: Uint8Array, from: number, count: number): void {
    this.#settle()
    const { filled } = this
    if (count >= streamFromBytes && this.streamed) {
      binding().streamCopy(this.#bytes, filled, bytes, from, count)
    } else {
      const part = from === 0 && count === bytes.length ? bytes : bytes.subarray(from, from + count)
      set.call(this.#bytes, part, filled)
    }
    this.#advance(count)
  }

  /** Moves on over bytes that came into the buffer itself, or back. Nothing is staged. */
  #advance(count: number): void {
    this.closeSlot()
    this.#largeBytes += count
    if (this.#staging) this.#base += count
    else this.staged += count
    this.#open()
  }

  /** Reserves the next `byteLength` bytes; null at `stop`, without room for them, or when they are no number of bytes. */
  reserve(byteLength: number): Uint8Array | null {
    const { staged } = this
    this.closeSlot()
    if (!Number.isSafeInteger(byteLength) || byteLength <= 0 || byteLength > this.bufferSize) return null
    if (staged >= this.stop || byteLength > this.#bytes.length - this.#base - staged) return null
    if (byteLength > this.stage.length - staged) return this.#reserveInBuffer(byteLength)
    this.#slotStart = staged
    this.#slotBytes = byteLength
    this.#slotInBuffer = false
    return new Uint8Array(this.#memory, this.#memoryOffset + staged, byteLength)
  }

  /** A slot that finds no room in the stage: in the next step, or else in the buffer. */
  #reserveInBuffer(byteLength: number): Uint8Array | null {
    if (byteLength <= this.stage.length) return null
    this.#settle()
    this.#open()
    this.#slotStart = 0
    this.#slotBytes = byteLength
    this.#slotInBuffer = true
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#base, byteLength)
  }

  /** Keeps the first bytes of the slot; false when there is none, they are more than it has, or the buffer gets full. */
  commit(usedBytes: number): boolean {
    const { staged } = this
    if (this.#slotStart !== staged || this.#slotInBuffer) return false
    if (!Number.isSafeInteger(usedBytes) || usedBytes < 0 || usedBytes > this.#slotBytes) return false
    const end = staged + usedBytes
    if (end >= this.limit - this.#base) return false
    this.#slotStart = noSlot
    this.staged = end
    return true
  }

  /**
   * As `commit`, also when the buffer gets full.
   *
   * @throws TypeError ERR_NOT_RESERVED without a valid slot, or for more than was reserved
   */
  commitOrThrow(usedBytes: number): void {
    // Bytes taken since `reserve` lie where the slot was.
    if (this.#slotStart !== this.staged) {
      throw argumentError('ERR_NOT_RESERVED', 'commit without a slot: reserve has to come right before it')
    }
    if (usedBytes > this.#slotBytes) {
      const message = `commit of ${usedBytes} bytes, but only ${this.#slotBytes} were reserved`
      throw argumentError('ERR_NOT_RESERVED', message)
    }
    this.#slotStart = noSlot
    if (this.#slotInBuffer) this.#advance(usedBytes)
    else this.staged += usedBytes
  }

  /** What was reserved is no longer valid. */
  closeSlot(): void {
    this.#slotStart = noSlot
  }

  /** Copies all chunks, if there is any, each is a Uint8Array and together they leave room before `stop`; else nothing. */
  appendAll(chunks: readonly unknown[]): boolean {
    if (!Array.isArray(chunks)) return false
    let count = 0
    for (const chunk of chunks) {
      // An empty one may be detached memory, which others look at.
      if (!(chunk instanceof Uint8Array) || chunk.length === 0) return false
      count += chunk.length
    }
    if (count === 0 || count >= this.stop - this.staged) return false
    for (const chunk of chunks) this.append(chunk)
    return true
  }

  /** Detaches the buffer with its whole blocks, to be written; the tail stays. Null when there is no whole block. */
  seal(): Span | null {
    const whole = wholeBlocks(this, this.block)
    if (whole.end === whole.start) return null
    this.#choice.hadPieces = this.filled > 2 * this.#largeBytes
    return this.#detach(whole)
  }

  /**
   * Detaches the buffer with all its bytes, the tail padded to a block. The tail stays as well: it is written again
   * when more comes. `kept` is what the file holds behind it; without it, zeros.
   */
  sealPadded(kept: Uint8Array | null): Span {
    const all = padded(this, this.block)
    const end = all.end - all.start
    this.#choice.hadPieces = false
    if (kept === null) this.#bytes.fill(0, this.filled, end)
    else this.#bytes.set(kept.subarray(0, end - this.filled), this.filled)
    return this.#detach(all)
  }

  #detach({ start, end, dataEnd }: Transfer): Span {
    this.#settle()
    const bytes = this.#bytes
    this.#keepTail()
    return new Span(bytes, start, end, dataEnd)
  }

  /** Lets the buffer go, and carries the bytes of its last block. */
  #keepTail(): void {
    const tail = tailOf(this, this.block)
    this.#bytes.copy(this.#carry, 0, tail.offset - this.offset, this.filled)
    this.offset = tail.offset
    this.#forgetBuffer(tail.filled)
  }

  /** @param carried bytes in the carry */
  #forgetBuffer(carried: number): void {
    if (this.#staging) giveStage(this.stage)
    this.#staging = false
    this.#bytes = noBuffer
    this.#stageIn(noBuffer)
    this.#base = carried
    this.staged = 0
    this.limit = 0
    this.stop = 0
  }

  /** Gives up an attached buffer whose bytes are all in the file or carried. */
  detach(): Buffer | null {
    if (!this.attached) return null
    this.#settle()
    const bytes = this.#bytes
    this.#keepTail()
    return bytes
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
    this.#held().set(bytes, offset - this.offset)
  }

  mark(): Mark {
    const { filled } = this
    const from = floorTo(filled, this.block)
    const tail = from === filled ? noBuffer : Uint8Array.prototype.slice.call(this.#held(), from, filled)
    return { position: this.position, tail }
  }

  /** Where all bytes of the caller are that are here. */
  #held(): Buffer {
    this.#settle()
    return this.attached ? this.#bytes : this.#carry
  }

  /** Comes back to a mark. Gives the buffer in use if nothing before the mark is in it. */
  restore(mark: Mark): Buffer | null {
    this.#settle()
    if (this.attached && this.offset <= mark.position - mark.tail.byteLength) {
      this.#advance(mark.position - this.position)
      return null
    }
    const buffer = this.attached ? this.#bytes : null
    this.offset = mark.position - mark.tail.byteLength
    this.#carry.set(mark.tail)
    this.#forgetBuffer(mark.tail.byteLength)
    return buffer
  }
}
