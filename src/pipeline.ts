import { type Borrowing, Borrowings } from './borrowings.ts'
import { sharedPool } from './buffer-pool.ts'
import { BufferShare } from './buffer-share.ts'
import { argumentError, detachedError } from './errors.ts'
import { beginStretch, countFilled, loopIsDue, loopWentRound } from './event-loop.ts'
import { Filling } from './filling.ts'
import { Lending } from './lending.ts'
import { totalBytes } from './options.ts'
import { patchFile } from './patch.ts'
import { floorTo, grainOf } from './plan.ts'
import type { Span } from './span.ts'
import type { Target } from './target.ts'
import { Undo } from './undo.ts'
import { WriteBehind } from './write-behind.ts'

/** Larger chunks are worth to be sent off in parts, while the rest waits for room. */
const atOnceBytesMax = 64 * 1024

/** What is left of a buffer by a chunk that waits for room is not sent off either: of a buffer this is little. */
const atOnceShareMax = 1 / 8

/**
 * One file's bytes on their way: copied into buffers, written behind, taken back when a write fails. At most
 * `queueDepth` buffers and borrowed pieces at a time. Calls come one at a time, in order; that is the writer's care.
 */
export class Pipeline {
  readonly filling: Filling
  readonly lending: Lending
  /** For the writer: `retry` and `written`. */
  readonly behind: WriteBehind
  readonly #grain: number
  readonly #bufferBytes: number
  /** Chunks up to here are taken at once, when there is room for all of them. */
  readonly #atOnceBytes: number
  readonly #buffers: BufferShare
  readonly #borrowings: Borrowings
  readonly #undo: Undo
  /** What the last call that found no room wanted, in bytes. */
  #refusedBytes = 0
  #refusedSlot = false
  /** The position that the last flush brought to the file, and whether held bytes were patched since. */
  #flushedTo: number
  #patched = false
  #stopped: Error | undefined

