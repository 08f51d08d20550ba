import { argumentError, closedError, failedError, isRetryable, warnDropped, writeFailure } from './errors.ts'
import { FootprintGuard } from './footprint-guard.ts'
import {
  bytesOf,
  bytesOfAll,
  flag,
  integer,
  nextSettings,
  type PathLike,
  type ResetOptions,
  refuseAborted,
  type Settings,
  totalBytes,
} from './options.ts'
import { Pipeline } from './pipeline.ts'
import { Syncs } from './syncs.ts'
import type { Opened, OpenNext } from './target.ts'
import { Turns } from './turns.ts'
import type { Chunk, EndOptions, WriterContract } from './writer-contract.ts'
import { WriterEvents } from './writer-events.ts'
import { WriterProgress } from './writer-progress.ts'

/** The writer behind every strategy: its states, the order of its calls, its failures. */
export class Writer extends WriterProgress implements WriterContract {
  /** Whether the hot path is open: no call under way, nothing failed, nothing borrowed. */
  #accepting = true
  #state: 'open' | 'ending' | 'ended' | 'failed' = 'open'
  /** Why the state is `failed`. */
  #error: Error | undefined
  /** Whether a write failed that nobody has tried again yet. */
  #stalled = false
  #droppedBytes = 0
  readonly #turns = new Turns()
  #ending: Promise<number> | undefined
  #closing: Promise<void> | undefined
  readonly #events: WriterEvents
  #guard!: FootprintGuard

  /** @internal */
  constructor(
    settings: Settings,
    private readonly openNext: OpenNext,
    opened: Opened,
    head: Uint8Array,
  ) {
    super(settings)
    this.#events = new WriterEvents(this, settings.silent)
    this.#goTo(opened, head)
    settings.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  get droppedBytes(): number {
    return this.#droppedBytes
  }

  get desiredSize(): number | null {
    if (this.#state !== 'open') return null
    return this.#accepting ? this.pipeline.roomBytes : 0
  }

  writeSync(chunk: Chunk): boolean {
    if (this.#accepting && chunk instanceof Uint8Array) {
      const filling = this.filling
      // Of a Uint8Array, `length` is a load and `byteLength` a call: twice the time of all the rest.
      const count = chunk.length
      if (count > 0 && count < filling.stop - filling.staged) {
        filling.append(chunk)
        return true
      }
    }
    return this.#takeSync([bytesOf(chunk)])
  }

  writevSync(chunks: readonly Chunk[]): boolean {
    if (this.#accepting && this.filling.appendAll(chunks)) return true
    return this.#takeSync(bytesOfAll(chunks))
  }

  write(chunk: Chunk, options?: { signal?: AbortSignal }): Promise<void> {
    if (options === undefined && this.#undisturbed && chunk instanceof Uint8Array) {
      const landed = this.pipeline.lend(chunk)
      if (landed !== null) {
        this.#accepting = false
        return landed
      }
    }
    return this.writev([chunk], options)
  }

  async writev(chunks: readonly Chunk[], options?: { signal?: AbortSignal }): Promise<void> {
    const all = bytesOfAll(chunks)
    refuseAborted(options)
    this.filling.closeSlot()
    if (this.#accepting && this.pipeline.lending.lendable(all) === null && this.pipeline.takeSync(all)) return
    this.#assertOpen()
    const byteLength = totalBytes(all)
    const borrowing = await this.#turn(() => this.pipeline.take(all, byteLength))
    if (borrowing !== null) await borrowing.landed
  }

  reserve(byteLength: number): Uint8Array | null {
    const slot = this.#accepting ? this.filling.reserve(byteLength) : null
    if (slot !== null) return slot
    integer('byteLength', byteLength, 1, this.bufferSize)
    this.#assertOpen()
    if (this.#accepting) return this.pipeline.reserve(byteLength)
    this.pipeline.refuse(byteLength, true)
    return null
  }

  commit(usedBytes: number): void {
    if (this.filling.commit(usedBytes)) return
    integer('usedBytes', usedBytes, 0)
    this.#assertOpen()
    this.pipeline.commit(usedBytes)
  }

  async drain(): Promise<void> {
    this.#assertOpen()
    await this.#turn(() => this.pipeline.room())
  }

  async writeAt(chunk: Chunk, offset: number): Promise<void> {
    // A copy: patches are small, and a call that has to wait several times can't have its memory go in between.
    const bytes = Uint8Array.from(bytesOf(chunk))
    integer('offset', offset, 0)
    this.#assertOpen()
    await this.#turn(async () => {
      this.#assertAccepted('writeAt', offset, bytes.byteLength)
      await this.#io(this.pipeline.patch(bytes, offset))
    })
  }

  async warm(offset: number, length: number): Promise<void> {
    integer('offset', offset, 0)
    integer('length', length, 0)
    this.#assertOpen()
    await this.#turn(async () => {
      this.#assertAccepted('warm', offset, length)
      if (offset + length > this.pipeline.behind.written) await this.#flushAll(false)
      await this.target.warm({ offset, length })
    })
  }

  async flush(): Promise<void> {
    this.#assertOpen()
    await this.#turn(() => this.#flushAll(false))
  }

  async sync(): Promise<void> {
    this.#assertOpen()
    const { synced } = await this.#turn(async () => {
      const position = await this.#flushAll(false)
      return { synced: this.#events.syncing(this.syncs.start(position)) }
    })
    await synced
  }

