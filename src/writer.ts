import type { Alignment } from './alignment.ts'
import { argumentError, isRetryable, type Ladder, UncachedIOError, writeFailure } from './errors.ts'
import type { Filling } from './filling.ts'
import { bytesOf, type Engine, integer, type PathLike, type Settings } from './options.ts'
import { Pipeline } from './pipeline.ts'
import type { Strategy } from './strategy.ts'
import type { Target } from './target.ts'
import { Turns } from './turns.ts'

/** A chunk: UTF-8 text, or bytes in any shape. */
export type Chunk = string | ArrayBufferView | ArrayBufferLike

/** What a writer was asked to do and what it does. */
export interface Mode {
  readonly asked: Strategy | 'auto'
  readonly inEffect: Strategy
  /** Why `inEffect` is not what was asked for; null when it is. */
  readonly why: string | null
}

/** A file opened for a writer, nothing changed in it yet. */
export interface Opened {
  readonly target: Target
  readonly mode: Mode
}

/** Opens a next file as the writer's first one was opened. */
export type OpenNext = (path: PathLike, next: Pick<Settings, 'start' | 'preallocate'>) => Promise<Opened>

/** @internal A class of writers, as far as opening one needs it. */
export type WriterConstructor<W extends Writer> = new (
  settings: Settings,
  openNext: OpenNext,
  opened: Opened,
  head: Uint8Array,
) => W

/**
 * A buffered writer over one file: takes chunks of any size, writes whole blocks behind the caller's back, several at
 * once, and makes the file's length and content exact whenever it is asked to. All strategies share it.
 *
 * It is a `stream/iter` Writer. Calls take effect in the order they are made, awaited or not. A call that rejects with
 * `retryable: true` took nothing and lost nothing: space can be made and the call be tried again. Calls that waited
 * behind it are rejected with it. Any other failed write or sync is final: the writer closes the file, which keeps its
 * first `writtenBytes`, and every later call rejects with the same error.
 *
 * Open one with `openWriter` or `DirectIOWriter.open`.
 */
export class Writer {
  /** What brings the writes to the kernel. */
  readonly engine: Engine = 'threads'
  readonly bufferSize: number
  readonly queueDepth: number