  /**
   * @param head the bytes before `target.start` in its block
   * @param onFailure called when a write failed and everything has come down; gives what callers are told
   * @param onReturned called when the kernel reads no memory of the caller any more
   */
  constructor(
    readonly target: Target,
    private readonly bufferSize: number,
    private readonly queueDepth: number,
    private readonly onFailure: (error: unknown) => Error,
    onReturned: () => void,
    head: Uint8Array,
  ) {
    this.#grain = grainOf(target.block)
    // A block more than one write needs, so that a full slot can be reserved behind any tail.
    this.#bufferBytes = bufferSize + target.block
    // So much fits behind any tail, ending on any grain. An only buffer would go out before it is full.
    const atOnceBytes = Math.min(atOnceBytesMax, bufferSize * atOnceShareMax, bufferSize - 2 * this.#grain)
    this.#atOnceBytes = queueDepth === 1 ? 0 : atOnceBytes
    this.#buffers = new BufferShare(this, sharedPool, this.#bufferBytes, grainOf(target.memoryAlignment), queueDepth)
    this.#borrowings = new Borrowings(onReturned)
    this.#flushedTo = target.start
    this.filling = new Filling(target.block, bufferSize, this.#grain, target.traits.aligned, target.start, head)
    this.behind = new WriteBehind(
      target,
      (span) => this.#release(span),
      (error) => this.#takeBack(error),
    )
    this.#undo = new Undo(this.filling, this.behind, this.#borrowings, this.#buffers, () => this.#check())
    this.lending = new Lending(target, this.filling, this.behind, { bufferSize, queueDepth, grain: this.#grain })
  }

  /** Whether the kernel reads memory of the caller now. */
  get borrowing(): boolean {
    return this.#borrowings.any
  }

  /** Bytes that can be taken at once, unless other writers have used up the cap on all buffers. */
  get roomBytes(): number {
    return this.filling.room(this.queueDepth - this.#buffersInUse)
  }

  /**
   * Sends a chunk off without a copy, if all of it can go out at once; null if not. The promise is for when its memory
   * is the caller's again.
   */
  lend(bytes: Uint8Array): Promise<void> | null {
    if (!this.lending.fits(bytes)) return null
    this.#giveBackIdle()
    const borrowing = this.#borrowings.begin(this.filling.mark())
    for (let from = 0; from < bytes.length; ) from += this.#lend(bytes, from, bytes.length, borrowing)
    this.#borrowings.partDone(borrowing)
    return borrowing.landed
  }

  /** Copies all chunks, or nothing when there is no room for all of them. */
  takeSync(chunks: readonly Uint8Array[]): boolean {
    if (!this.#ensure(totalBytes(chunks))) return false
    for (const chunk of chunks) {
      for (let from = 0; from < chunk.byteLength; ) from += this.#putSome(chunk, from)
    }
    return true
  }

  /**
   * Takes all chunks, waiting for room. Resolves when they are taken; of a chunk that was not copied it gives the
   * borrowing, which says when its memory is the caller's again. On failure nothing of them is taken.
   *
   * @param byteLength the bytes of all chunks when the call was made: fewer now, and some were transferred away
   * @throws also at once
   */
  take(chunks: readonly Uint8Array[], byteLength: number): Promise<Borrowing | null> {
    this.#assertWhole(chunks, byteLength)
    const only = this.lending.lendable(chunks)
    if (only !== null) return this.#borrow(only, byteLength)
    return byteLength <= this.#atOnceBytes
      ? this.#takeAtOnce(chunks, byteLength)
      : this.#takeInParts(chunks, byteLength)
  }

  /** See Writer.reserve. */
  reserve(byteLength: number): Uint8Array | null {
    if (this.#makeContiguous(byteLength)) return this.filling.reserve(byteLength)
    this.refuse(byteLength, true)
    return null
  }

  /** See Writer.commit. */
  commit(usedBytes: number): void {
    const { filling } = this
    filling.commitOrThrow(usedBytes)
    if (filling.filled >= filling.limit) this.#submitSealed()
  }

  /** Remembers for `room` what was wanted and refused. */
  refuse(byteLength: number, contiguous: boolean): false {
    this.#refusedBytes = byteLength
    this.#refusedSlot = contiguous
    return false
  }

  /** Resolves when what was refused last would be taken. */
  room(): Promise<void> {
    const wanted = this.#refusedBytes
    return this.#until(wanted, this.#refusedSlot ? () => this.#makeContiguous(wanted) : () => this.#ensure(wanted))
  }

  /** Waits for room until `wanted` bytes fit, which `fit` tries. */
  async #until(wanted: number, fit: () => boolean): Promise<void> {
    if (this.borrowing) await this.#borrowings.returned()
    this.#check()
    while (!fit()) {
      await this.#moreRoom(wanted)
      this.#check()
    }
  }

  /** All or nothing, so that nothing need be undone. Of small records it is a good deal less work than in parts. */
  async #takeAtOnce(chunks: readonly Uint8Array[], byteLength: number): Promise<Borrowing | null> {
    await this.#until(byteLength, () => {
      this.#assertWhole(chunks, byteLength)
      return this.takeSync(chunks)
    })
    return null
  }

  /** Of what may need more buffers than there are. */
  async #takeInParts(chunks: readonly Uint8Array[], byteLength: number): Promise<Borrowing | null> {
    if (this.borrowing) await this.#borrowings.returned()
    this.#check()
    const mark = this.#undo.begin()
    // One loop that waits for nothing but room and the event loop: when for room, all that was filled has been sent off.
    try {
      for (const chunk of chunks) {
        for (let from = 0; from < chunk.byteLength; ) {
          const count = this.#goOn() ? this.#putSome(chunk, from) : 0
          from += count
          if (count > 0) continue
          await this.#anotherBuffer()
          this.#assertWhole(chunks, byteLength)
        }
      }
    } catch (error) {
      await this.#undo.last(mark, error)
    }
    this.#undo.finish()
    return null
  }

  #assertWhole(chunks: readonly Uint8Array[], byteLength: number): void {
    if (totalBytes(chunks) !== byteLength) throw detachedError(this.target.path)
  }

  /** Lets the filling go on, in the present buffer or in another one; false when the event loop has to go round first. */
  #goOn(): boolean {
    countFilled(this.filling.newlyFilled())
    if (loopIsDue()) return false
    beginStretch()
    this.filling.goOn()
    return true
  }

