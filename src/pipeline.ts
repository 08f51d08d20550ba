import { binding } from './binding.ts'
import { type BorrowedSpan, type Borrowing, Borrowings } from './borrowings.ts'
import { allocate, sharedPool } from './buffer-pool.ts'
import { BufferShare } from './buffer-share.ts'
import { argumentError, detachedError } from './errors.ts'
import { Filling, type Mark } from './filling.ts'
import { totalBytes } from './options.ts'
import { patchFile } from './patch.ts'
import { floorTo } from './plan.ts'
import { Slot } from './slot.ts'
import { type Span, spanOf, type Target } from './target.ts'
import { WriteBehind } from './write-behind.ts'

/**
 * The blocks of file systems: a transfer that ends on one is never slow, one that ends inside may be. Buffers are
 * aligned to it as well, whatever less the file asks for.
 */
const fileSystemBlockBytes = 4096

const nothingTaken = 'nothing of the chunk was taken'

/**
 * One file's bytes on their way: copied into buffers, written behind, taken back when a write fails. At most
 * `queueDepth` buffers and borrowed pieces at a time. Calls come one at a time, in order; that is the writer's care.
 */
export class Pipeline {
  readonly filling: Filling
  readonly slot = new Slot()
  readonly #behind: WriteBehind
  readonly #grain: number
  readonly #bufferBytes: number
  readonly #buffers: BufferShare
  readonly #borrowings = new Borrowings()
  /** To where the bytes taken by an unfinished copying call are taken back when it fails. */
  #undo: Mark | undefined
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
   */
  constructor(
    readonly target: Target,
    private readonly bufferSize: number,
    private readonly queueDepth: number,
    private readonly onFailure: (error: unknown) => Error,
    head: Uint8Array,
  ) {
    this.#grain = Math.max(target.block, fileSystemBlockBytes)
    // A block more than one write needs, so that a full slot can be reserved behind any tail.
    this.#bufferBytes = bufferSize + target.block
    const alignment = Math.max(target.memoryAlignment, fileSystemBlockBytes)
    this.#buffers = new BufferShare(sharedPool, this.#bufferBytes, alignment, queueDepth)
    this.#flushedTo = target.start
    this.filling = new Filling(target.block, bufferSize, this.#grain, target.start, head)
    this.#behind = new WriteBehind(
      target,
      (span) => this.#release(span),
      (error) => this.#takeBack(error),
    )
  }

  /** File offset up to which every byte of the caller is in the file. */
  get written(): number {
    return this.#behind.written
  }

  /** Whether the kernel reads memory of the caller now. */
  get borrowing(): boolean {
    return this.#borrowings.any
  }