  /** Whether the hot path is open: no call under way, nothing failed, nothing borrowed. */
  #accepting = true
  #filling: Filling
  #pipeline: Pipeline
  #mode: Mode
  #state: 'open' | 'ending' | 'ended' | 'failed' = 'open'
  /** Why the state is `failed`. */
  #error: Error | undefined
  /** Whether a write failed that nobody has tried again yet. */
  #stalled = false
  /** How often writing failed, and the last failure: calls that waited meanwhile get it. */
  #failures = 0
  #lastFailure: Error | undefined
  #syncedTo: number
  #droppedBytes = 0
  readonly #turns = new Turns()
  readonly #syncs = new Set<Promise<void>>()
  #ending: Promise<number> | undefined
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(
    private readonly settings: Settings,
    private readonly openNext: OpenNext,
    { target, mode }: Opened,
    head: Uint8Array,
  ) {
    this.bufferSize = settings.bufferSize
    this.queueDepth = settings.queueDepth
    this.#mode = mode
    this.#pipeline = this.#pipelineOf(target, head)
    this.#filling = this.#pipeline.filling
    this.#syncedTo = target.start
    settings.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** The file, as it was named. */
  get path(): string {
    return this.#target.path
  }

  get mode(): Mode {
    return this.#mode
  }

  /** What the file asks of direct transfers; null under a strategy that need not align. */
  get alignment(): Alignment | null {
    return this.#target.alignment
  }

  /** File offset of the next byte. */
  get position(): number {
    return this.#filling.position
  }

  /** Bytes taken from the caller for the present file. Goes back when a call that had taken some is rejected. */
  get acceptedBytes(): number {
    return this.#filling.position - this.#target.start
  }

  /** Bytes from the caller that are in the file without a gap, not necessarily durable. */
  get writtenBytes(): number {
    return this.#pipeline.written - this.#target.start
  }

  /** Bytes from the caller that are durable: they survive a power cut. */
  get syncedBytes(): number {
    return this.#syncedTo - this.#target.start
  }

  /** Bytes that were accepted and then dropped by `fail`, an abort, disposal or a final error. */
  get droppedBytes(): number {
    return this.#droppedBytes
  }

  /** Bytes that would be taken without waiting; 0 while a call is under way; null when the writer takes no more. */
  get desiredSize(): number | null {
    if (this.#state !== 'open') return null
    return this.#accepting ? this.#pipeline.roomBytes : 0
  }

  /**
   * Takes a chunk without waiting. True: all of it is taken, and its memory may be reused at once. False: nothing was
   * taken, because there is no room, another call is under way or the writer is closed; `write` tells which. A chunk
   * of more than `bufferSize` may never find room at once: that is `write`'s work, too.
   *
   * @throws TypeError ERR_INVALID_ARG_TYPE
   */
  writeSync(chunk: Chunk): boolean {
    if (this.#accepting && chunk instanceof Uint8Array) {
      const filling = this.#filling
      // Of a Uint8Array, `length` is a load and `byteLength` a call: twice the time of all the rest.
      const count = chunk.length
      if (count > 0 && count < filling.limit - filling.filled) {
        filling.append(chunk)
        return true
      }
    }
    return this.#takeSync([bytesOf(chunk)])
  }

  /** As `writeSync`, for several chunks: all are taken or none. */
  writevSync(chunks: readonly Chunk[]): boolean {
    return this.#takeSync(listOf(chunks))
  }

  /**
   * Takes a chunk, waiting for room if need be. Resolves when it is taken; until then its memory is the writer's. A
   * chunk of `bufferSize` or more whose memory and position are aligned is not copied, and resolves when it is in the
   * file.
   *
   * @throws {UncachedIOError} ERR_WRITER_CLOSED; the failure of this or an earlier write
   * @throws AbortError when `signal` was aborted before the call
   */
  async write(chunk: Chunk, options?: { signal?: AbortSignal }): Promise<void> {
    await this.#take([bytesOf(chunk)], options)
  }

  /** As `write`, for several chunks: they are taken one behind the other, all or none. */
  async writev(chunks: readonly Chunk[], options?: { signal?: AbortSignal }): Promise<void> {
    await this.#take(listOf(chunks), options)
  }

  /**
   * `byteLength` contiguous bytes of the buffer to be filled in place, or null when there is no room now: `drain`, and
   * reserve again. The slot is valid until `commit` or the next call of another method; its content is undefined.
   *
   * @throws RangeError ERR_OUT_OF_RANGE for more than `bufferSize`
   * @throws {UncachedIOError} ERR_WRITER_CLOSED
   */
  reserve(byteLength: number): Uint8Array | null {
    integer('byteLength', byteLength, 1, this.bufferSize)
    this.#assertOpen()
    if (this.#accepting) return this.#pipeline.reserve(byteLength)
    this.#pipeline.refuse(byteLength, true)
    return null
  }

  /**
   * Takes the first `usedBytes` of the reserved slot.
   *
   * @throws TypeError ERR_NOT_RESERVED without a valid slot, or for more than was reserved
   * @throws {UncachedIOError} ERR_WRITER_CLOSED
   */
  commit(usedBytes: number): void {
    integer('usedBytes', usedBytes, 0)
    this.#assertOpen()
    this.#pipeline.commit(usedBytes)
  }

  /**
   * Resolves when what the last `writeSync`, `writevSync` or `reserve` was refused would be taken.
   *
   * @throws RangeError ERR_OUT_OF_RANGE when it never will be, being too large to be taken at once
   */
  async drain(): Promise<void> {
    this.#assertOpen()
    await this.#turn(() => this.#pipeline.room())
  }

  /**
   * Replaces bytes that were accepted before, wherever they are by now. `offset` is a file offset. The new bytes are in
   * the file after the next `flush`, durable after the next `sync` or `end`.
   *
   * @throws TypeError ERR_NOT_ACCEPTED when the range is not within what this writer has accepted for this file
   */
  async writeAt(chunk: Chunk, offset: number): Promise<void> {
    const bytes = bytesOf(chunk)
    integer('offset', offset, 0)
    this.#assertOpen()
    await this.#turn(async () => {
      const { start } = this.#target
      const end = offset + bytes.byteLength
      if (offset < start || end > this.position) {
        const accepted = `the accepted [${start}, ${this.position})`
        throw argumentError('ERR_NOT_ACCEPTED', `writeAt of [${offset}, ${end}) is not within ${accepted}`)
      }
      await this.#io(this.#pipeline.patch(bytes, offset))
    })
  }

  /** Resolves when all bytes accepted so far are in the file and its length is exact. */
  async flush(): Promise<void> {
    this.#assertOpen()
    await this.#turn(() => this.#io(this.#pipeline.flush(false)))
  }

  /** Resolves when all bytes accepted so far are durable. Writing can go on while the disk syncs. */
  async sync(): Promise<void> {
    this.#assertOpen()
    const sync = { done: Promise.resolve() }
    await this.#turn(async () => {
      sync.done = this.#sync(this.#target, await this.#io(this.#pipeline.flush(false)))
      this.#syncs.add(sync.done)
      sync.done.finally(() => this.#syncs.delete(sync.done)).catch(() => undefined)
    })
    await sync.done
  }

