import { type Engine, type Mode, openWriter, type Writer } from 'uncached-io'
import { codeOf } from '../../errors.ts'
import { ByteBuffer } from '../encoding/byte-buffer.ts'
import { TsdbError } from '../errors.ts'
import { makeFolder } from '../files/folder.ts'
import { defaultSettings, type Strategy, type SyncPolicy } from '../settings.ts'
import { PAGE_BYTES, paddingAt, putFragments, roomFrom, ZERO_PAGE } from './pages.ts'
import { Turns } from './turns.ts'
import { cleanUp, deleteSegmentsBefore, isBehind, nextSegmentOf, segmentPath, type WalPosition } from './wal-folder.ts'

export interface WalOptions {
  readonly strategy: Strategy
  /** Default: never by itself. A segment that is ended is durable under every policy. */
  readonly sync?: SyncPolicy
  /** Bytes of a segment at most: whole pages. Default 128 MiB. */
  readonly segmentBytes?: number
  /** Number of the first segment. Default, and the only one possible where a WAL is: the next one. */
  readonly firstSegment?: number
  /**
   * Whether segments are allocated in full when they are begun, and cut when they are ended. Default: with `direct`.
   *
   * A segment is then as long as it may get, zeros behind the records, until it is ended, and a crash leaves it so: both
   * this reader and Prometheus's take zeros for the end of the log. Without it a direct writer has to cut the file after
   * each commit, because it writes whole blocks, and a cut inside a page of the cache costs more than the write: 282
   * against 116 µs for a commit of 200 bytes, 334 against 183 for 100,000, with a sync 444 against 229 and 525 against
   * 304 (medians; ext4 on a virtual disk). The other strategies write any length and never cut: nothing to win.
   */
  readonly preallocate?: boolean
  /** Bytes of a buffer of the writer. Default: the package's. */
  readonly bufferSize?: number
}

/** What becomes of a writer: as long as it is `open` more may come. */
export type WalState = { readonly is: 'open' | 'ended' } | { readonly is: 'failed'; readonly error: unknown }

/** Memory that one large record took is not kept for the others. */
const FRAGMENTS_KEPT_BYTES = 1024 * 1024

/**
 * Writes a WAL in Prometheus's format, record by record, from segment to segment. Nobody else may write to its folder.
 *
 * Calls take effect in the order they are made, awaited or not. One that is rejected with `retryable: true` (a full
 * disk) lost nothing: make space and call again; calls that waited behind it are rejected with it. A record is in the
 * log whole or not at all.
 */
export class WalWriter implements AsyncDisposable {
  readonly #turns = new Turns()
  #fragments = new ByteBuffer()
  #state: WalState = { is: 'open' }
  #segment: number
  /** Whether the present segment was padded to be ended: no record may follow the padding. */
  #cutting = false
  #committed: WalPosition
  #synced: WalPosition
  #timer: NodeJS.Timeout | null = null
  /** What went wrong behind everybody's back. The next call is rejected with it. */
  #untold: unknown = null
  #ending: Promise<void> | null = null
  #change = changeToCome()

  private constructor(
    readonly folder: string,
    readonly strategy: Strategy,
    private readonly policy: SyncPolicy,
    readonly segmentBytes: number,
    /** The first one that this writer writes. */
    readonly firstSegment: number,
    private readonly writer: Writer,
  ) {
    this.#segment = firstSegment
    this.#committed = { segment: firstSegment, offset: 0 }
    this.#synced = this.#committed
  }

  /**
   * Begins a new segment, in a folder that is made if need be. Removes what a process that died has left and nobody
   * needs; a torn tail is not among that: see `cutTorn`.
   *
   * @throws RangeError for a `segmentBytes` that is not whole pages, or a sync every so many milliseconds that are no
   *   number of them
   * @throws {TsdbError} ERR_TSDB_STATE for a `firstSegment` that would leave a gap
   * @throws what `openWriter` throws: the strategy is required; ENOSPC when there is no room for a whole segment
   */
  static async open(folder: string, options: WalOptions): Promise<WalWriter> {
    const { strategy, sync = defaultSettings.walSync, segmentBytes = defaultSettings.walSegmentBytes } = options
    checkNumbers(sync, segmentBytes)
    await makeFolder(folder)
    await cleanUp(folder)
    const next = await nextSegmentOf(folder)
    const { firstSegment = next, preallocate = strategy === 'direct' } = options
    if (next > 0 && firstSegment !== next) {
      const what = `segment ${next} comes next in this folder, not ${firstSegment}`
      throw new TsdbError('ERR_TSDB_STATE', what, { file: folder })
    }
    const writer = await openWriter(segmentPath(folder, firstSegment), {
      strategy,
      // A segment that is there is never written to.
      flags: 'wx',
      preallocate: preallocate ? segmentBytes : 0,
      bufferSize: options.bufferSize,
    })
    return new WalWriter(folder, strategy, sync, segmentBytes, firstSegment, writer)
  }