  /** Bytes that can be taken at once, unless other writers have used up the cap on all buffers. */
  get roomBytes(): number {
    return this.filling.room(this.queueDepth - this.#buffersInUse)
  }

  /** Copies all chunks, or nothing when there is no room for all of them. */
  takeSync(chunks: readonly Uint8Array[]): boolean {
    if (!this.#ensure(totalBytes(chunks))) return false
    for (const chunk of chunks) {
      for (let from = 0; from < chunk.byteLength; ) {
        from += this.#putSome(chunk, from)
      }
    }
    return true
  }

  /**
   * Takes all chunks, waiting for room. Resolves when they are taken; `landed`, if there, is for when the memory of a
   * chunk that was not copied is the caller's again. On failure nothing of them is taken.
   *
   * @param byteLength the bytes of all chunks when the call was made: fewer now, and some were transferred away
   */
  async take(chunks: readonly Uint8Array[], byteLength: number): Promise<{ landed: Promise<void> | undefined }> {
    const whole = () => totalBytes(chunks) === byteLength
    if (!whole()) throw detachedError(this.target.path, nothingTaken)
    const only = chunks.length === 1 ? chunks[0] : undefined
    if (only !== undefined && this.#canBorrow(only)) {
      return { landed: (await this.#borrow(only, byteLength)).landed }
    }
    await this.#borrowings.returned()
    this.#check()
    const mark = this.filling.mark()
    this.#undo = mark
    // One loop that waits for nothing but room: whenever it waits, all that was filled before has been sent off.
    for (const chunk of chunks) {
      for (let from = 0; from < chunk.byteLength; ) {
        const count = this.#putSome(chunk, from)
        from += count
        if (count > 0) continue
        await this.#behind.oneLanded()
        this.#check()
        if (!whole()) await this.#undoDetached(mark)
      }
    }
    this.#undo = undefined
    return { landed: undefined }
  }

  /** See Writer.reserve. */
  reserve(byteLength: number): Uint8Array | null {
    if (!this.#makeContiguous(byteLength)) {
      this.refuse(byteLength, true)
      return null
    }
    const { bytes, filled, position } = this.filling
    this.slot.open(position, byteLength)
    return bytes.subarray(filled, filled + byteLength)
  }

  /** See Writer.commit. */
  commit(usedBytes: number): void {
    const { filling, slot } = this
    slot.use(filling.position, usedBytes)
    filling.filled += usedBytes
    if (filling.filled >= filling.limit) this.#submitSealed()
  }

  /** Remembers for `room` what was wanted and refused. */
  refuse(byteLength: number, contiguous: boolean): false {
    this.#refusedBytes = byteLength
    this.#refusedSlot = contiguous
    return false
  }

  /** Resolves when what was refused last would be taken. */
  async room(): Promise<void> {
    await this.#borrowings.returned()
    this.#check()
    const wanted = this.#refusedBytes
    while (this.#refusedSlot ? !this.#makeContiguous(wanted) : !this.#ensure(wanted)) {
      await this.#moreRoom(wanted)
      this.#check()
    }
  }

  /** Waits for a buffer: one of our own, or, when all of them are free, one of other writers. */
  async #moreRoom(wanted: number): Promise<void> {
    if (this.#behind.outstanding > 0 || this.#submitSealed()) {
      await this.#behind.oneLanded()
    } else if (this.filling.missingBuffers(wanted) > this.queueDepth) {
      throw argumentError('ERR_OUT_OF_RANGE', `${wanted} bytes never fit at once: that is for write, not writeSync`)
    } else {
      await Promise.race([sharedPool.given(), this.#behind.untilFailure()])
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
        await this.#behind.oneLanded()
        this.#check()
      }
      const kept = await target.keptBehind(position)
      this.#check()
      this.#submit(filling.sealPadded(kept))
    }
    this.#giveBackIdle()
    await this.#behind.until(0)
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
      await this.#behind.until(0)
      this.#check()
      await this.#patchFile(bytes.subarray(0, inFileBytes), offset)
    }
    if (inFileBytes < bytes.byteLength) {
      filling.patch(bytes.subarray(inFileBytes), offset + inFileBytes)
      this.#patched = true
    }
  }

  async #patchFile(bytes: Uint8Array, offset: number): Promise<void> {
    const scratch = this.#buffers.take(this.#buffersInUse)
    // With every buffer in use a file-system block has to do, or a block where that is larger.
    const memory = scratch?.subarray(0, this.bufferSize) ?? allocate(this.#grain, this.#grain)
    try {
      await patchFile(this.target, bytes, offset, memory, () => this.#check())
    } finally {
      if (scratch !== null) this.#buffers.give(scratch)
    }
  }

  /** Tries failed writes again. */
  retry(): void {
    this.#behind.retry()
  }

  /** Lets nothing more out, waits until the kernel is done with all memory, and tells those who wait. */
  async stop(error: Error): Promise<void> {
    this.#stopped = error
    await this.#behind.landed()
    const borrowings = this.#undoCalls()
    this.#behind.giveUp(error)
    for (const borrowing of borrowings) borrowing.reject(error)
  }

  /** Gives all buffers back, whatever they hold. Only when nothing is flying; the positions stay. */
  dispose(): void {
    this.#behind.clear()
    this.#giveBackIdle()
  }

  /** Whether `byteLength` more bytes can be copied at once; takes the buffers for it. */
  #ensure(byteLength: number): boolean {
    return this.#buffers.stock(this.filling.missingBuffers(byteLength), this.#buffersInUse)
  }

  /** Makes the next `byteLength` bytes, at most `bufferSize`, contiguous; false when there is no buffer for it now. */
  #makeContiguous(byteLength: number): boolean {
    const { filling } = this
    if (filling.attached && filling.filled + byteLength > this.#bufferBytes) this.#submitSealed()
    return filling.attached || this.#attach()
  }

  #attach(): boolean {
    const buffer = this.#buffers.take(this.#buffersInUse)
    if (buffer === null) return false
    this.filling.attach(buffer)
    return true
  }

  get #buffersInUse(): number {
    return this.#behind.outstanding + (this.filling.attached ? 1 : 0)
  }

  /** Gives back what is not needed to hold bytes: only the tail stays, in the carry. */
  #giveBackIdle(): void {
    this.slot.close()
    const detached = this.filling.detach()
    if (detached !== null) this.#buffers.give(detached)
    this.#buffers.giveSpares()
  }