  /**
   * Ends the present file as `end` does and goes on with a next one, keeping buffers and options. The next file is
   * opened first: when that fails, the present one stays as it is. Resolves with the bytes of the file that ended.
   *
   * @param options `start` defaults to 0 (with flags `a`: the end), `preallocate` to what `open` was given
   */
  async reset(nextPath: PathLike, options: { start?: number; preallocate?: number } = {}): Promise<number> {
    this.#assertOpen()
    const next = {
      start: integer('start', options.start ?? 0, 0),
      preallocate: integer('preallocate', options.preallocate ?? this.settings.preallocate, 0),
    }
    return await this.#turn(async () => {
      const opened = await this.openNext(nextPath, next)
      try {
        const total = await this.#finish()
        await this.#use(opened)
        return total
      } catch (error) {
        // The failure above is what matters; a file that can't be closed or removed now stays.
        await opened.target.discard().catch(() => undefined)
        throw error
      }
    })
  }

  /**
   * Brings everything to the file, cuts it to its exact length, makes it durable, closes it. Resolves with the number
   * of bytes accepted. Calling it again gives the same answer; after a `retryable` rejection it tries again.
   *
   * @throws AbortError when `signal` was aborted before the call; the writer stays open
   */
  async end(options?: { signal?: AbortSignal }): Promise<number> {
    options?.signal?.throwIfAborted()
    this.#ending ??= this.#end()
    return await this.#ending
  }

  /** The bytes of an ended file. -1 otherwise: ending needs the disk, which is never waited for here; use `end`. */
  endSync(): number {
    return this.#state === 'ended' ? this.acceptedBytes : -1
  }

  /**
   * Drops what is buffered and closes the file, which keeps exactly its first `writtenBytes`. Calls under way reject
   * with `reason`. Nothing happens when the writer has ended or failed before.
   */
  fail(reason?: unknown): void {
    const failed = `the writer of '${this.path}' was failed`
    this.#die(
      reason instanceof Error ? reason : new UncachedIOError('ERR_WRITER_FAILED', failed, { cause: reason }),
    )
  }

  /** `fail` for a writer that was not ended, waiting until the file is closed. Warns when bytes were dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ending?.catch(() => undefined)
    const forgotten = this.#state === 'open'
    this[Symbol.dispose]()
    await this.#closing
    if (forgotten && this.#droppedBytes > 0) {
      const what = `${this.#droppedBytes} bytes for '${this.path}' were dropped: end() was not called`
      process.emitWarning(what, { code: 'UNCACHED_IO_DROPPED' })
    }
  }

  /** `fail`, without waiting. */
  [Symbol.dispose](): void {
    this.#die(
      new UncachedIOError('ERR_WRITER_CLOSED', `the writer of '${this.path}' was disposed of without end()`),
    )
  }

  /** Bytes of the present file that are in the page cache now. */
  async residentBytes(): Promise<number> {
    this.#assertOpen()
    return await this.#turn(() => this.#target.residentBytes())
  }

  get #target(): Target {
    return this.#pipeline.target
  }

  get #ladder(): Ladder {
    return {
      acceptedBytes: this.acceptedBytes,
      writtenBytes: this.writtenBytes,
      syncedBytes: this.syncedBytes,
    }
  }

  #takeSync(chunks: readonly Uint8Array[]): boolean {
    if (this.#accepting) return this.#pipeline.takeSync(chunks)
    return this.#pipeline.refuse(totalBytes(chunks), false)
  }

  async #take(chunks: readonly Uint8Array[], options: { signal?: AbortSignal } | undefined): Promise<void> {
    options?.signal?.throwIfAborted()
    const small = totalBytes(chunks) < this.bufferSize
    if (small && this.#takeSync(chunks)) return
    this.#assertOpen()
    const { landed } = await this.#turn(() => this.#pipeline.take(chunks))
    await landed?.finally(() => this.#update())
  }

  // --- order

  /** Gives a call its turn: after all earlier ones, not after a failure that it was not there to see. */
  async #turn<T>(work: () => Promise<T>): Promise<T> {
    const failures = this.#failures
    this.#accepting = false
    this.#pipeline.dropSlot()
    return await this.#turns.take(
      async () => {
        if (this.#error !== undefined) throw this.#error
        if (this.#failures !== failures) throw this.#lastFailure
        if (this.#stalled) {
          this.#stalled = false
          this.#pipeline.retry()
        }
        return await work()
      },
      () => this.#update(),
    )
  }

  #update(): void {
    const free = this.#turns.waiting === 0 && !this.#stalled && !this.#pipeline.borrowing
    this.#accepting = free && this.#state === 'open'
  }

  #assertOpen(): void {
    if (this.#state === 'open') return
    if (this.#error !== undefined) throw this.#error
    throw new UncachedIOError('ERR_WRITER_CLOSED', `the writer of '${this.path}' has ended`, {
      path: this.path,
    })
  }

  // --- files

  #pipelineOf(target: Target, head: Uint8Array): Pipeline {
    return new Pipeline(target, this.bufferSize, this.queueDepth, (error) => this.#onFailure(error), head)
  }

  async #use(opened: Opened): Promise<void> {
    const head = await opened.target.begin().catch((error: unknown) => {
      // The old file is complete and there is no new one: nothing to write to is left.
      this.#die(error as Error)
      throw error
    })
    if (this.#error !== undefined) throw this.#error
    this.#pipeline = this.#pipelineOf(opened.target, head)
    this.#filling = this.#pipeline.filling
    this.#mode = opened.mode
    this.#syncedTo = opened.target.start
  }

  async #sync(target: Target, position: number): Promise<void> {
    try {
      await target.sync()
    } catch (error) {
      // Whatever the code: the kernel may have dropped what it could not write, and would not say so again.
      throw this.#fatal(error)
    }
    this.#syncedTo = Math.max(this.#syncedTo, position)
  }

  async #finish(): Promise<number> {
    const position = await this.#io(this.#pipeline.flush(true))
    await Promise.allSettled(this.#syncs)
    await this.#sync(this.#target, position)
    await this.#io(this.#target.syncName())
    if (this.#error !== undefined) throw this.#error
    await this.#io(this.#target.close())
    this.#pipeline.dispose()
    return this.acceptedBytes
  }

  async #end(): Promise<number> {
    this.#assertOpen()
    this.#state = 'ending'
    try {
      const total = await this.#turn(() => this.#finish())
      if (this.#error !== undefined) throw this.#error
      this.#state = 'ended'
      this.#forgetSignal()
      return total
    } catch (error) {
      if (this.#error !== undefined) {
        await this.#closing
      } else {
        // What landed behind the gap is written again by the next try, and must not be seen before.
        await this.#cut(this.#pipeline)
        this.#state = 'open'
        this.#ending = undefined
        this.#update()
      }
      throw error
    }
  }

  // --- failure

  /** A failed write as callers see it. Called when nothing is flying. */
  #onFailure(error: unknown): Error {
    if (this.#error !== undefined) return this.#error
    if (!isRetryable(error)) return this.#fatal(error)
    const told = writeFailure(error, this.#pipeline.written, this.#ladder, true)
    this.#failures++
    this.#lastFailure = told
    this.#stalled = true
    this.#update()
    return told
  }

  #fatal(error: unknown): Error {
    if (this.#error === undefined) {
      this.#die(writeFailure(error, this.#pipeline.written, this.#ladder, false))
    }
    return this.#error as unknown as Error
  }

  /** Work on the file: an error of the kernel that nobody has been told yet becomes the writer's failure. */
  async #io<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw error === this.#lastFailure ? error : this.#onFailure(error)
    }
  }

  #die(error: Error): void {
    if (this.#state === 'ended' || this.#error !== undefined) return
    this.#state = 'failed'
    this.#error = error
    this.#failures++
    this.#update()
    this.#forgetSignal()
    this.#closing = this.#abandon(error)
  }

  /** Closes the file with exactly what is in it without a gap. */
  async #abandon(error: Error): Promise<void> {
    const pipeline = this.#pipeline
    const { target } = pipeline
    await pipeline.stop(error)
    await this.#turns.settled()
    await Promise.allSettled(this.#syncs)
    this.#droppedBytes = this.acceptedBytes - this.writtenBytes
    await this.#cut(pipeline)
    await target.close().catch(() => undefined)
    pipeline.dispose()
  }

  /** Cuts the file behind what is in it without a gap. A failure to do so adds nothing to the one that led here. */
  async #cut({ target, written }: Pipeline): Promise<void> {
    await target.settleLength(written > target.start ? written : 0, true).catch(() => undefined)
  }

  readonly #onAbort = (): void => this.fail(this.settings.signal?.reason)

  #forgetSignal(): void {
    this.settings.signal?.removeEventListener('abort', this.#onAbort)
  }
}

function totalBytes(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
}

function listOf(chunks: readonly Chunk[]): Uint8Array[] {
  if (!Array.isArray(chunks)) throw argumentError('ERR_INVALID_ARG_TYPE', 'chunks must be an array')
  return chunks.map(bytesOf)
}
