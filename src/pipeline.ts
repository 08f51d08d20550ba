import { binding } from './binding.ts'
import { type BorrowedSpan, type Borrowing, Borrowings } from './borrowings.ts'
import { allocate, sharedPool } from './buffer-pool.ts'
import { BufferShare } from './buffer-share.ts'
import { argumentError, detachedError } from './errors.ts'
import { Filling, type Mark } from './filling.ts'
import { totalBytes } from './options.ts'
import { buffersFor, floorTo, patchPieces, sealAt } from './plan.ts'
import type { Span, Target } from './target.ts'
import { WriteBehind } from './write-behind.ts'

/**
 * File systems work in pages: a transfer that ends on one is never slow, one that ends inside may be. Buffers are
 * aligned to it as well, whatever less the file asks for.
 */
const pageBytes = 4096

/** Stands for "nothing reserved": no position is negative. */
const noSlot = -1

/**
 * One file's bytes on their way: copied into buffers, written behind, taken back when a write fails. At most
 * `queueDepth` buffers and borrowed pieces at a time. Calls come one at a time, in order; that is the writer's care.
 */
export class Pipeline {
  readonly filling: Filling
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
  #reservedAt = noSlot
  #reservedBytes = 0
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
    this.#grain = Math.max(target.block, pageBytes)
    // A block more than one write needs, so that a full slot can be reserved behind any tail.
    this.#bufferBytes = bufferSize + target.block
    const alignment = Math.max(target.memoryAlignment, pageBytes)
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

  /** Bytes that can be taken at once. */
  get roomBytes(): number {
    const { attached, limit, filled } = this.filling
    const buffers = this.queueDepth - this.#behind.outstanding - (attached ? 1 : 0)
    return Math.max(0, buffers * this.bufferSize + (attached ? limit : 0) - filled)
  }