  get mode(): Mode {
    return this.writer.mode
  }

  get engine(): Engine {
    return this.writer.engine
  }

  get state(): WalState {
    return this.#state
  }

  /** Behind the last record that was taken. */
  get position(): WalPosition {
    return { segment: this.#segment, offset: this.writer.position }
  }

  /**
   * Everything before is in the file, and no bytes but records and padding are. Moves at a commit, and when a segment is
   * ended.
   */
  get committed(): WalPosition {
    return this.#committed
  }

  /** Everything before is durable. */
  get synced(): WalPosition {
    return this.#synced
  }

  /** Resolves when `committed` or `state` is no longer what it was at the call. */
  changed(): Promise<void> {
    return this.#change.promise
  }

  /**
   * Takes a record.
   *
   * @returns `null` when it is taken, and its memory is the caller's again; else a promise to await for that
   * @throws {TsdbError} ERR_TSDB_UNSUPPORTED, as a rejection, for a record larger than a segment has room for
   * @throws {TsdbError} ERR_TSDB_STATE after `end`; the failure of this or an earlier call: all as rejections
   */
  append(record: Uint8Array): Promise<void> | null {
    if (this.#turns.idle && !this.#cutting && this.#state.is === 'open') {
      const offset = this.writer.position
      if (record.length <= roomFrom(offset, this.segmentBytes)) {
        this.#putTogether(record, offset)
        if (this.writer.writeSync(this.#fragments.view())) return null
      }
    }
    const most = roomFrom(0, this.segmentBytes)
    if (record.length > most) {
      const what = `a record of ${record.length} bytes, and a segment has room for ${most}`
      return Promise.reject(new TsdbError('ERR_TSDB_UNSUPPORTED', what, { file: this.writer.path }))
    }
    return this.#turn(() => this.#append(record))
  }

  /**
   * Ends a batch: resolves when all records taken so far are in the file, at its exact length unless the segment is
   * preallocated, and durable if the policy says so.
   */
  async commit(): Promise<void> {
    const { synced } = await this.#turn(async () => {
      const position = await this.#flush()
      return { synced: this.policy === 'every-batch' ? this.#syncTo(position) : null }
    })
    // Outside of the turn: the next batch can be taken while the disk syncs this one.
    if (synced !== null) await synced
    else if (typeof this.policy === 'object') this.#syncLater(this.policy.everyMs)
  }

  /** Resolves when all records taken so far are durable, whatever the policy. */
  async sync(): Promise<void> {
    const { synced } = await this.#turn(async () => ({ synced: this.#syncTo(await this.#flush()) }))
    await synced
  }

  /** Ends the present segment, which is durable then, and begins the next one. Resolves with its number. */
  async nextSegment(): Promise<number> {
    await this.#turn(() => this.#cut())
    return this.#segment
  }

  /**
   * Deletes all segments before this one.
   *
   * @throws {TsdbError} ERR_TSDB_STATE when the present one would be among them
   */
  async deleteBefore(segment: number): Promise<void> {
    if (segment > this.#segment) {
      const what = `segment ${this.#segment} is being written, and can't be deleted`
      throw new TsdbError('ERR_TSDB_STATE', what, { file: this.writer.path })
    }
    for await (const step of deleteSegmentsBefore(this.folder, segment)) void step
  }

  /**
   * Brings everything to the file, makes it durable and closes it, exactly as long as what was written: the reader needs
   * no padding at the end. After a `retryable` rejection it can be called again.
   */
  end(): Promise<void> {
    this.#ending ??= this.#turn(() => this.#end()).catch((error: unknown) => {
      this.#ending = null
      throw error
    })
    return this.#ending
  }