  /** Sends off the whole blocks of the buffer. False when there are none. */
  #submitSealed(): boolean {
    const span = this.filling.seal()
    if (span === null) return false
    this.#submit(span)
    return true
  }

  #submit(span: Span | BorrowedSpan): void {
    if (this.#stopped !== undefined) {
      this.#release(span)
      throw this.#stopped
    }
    this.slot.close()
    this.#behind.submit(span)
  }

  #release(span: Span | BorrowedSpan): void {
    if ('borrowing' in span) this.#borrowings.partDone(span.borrowing)
    else this.#buffers.give(span.bytes as Buffer)
  }

  /** After every wait: what a failure in the meantime took back is not to be gone on with. */
  #check(): void {
    if (this.#stopped !== undefined) throw this.#stopped
    this.#behind.check()
  }

  /** Copies as much as fits into one buffer. 0: there is none to be had now. */
  #putSome(bytes: Uint8Array, from: number): number {
    const { filling } = this
    if (!filling.attached && !this.#attach()) return 0
    const count = filling.put(bytes, from)
    if (filling.filled >= filling.limit) this.#submitSealed()
    return count
  }

  /** A chunk of a buffer or more on a block goes out without a copy when its memory is aligned, too. */
  #canBorrow(bytes: Uint8Array): boolean {
    const { block, memoryAlignment } = this.target
    if (bytes.byteLength < this.bufferSize || this.filling.filled % block !== 0) return false
    return binding().misalignment(bytes, memoryAlignment) === 0
  }

  async #borrow(bytes: Uint8Array, byteLength: number): Promise<Borrowing> {
    const { filling } = this
    this.#submitSealed()
    this.#giveBackIdle()
    const mark = filling.mark()
    const borrowing = this.#borrowings.begin(mark)
    const wholeBytes = floorTo(byteLength, this.target.block)
    try {
      for (let from = 0; from < byteLength; ) {
        if (from < wholeBytes && this.#behind.outstanding < this.queueDepth) {
          from += this.#lend(bytes, from, wholeBytes, borrowing)
          continue
        }
        const count = from < wholeBytes ? 0 : this.#putSome(bytes, from)
        from += count
        if (count > 0) continue
        await this.#behind.oneLanded()
        this.#check()
        if (bytes.byteLength !== byteLength) await this.#undoDetached(mark)
      }
    } catch (error) {
      // The memory is the caller's again when this rejects.
      await this.#behind.landed()
      throw error
    }
    this.#borrowings.partDone(borrowing)
    return borrowing
  }

  /** Sends off a piece of a borrowed chunk. Gives its length. */
  #lend(bytes: Uint8Array, from: number, wholeBytes: number, borrowing: Borrowing): number {
    const start = this.filling.offset
    const count = this.filling.advance(wholeBytes - from)
    borrowing.parts++
    this.#submit({ ...spanOf(bytes.subarray(from, from + count), start, count), borrowing })
    return count
  }

  /** After a failed write: gives what callers are told. */
  #takeBack(error: unknown): Error {
    const borrowings = this.#undoCalls()
    const told = this.onFailure(error)
    for (const borrowing of borrowings) borrowing.reject(told)
    return told
  }

  /**
   * Undoes what unfinished calls took; what was taken before them is kept and can be written again. Only while nothing
   * is flying. Gives the borrowings that came to nothing, to be rejected.
   */
  #undoCalls(): Borrowing[] {
    const mark = this.#undo ?? this.#borrowings.mark
    this.#undo = undefined
    const borrowings = this.#borrowings.withdraw()
    if (mark === undefined) this.#behind.trim(this.filling.position)
    else this.#restore(mark)
    return borrowings
  }

  #restore(mark: Mark): void {
    const buffer = this.filling.restore(mark)
    if (buffer !== null) this.#buffers.give(buffer)
    this.#behind.trim(mark.position)
  }

  /** Undoes the call in turn, whose chunk was transferred away before all of it was taken. */
  async #undoDetached(mark: Mark): Promise<never> {
    await this.#behind.landed()
    this.#check()
    const error = detachedError(this.target.path, nothingTaken)
    this.#undo = undefined
    this.#borrowings.withdrawFrom(mark)?.reject(error)
    this.#restore(mark)
    throw error
  }
}