  async #anotherBuffer(): Promise<void> {
    if (loopIsDue()) await loopWentRound()
    else await this.behind.oneLanded()
    this.#check()
  }

  /** Waits for a buffer: one of our own, or, when all of them are free, one of other writers. */
  async #moreRoom(wanted: number): Promise<void> {
    if (loopIsDue()) {
      await loopWentRound()
    } else if (this.behind.outstanding > 0 || this.#submitSealed()) {
      await this.behind.oneLanded()
    } else if (this.filling.missingBuffers(wanted) + this.#buffersInUse > this.queueDepth) {
      throw argumentError('ERR_OUT_OF_RANGE', `${wanted} bytes never fit at once: that is for write, not writeSync`)
    } else {
      await sharedPool.given()
    }
  }

  /** Brings everything taken to the file and makes its length exact. Gives the position reached. */
  async flush(done: boolean): Promise<number> {
    const { filling, target } = this
    await this.#borrowings.returned()
    this.#check()
    const { position } = filling
    if (filling.filled > 0 && (position !== this.#flushedTo || this.#patched)) {
      while (!filling.attached && !this.#attach()) {
        await this.behind.oneLanded()
        this.#check()
      }
      const kept = await target.keptBehind(position)
      this.#check()
      this.#submit(filling.sealPadded(kept))
    }
    this.#giveBackIdle()
    await this.behind.until(0)
    this.#check()
    await target.settleLength(position > target.start ? position : 0, done)
    this.#check()
    this.#flushedTo = position
    this.#patched = false
    return position
  }

  /** Replaces bytes taken earlier, in memory or in the file: the range lies in [target.start, position). */
  async patch(bytes: Uint8Array, offset: number): Promise<void> {
    const { filling } = this
    await this.#borrowings.returned()
    this.#check()
    const inFileBytes = Math.min(bytes.byteLength, Math.max(0, filling.offset - offset))
    if (inFileBytes > 0) {
      await this.behind.until(0)
      this.#check()
      await this.#buffers.lend(this.#buffersInUse, this.bufferSize, this.#grain, (memory) =>
        patchFile(this.target, bytes.subarray(0, inFileBytes), offset, memory, () => this.#check()),
      )
    }
    if (inFileBytes < bytes.byteLength) {
      filling.patch(bytes.subarray(inFileBytes), offset + inFileBytes)
      this.#patched = true
    }
  }

  /** Lets nothing more out, waits until the kernel is done with all memory, and tells those who wait. */
  async stop(error: Error): Promise<void> {
    this.#stopped = error
    await this.behind.landed()
    const borrowings = this.#undo.all()
    this.behind.giveUp(error)
    for (const borrowing of borrowings) borrowing.reject(error)
  }

  /** Gives all buffers back, whatever they hold. Only when nothing is flying; the positions stay. */
  dispose(): void {
    this.behind.clear()
    this.#giveBackIdle()
  }

  /** Whether `byteLength` more bytes can be copied at once; takes the buffers for it. */
  #ensure(byteLength: number): boolean {
    if (!this.#goOn()) return false
    const missing = this.filling.missingBuffers(byteLength)
    return missing === 0 || this.#buffers.stock(missing, this.#buffersInUse)
  }

  /** Makes the next `byteLength` bytes, at most `bufferSize`, contiguous; false when there is no buffer for it now. */
  #makeContiguous(byteLength: number): boolean {
    const { filling } = this
    if (filling.attached && filling.filled + byteLength > this.#bufferBytes) this.#submitSealed()
    return this.#goOn() && (filling.attached || this.#attach())
  }

  #attach(): boolean {
    const buffer = this.#buffers.take(this.#buffersInUse)
    if (buffer === null) return false
    this.filling.attach(buffer)
    return true
  }

  get #buffersInUse(): number {
    return this.behind.outstanding + (this.filling.attached ? 1 : 0)
  }

  /** Gives back what is not needed to hold bytes: only the tail stays, in the carry. */
  #giveBackIdle(): void {
    this.filling.closeSlot()
    const detached = this.filling.detach()
    if (detached !== null) this.#buffers.give(detached)
    this.#buffers.giveSpares()
  }

  /** Sends off the whole blocks of the buffer. False when there are none. */
  #submitSealed(): boolean {
    countFilled(this.filling.newlyFilled())
    const span = this.filling.seal()
    if (span === null) return false
    this.#submit(span)
    return true
  }

  #submit(span: Span): void {
    if (this.#stopped !== undefined) {
      this.#release(span)
      throw this.#stopped
    }
    this.filling.closeSlot()
    this.behind.submit(span)
  }

  #release(span: Span): void {
    if (span.borrowing !== null) this.#borrowings.partDone(span.borrowing)
    else this.#buffers.give(span.bytes as Buffer)
  }

  /** After every wait: what a failure in the meantime took back is not to be gone on with. */
  #check(): void {
    if (this.#stopped !== undefined) throw this.#stopped
    this.behind.check()
  }

  /** Copies as much as fits into one buffer. 0: there is none to be had now. */
  #putSome(bytes: Uint8Array, from: number): number {
    const { filling } = this
    if (!filling.attached && !this.#attach()) return 0
    const count = filling.put(bytes, from)
    if (filling.filled >= filling.limit) this.#submitSealed()
    return count
  }

  async #borrow(bytes: Uint8Array, byteLength: number): Promise<Borrowing> {
    const { filling } = this
    this.#submitSealed()
    this.#giveBackIdle()
    const mark = filling.mark()
    const borrowing = this.#borrowings.begin(mark)
    // This call may fail on its own account before anybody looks at it.
    borrowing.landed.catch(() => undefined)
    const wholeBytes = floorTo(byteLength, this.target.block)
    try {
      for (let from = 0; from < byteLength; ) {
        if (from < wholeBytes && this.behind.outstanding < this.queueDepth) {
          from += this.#lend(bytes, from, wholeBytes, borrowing)
          continue
        }
        const count = from < wholeBytes ? 0 : this.#putSome(bytes, from)
        from += count
        if (count > 0) continue
        await this.behind.oneLanded()
        this.#check()
        if (bytes.byteLength !== byteLength) throw detachedError(this.target.path)
      }
    } catch (error) {
      await this.#undo.last(mark, error)
    }
    this.#borrowings.partDone(borrowing)
    return borrowing
  }

  /** Sends off a piece of a borrowed chunk. Gives its length. */
  #lend(bytes: Uint8Array, from: number, wholeBytes: number, borrowing: Borrowing): number {
    const span = this.lending.piece(bytes, from, wholeBytes, borrowing)
    this.#submit(span)
    return span.end - span.start
  }

  /** After a failed write: gives what callers are told. */
  #takeBack(error: unknown): Error {
    const borrowings = this.#undo.all()
    const told = this.onFailure(error)
    for (const borrowing of borrowings) borrowing.reject(told)
    return told
  }
}