  async reset(nextPath: PathLike, options: ResetOptions = {}): Promise<number> {
    this.#assertOpen()
    const settings = nextSettings(this.settings, options)
    return await this.#turn(async () => {
      const opened = await this.openNext(nextPath, settings)
      try {
        // What can still fail is tried before the present file is ended, unless it could cost the next one its content.
        const head = opened.target.made ? await opened.target.begin() : undefined
        const total = await this.#finish(true)
        await this.#use(opened, head)
        return total
      } catch (error) {
        await opened.target.discard()
        throw error
      }
    })
  }

  async end(options?: EndOptions): Promise<number> {
    refuseAborted(options)
    const durable = flag('durable', options?.durable ?? true) || this.settings.verify
    this.#ending ??= this.#end(durable)
    return await this.#ending
  }

  endSync(): number {
    return this.#state === 'ended' ? this.acceptedBytes : -1
  }

  fail(reason?: unknown): void {
    this.#die(reason instanceof Error ? reason : failedError(this.path, reason))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ending?.catch(() => undefined)
    const forgotten = this.#state === 'open'
    this[Symbol.dispose]()
    await this.#closing
    if (forgotten && this.#droppedBytes > 0) warnDropped(this.path, this.#droppedBytes)
  }

  [Symbol.dispose](): void {
    this.#die(closedError(this.path, 'was disposed of without end()'))
  }

  async residentBytes(): Promise<number> {
    this.#assertOpen()
    return await this.#turn(() => this.target.residentBytes())
  }

  #takeSync(chunks: readonly Uint8Array[]): boolean {
    this.filling.closeSlot()
    if (this.#accepting && this.pipeline.takeSync(chunks)) return true
    return this.pipeline.refuse(totalBytes(chunks), false)
  }

  /** Gives a call its turn: after all earlier ones. What failed before is tried again first. */
  #turn<T>(work: () => Promise<T>): Promise<T> {
    this.#accepting = false
    this.filling.closeSlot()
    const begin = (): Promise<T> => {
      this.#throwError()
      if (this.#stalled) {
        this.#stalled = false
        this.pipeline.behind.retry()
      }
      return work()
    }
    return this.#turns.take(begin, this.#onQuiet)
  }

  readonly #onQuiet = (): void => this.#update()

  #update(): void {
    this.#accepting = this.#undisturbed && !this.pipeline.borrowing
  }

  /** Whether no call is under way that has to come first, and nothing has failed. */
  get #undisturbed(): boolean {
    return this.#state === 'open' && this.#turns.waiting === 0 && !this.#stalled
  }

  #assertAccepted(call: string, offset: number, length: number): void {
    const { start } = this.target
    const end = offset + length
    if (offset >= start && end <= this.position) return
    const accepted = `the accepted [${start}, ${this.position})`
    throw argumentError('ERR_NOT_ACCEPTED', `${call} of [${offset}, ${end}) is not within ${accepted}`)
  }

  #assertOpen(): void {
    if (this.#state === 'open') return
    this.#throwError()
    throw closedError(this.path, 'has ended')
  }

  #throwError(): void {
    if (this.#error !== undefined) throw this.#error
  }

  #goTo({ target, why }: Opened, head: Uint8Array): void {
    const onFailure = (error: unknown) => this.#onFailure(error)
    this.pipeline = new Pipeline(target, this.bufferSize, this.queueDepth, onFailure, this.#onQuiet, head)
    this.filling = this.pipeline.filling
    this.whyInEffect = why
    this.syncs = new Syncs(target, (error) => this.#fatal(error))
    this.#guard = new FootprintGuard(target, this.settings, {
      fail: (error) => this.#failWith(error),
      goneOn: (from, to, excess) => {
        const before = this.whyInEffect === null ? '' : `${this.whyInEffect}; `
        this.whyInEffect = `${before}${from}: ${excess}`
        this.#events.downgraded(from, to, excess)
      },
    })
    this.#guard.watch(() => this.writtenBytes)
    this.#events.opened()
  }

  async #use(opened: Opened, begun: Uint8Array | undefined): Promise<void> {
    this.#throwError()
    const head =
      begun ??
      (await opened.target.begin().catch((error: unknown) => {
        // The present file is complete and the next one can't be begun: there is nothing left to write to.
        throw this.#fatal(error)
      }))
    this.#throwError()
    this.#goTo(opened, head)
  }

  async #finish(durable: boolean): Promise<number> {
    const position = await this.#flushAll(true)
    await this.syncs.settled()
    this.#throwError()
    if (durable) await this.#events.syncing(this.syncs.sync(position))
    try {
      if (durable) await this.#guard.settle(() => this.syncs.sync(position))
      this.#throwError()
      await this.target.warmKept(position)
      await this.target.close()
    } catch (error) {
      throw this.#fatal(error)
    }
    this.#throwError()
    this.pipeline.dispose()
    this.#events.closed(null)
    return this.acceptedBytes
  }

  /** Brings everything to the file. Gives the position. */
  #flushAll(done: boolean): Promise<number> {
    return this.#events.flushing(this.#io(this.pipeline.flush(done)))
  }

  async #end(durable: boolean): Promise<number> {
    this.#assertOpen()
    this.#state = 'ending'
    try {
      return await this.#turn(async () => {
        const total = await this.#finish(durable).catch(async (error: unknown) => {
          // What landed behind a gap is written again by the next try, and must not be seen before.
          if (this.#error === undefined) await this.target.cutBehind(this.pipeline.behind.written)
          throw error
        })
        this.#state = 'ended'
        this.#forgetSignal()
        return total
      })
    } catch (error) {
      await this.#closing
      if (this.#error === undefined) {
        this.#state = 'open'
        this.#ending = undefined
        this.#update()
      }
      throw error
    }
  }

  /** A failure as callers see it. */
  #onFailure(error: unknown): Error {
    if (this.#error !== undefined) return this.#error
    if (!isRetryable(error)) return this.#fatal(error)
    const told = writeFailure(error, this.pipeline.behind.written, this, true)
    this.#events.failed(told, true)
    this.#turns.failWaiting(told)
    this.#stalled = true
    this.#update()
    return told
  }

  #fatal(error: unknown): Error {
    return this.#error ?? this.#failWith(writeFailure(error, this.pipeline.behind.written, this, false))
  }

  #failWith<E extends Error>(error: E): E {
    if (this.#error === undefined) this.#events.failed(error, false)
    this.#die(error)
    return error
  }

  /** Work on the file: an error of the kernel that nobody has been told yet becomes the writer's failure. */
  async #io<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw error === this.#turns.failure ? error : this.#onFailure(error)
    }
  }

  #die(error: Error): void {
    if (this.#state === 'ended' || this.#error !== undefined) return
    this.#state = 'failed'
    this.#error = error
    this.#turns.failWaiting(error)
    this.filling.closeSlot()
    this.#update()
    this.#forgetSignal()
    this.#closing = this.#abandon(error)
  }

  /** Closes the file with exactly what is in it without a gap. */
  async #abandon(error: Error): Promise<void> {
    const pipeline = this.pipeline
    const { target } = pipeline
    await pipeline.stop(error)
    await this.#turns.settled()
    await this.syncs.settled()
    this.#droppedBytes = this.acceptedBytes - this.writtenBytes
    await target.cutBehind(pipeline.behind.written)
    await target.close().catch(() => undefined)
    pipeline.dispose()
    this.#events.closed(error)
  }

  readonly #onAbort = (): void => this.fail(this.settings.signal?.reason)

  #forgetSignal(): void {
    this.settings.signal?.removeEventListener('abort', this.#onAbort)
  }
}