  /** Copies all chunks, or nothing when there is no room for all of them. */
  takeSync(chunks: readonly Uint8Array[]): boolean {
    const byteLength = totalBytes(chunks)
    if (!this.#ensure(byteLength)) return this.refuse(byteLength, false)
    for (const chunk of chunks) {
      for (let from = 0; from < chunk.byteLength; ) {
        if (!this.filling.attached) this.#attach()
        from += this.#put(chunk, from)
      }
    }
    return true
  }

  /**
   * Takes all chunks, waiting for room. Resolves when they are taken; `landed`, if there, is for when the memory of a
   * chunk that was not copied is the caller's again. On failure nothing of them is taken.
   */
  async take(chunks: readonly Uint8Array[]): Promise<{ landed: Promise<void> | undefined }> {
    const only = chunks.length === 1 ? (chunks[0] as Uint8Array) : undefined
    if (only !== undefined && this.#canBorrow(only)) return { landed: (await this.#borrow(only)).landed }
    await this.#borrowings.returned()
    this.#undo = this.filling.mark()
    try {
      for (const chunk of chunks) await this.#copy(chunk, 0)
    } catch (error) {
      await this.#behind.landed()
      if (this.#undo !== undefined) this.#restore(this.#undo)
      throw error
    } finally {
      this.#undo = undefined
    }
    return { landed: undefined }
  }

  /** See Writer.reserve. */
  reserve(byteLength: number): Uint8Array | null {
    if (!this.#makeContiguous(byteLength)) {
      this.refuse(byteLength, true)
      return null
    }
    const { bytes, filled, position } = this.filling
    this.#reservedAt = position
    this.#reservedBytes = byteLength
    return bytes.subarray(filled, filled + byteLength)
  }

  /** See Writer.commit. */
  commit(usedBytes: number): void {
    const { filling } = this
    if (this.#reservedAt !== filling.position || !filling.attached) {
      throw argumentError('ERR_NOT_RESERVED', 'commit without a slot: reserve has to come right before it')
    }
    if (usedBytes > this.#reservedBytes) {
      const message = `commit of ${usedBytes} bytes, but only ${this.#reservedBytes} were reserved`
      throw argumentError('ERR_NOT_RESERVED', message)
    }
    this.#reservedAt = noSlot
    filling.filled += usedBytes
    if (filling.filled >= filling.limit) this.#submitSealed()
  }

  /** The slot is no longer valid. */
  dropSlot(): void {
    this.#reservedAt = noSlot
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
    const wanted = this.#refusedBytes
    if (this.#refusedSlot) {
      while (!this.#makeContiguous(wanted)) await this.#oneLanded()
      return
    }
    while (!this.#ensure(wanted)) {
      if (this.#behind.outstanding === 0 && !this.#submitSealed()) {
        throw argumentError(
          'ERR_OUT_OF_RANGE',
          `${wanted} bytes never fit at once: take write, or larger buffers`,
        )
      }
      await this.#oneLanded()
    }
  }

  /** Brings everything taken to the file and makes its length exact. Gives the position reached. */
  async flush(done: boolean): Promise<number> {
    const { filling, target } = this
    await this.#borrowings.returned()
    const { position } = filling
    if (filling.filled > 0 && (position !== this.#flushedTo || this.#patched)) {
      while (!filling.attached && !this.#attach()) await this.#oneLanded()
      const kept = await target.keptBehind(position)
      this.#submit(filling.sealPadded(kept))
    }
    this.#giveBackIdle()
    await this.#behind.until(0)
    this.#checkStopped()
    await target.settleLength(position > target.start ? position : 0, done)
    this.#flushedTo = position
    this.#patched = false
    return position
  }

  /** Replaces bytes taken earlier, in memory or in the file: the range lies in [target.start, position). */
  async patch(bytes: Uint8Array, offset: number): Promise<void> {
    const { filling } = this
    await this.#borrowings.returned()
    const inFileBytes = Math.min(bytes.byteLength, Math.max(0, filling.offset - offset))
    if (inFileBytes > 0) {
      await this.#behind.until(0)
      await this.#patchFile(bytes.subarray(0, inFileBytes), offset)
    }
    if (inFileBytes < bytes.byteLength) {
      filling.patch(bytes.subarray(inFileBytes), offset + inFileBytes)
      this.#patched = true
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
    this.#behind.giveUp(error)
    for (const borrowing of this.#borrowings.withdraw()) borrowing.reject(error)
  }

  /** Gives all buffers back, whatever they hold. Only when nothing is flying; the positions stay. */
  dispose(): void {
    this.#behind.clear()
    this.#giveBackIdle()
  }

  // --- buffers

  /** Whether `byteLength` more bytes can be copied at once; takes the buffers for it. */
  #ensure(byteLength: number): boolean {
    const { block } = this.target
    const missing = buffersFor(byteLength, this.filling, this.bufferSize, block, this.#grain)
    return this.#buffers.stock(missing, this.#buffersInUse)
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
    this.#reservedAt = noSlot
    const detached = this.filling.detach()
    if (detached !== null) this.#buffers.give(detached)
    this.#buffers.giveSpares()
  }

  // --- spans

  #put(bytes: Uint8Array, from: number): number {
    const count = this.filling.put(bytes, from)
    if (this.filling.filled >= this.filling.limit) this.#submitSealed()
    return count
  }

  /** Sends off the whole blocks of the buffer. False when there are none. */
  #submitSealed(): boolean {
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
    this.#reservedAt = noSlot
    this.#behind.submit(span)
  }

  #release(span: Span | BorrowedSpan): void {
    if ('borrowing' in span) this.#borrowings.partDone(span.borrowing)
    else this.#buffers.give(span.bytes as Buffer)
  }

  #checkStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped
  }

  async #oneLanded(): Promise<void> {
    await this.#behind.until(this.#behind.outstanding - 1)
  }

  // --- taking with waiting

  async #copy(bytes: Uint8Array, start: number): Promise<void> {
    const { byteLength } = bytes
    for (let from = start; from < byteLength; ) {
      if (!this.filling.attached && !this.#attach()) {
        await this.#oneLanded()
        if (bytes.byteLength !== byteLength)
          throw detachedError(this.target.path, 'nothing of the chunk was taken')
      } else {
        from += this.#put(bytes, from)
      }
    }
  }

  /** A chunk of a buffer or more on a block goes out without a copy when its memory is aligned, too. */
  #canBorrow(bytes: Uint8Array): boolean {
    const { block, memoryAlignment } = this.target
    if (bytes.byteLength < this.bufferSize || this.filling.filled % block !== 0) return false
    return binding().misalignment(bytes, memoryAlignment) === 0
  }

  async #borrow(bytes: Uint8Array): Promise<Borrowing> {
    const { filling } = this
    const { block } = this.target
    this.#submitSealed()
    this.#giveBackIdle()
    const borrowing = this.#borrowings.begin(filling.mark())
    const wholeBytes = floorTo(bytes.byteLength, block)
    for (let from = 0; from < wholeBytes; ) {
      while (this.#behind.outstanding >= this.queueDepth) await this.#oneLanded()
      const start = filling.offset
      const count = Math.min(wholeBytes - from, sealAt(start, this.bufferSize, block, this.#grain))
      const end = start + count
      borrowing.parts++
      filling.skip(count)
      const span = { bytes: bytes.subarray(from, from + count), start, end, dataEnd: end, doneBytes: 0 }
      this.#submit({ ...span, state: 'flying', borrowing } as BorrowedSpan)
      from += count
    }
    await this.#copy(bytes, wholeBytes)
    this.#borrowings.partDone(borrowing)
    return borrowing
  }

  // --- taking back

  /** Undoes what unfinished calls took; what was taken before them is kept and can be written again. */
  #takeBack(error: unknown): Error {
    const mark = this.#undo ?? this.#borrowings.mark
    this.#undo = undefined
    const borrowings = this.#borrowings.withdraw()
    if (mark !== undefined) this.#restore(mark)
    else this.#behind.trim(this.filling.position)
    const told = this.onFailure(error)
    for (const borrowing of borrowings) borrowing.reject(told)
    return told
  }

  #restore(mark: Mark): void {
    const buffer = this.filling.restore(mark)
    if (buffer !== null) this.#buffers.give(buffer)
    this.#behind.trim(mark.position)
  }

  // --- patching

  async #patchFile(bytes: Uint8Array, offset: number): Promise<void> {
    const { target } = this
    const scratch = this.#buffers.take(this.#buffersInUse)
    // With every buffer in use a page has to do, or a block where that is larger.
    const most = scratch === null ? this.#grain : this.bufferSize
    const memory = scratch ?? allocate(most, Math.max(target.memoryAlignment, pageBytes))
    try {
      for (const piece of patchPieces(offset, bytes.byteLength, target.block, most)) {
        const whole = piece.to - piece.from === piece.length
        if (!whole) await target.read(memory, piece.start, piece.length)
        memory.set(bytes.subarray(piece.from - offset, piece.to - offset), piece.from - piece.start)
        this.#checkStopped()
        const end = piece.start + piece.length
        await target.write({
          bytes: memory,
          start: piece.start,
          end,
          dataEnd: end,
          doneBytes: 0,
          state: 'flying',
        })
      }
    } finally {
      if (scratch !== null) this.#buffers.give(scratch)
    }
  }
}