  /** Drops what is not in the file yet and closes it; calls reject with `reason` from now on. Nothing after `end`. */
  async fail(reason: unknown): Promise<void> {
    if (this.#state.is !== 'open') return
    this.#fail(reason)
    this.writer.fail(reason)
    await this.writer[Symbol.asyncDispose]()
  }

  /** `fail` for a writer that was not ended. Warns when bytes were dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ending?.catch(() => undefined)
    const what = 'the writer of this WAL was disposed of without an end'
    this.#fail(new TsdbError('ERR_TSDB_STATE', what, { file: this.writer.path }))
    await this.writer[Symbol.asyncDispose]()
  }

  /** Gives a call its turn: after all earlier ones. */
  #turn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      this.#assertOpen()
      const untold = this.#untold
      this.#untold = null
      if (untold !== null) throw untold
      return await work().catch((error: unknown) => this.#rethrow(error))
    })
  }

  #assertOpen(): void {
    const state = this.#state
    if (state.is === 'failed') throw state.error
    if (state.is === 'ended') {
      throw new TsdbError('ERR_TSDB_STATE', 'the writer of this WAL has ended', { file: this.writer.path })
    }
  }

  #putTogether(record: Uint8Array, offset: number): void {
    if (this.#fragments.length > FRAGMENTS_KEPT_BYTES) this.#fragments = new ByteBuffer()
    this.#fragments.clear()
    putFragments(this.#fragments, record, offset)
  }

  async #append(record: Uint8Array): Promise<void> {
    const fits = record.length <= roomFrom(this.writer.position, this.segmentBytes)
    if (this.#cutting || !fits) await this.#cut()
    this.#putTogether(record, this.writer.position)
    // All fragments in one call, which takes all of them or none: so no record is ever torn but by a crash.
    await this.writer.write(this.#fragments.view())
  }

  /** Ends the present segment as Prometheus does: with zeros to the end of its page. */
  async #cut(): Promise<void> {
    const padding = paddingAt(this.writer.position)
    if (padding > 0) await this.writer.write(ZERO_PAGE.subarray(0, padding))
    this.#cutting = true
    const next = this.#segment + 1
    await this.writer.reset(segmentPath(this.folder, next)).catch(asRetryable)
    this.#cutting = false
    this.#segment = next
    this.#committed = { segment: next, offset: 0 }
    this.#synced = this.#committed
    this.#tell()
  }

  async #end(): Promise<void> {
    const { position } = this
    await this.writer.end()
    this.#stopTimer()
    this.#committed = position
    this.#synced = position
    this.#become({ is: 'ended' })
  }

  async #flush(): Promise<WalPosition> {
    // Before: who waits for a turn can't have added anything since.
    const { position } = this
    await this.writer.flush()
    if (isBehind(position, this.#committed)) {
      this.#committed = position
      this.#tell()
    }
    return position
  }

  /** Beside whatever comes next. Everything up to `position` is in the file. */
  #syncTo(position: WalPosition): Promise<void> {
    const synced = this.writer.sync().then(
      () => {
        if (isBehind(position, this.#synced)) this.#synced = position
      },
      (error: unknown) => this.#rethrow(error),
    )
    // Whoever committed looks at it a moment later.
    synced.catch(() => undefined)
    return synced
  }

  /** Once the time is up, everything committed by then is made durable. Does not keep the process alive. */
  #syncLater(afterMs: number): void {
    if (this.#timer !== null || this.#state.is !== 'open' || !isBehind(this.#committed, this.#synced)) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.sync().catch((error: unknown) => (this.#untold ??= error))
    }, afterMs)
    this.#timer.unref()
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** A failure that may be tried again changes nothing; any other one is the writer's end. */
  #rethrow(error: unknown): never {
    if (error instanceof Error && 'retryable' in error && error.retryable === false) this.#fail(error)
    throw error
  }

  #fail(error: unknown): void {
    this.#stopTimer()
    if (this.#state.is === 'open') this.#become({ is: 'failed', error })
  }

  #become(state: WalState): void {
    this.#state = state
    this.#tell()
  }

  #tell(): void {
    const { tell } = this.#change
    this.#change = changeToCome()
    tell()
  }
}

function checkNumbers(sync: SyncPolicy, segmentBytes: number): void {
  if (!Number.isSafeInteger(segmentBytes) || segmentBytes < PAGE_BYTES || segmentBytes % PAGE_BYTES !== 0) {
    throw new RangeError(`a segment has whole pages of ${PAGE_BYTES} bytes, not ${segmentBytes} bytes`)
  }
  if (typeof sync === 'object' && !(Number.isSafeInteger(sync.everyMs) && sync.everyMs > 0)) {
    throw new RangeError(`a sync every ${sync.everyMs} ms`)
  }
}

/** A next segment for which there is no space leaves the present one as it was: the package says so without the mark. */
function asRetryable(error: unknown): never {
  const code = codeOf(error)
  if (error instanceof Error && !('retryable' in error) && (code === 'ENOSPC' || code === 'EDQUOT')) {
    throw Object.assign(error, { retryable: true })
  }
  throw error
}

function changeToCome(): { promise: Promise<void>; tell: () => void } {
  let tell!: () => void
  const promise = new Promise<void>((fulfil) => {
    tell = fulfil
  })
  return { promise, tell }
}
