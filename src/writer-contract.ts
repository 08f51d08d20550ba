import type { Alignment } from './alignment.ts'
import type { Engine } from './engine.ts'
import type { Footprint } from './footprint.ts'
import type { PathLike, Policy, ResetOptions } from './options.ts'
import type { Strategy } from './strategy.ts'

/** A chunk: UTF-8 text, or bytes in any shape. */
export type Chunk = string | ArrayBufferView | ArrayBufferLike

/** How a writer is to end. */
export interface EndOptions {
  signal?: AbortSignal | undefined
  /**
   * Whether to wait until everything is durable. False: content and length are exact, and what survives a power cut is what
   * was synced before; `verify` waits all the same. Default true.
   */
  durable?: boolean | undefined
}

/** What a writer was asked to do and what it does: a picture of the moment. */
export interface Mode {
  readonly asked: Strategy | 'auto'
  readonly policy: Policy
  readonly inEffect: Strategy
  /** Why `inEffect` is not what was asked for, or not `direct` where `auto` was; null when it is. */
  readonly why: string | null
  /** What the file asks of direct transfers, and from where that is known; null under a strategy that need not align. */
  readonly alignment: Alignment | null
  /** What brings the writes to the kernel. */
  readonly engine: Engine
  /** Bytes brought to the present file by each strategy: padding, and blocks that were written again, count as well. */
  readonly transferredBytes: Readonly<Record<Strategy, number>>
  /** What was found of the footprint under `verify`; null without. */
  readonly footprint: Footprint | null
}

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
export interface WriterContract extends AsyncDisposable, Disposable {
  /** What brings the writes to the kernel. */
  readonly engine: Engine

  /** Bytes in one buffer, and in one large write. */
  readonly bufferSize: number

  /** Buffers at most, hence writes in flight at most. */
  readonly queueDepth: number

  /** The file, as it was named. */
  readonly path: string

  /** The number of the file's descriptor in this process, as it was when it was opened. Not to be written to or closed. */
  readonly descriptor: number

  /** What was asked for and what is done, at this moment. */
  readonly mode: Mode

  /** What the file asks of direct transfers; null under a strategy that need not align. */
  readonly alignment: Alignment | null

  /** File offset of the next byte. */
  readonly position: number

  /** Bytes taken from the caller for the present file. Goes back when a call that had taken some is rejected. */
  readonly acceptedBytes: number

  /** Bytes from the caller that are in the file without a gap, not necessarily durable. */
  readonly writtenBytes: number

  /** Bytes from the caller that are durable: they survive a power cut. */
  readonly syncedBytes: number

  /** Zeros, or bytes of an older file, written behind the tail of the present file to fill its last block. */
  readonly paddedBytes: number

  /** How often a block of the present file was written again because more came into it after a flush. */
  readonly tailRewrites: number

  /** Transfers whose memory the kernel, or another try, still needs. */
  readonly inFlight: number

  /** Bytes that were accepted and then dropped by `fail`, an abort, disposal or a final error. */
  readonly droppedBytes: number

  /**
   * Bytes that would be taken without waiting, unless other writers have used up the cap on all buffers or the event loop
   * is due to go round; 0 while a call is under way; null when the writer takes no more.
   */
  readonly desiredSize: number | null

  /**
   * Takes a chunk without waiting. True: all of it is taken, and its memory may be reused at once. False: nothing was
   * taken, because there is no room, the event loop is due to go round (after 0.3 ms of filling, and 1 MiB), another call is
   * under way or the writer is closed; `write` tells which, and waits. A chunk of more than `bufferSize` may never find
   * room at once: that is `write`'s work, too.
   *
   * @throws TypeError ERR_INVALID_ARG_TYPE
   */
  writeSync(chunk: Chunk): boolean

  /** As `writeSync`, for several chunks: all are taken or none. */
  writevSync(chunks: readonly Chunk[]): boolean

  /**
   * Takes a chunk, waiting for room if need be. Resolves when it is taken; until then its memory is the writer's. A
   * chunk of 1 MiB (or of `bufferSize`, if less) or more whose memory and position are aligned is not copied, and resolves when it is in the
   * file.
   *
   * @throws {UncachedIOError} ERR_WRITER_CLOSED; the failure of this or an earlier write
   * @throws AbortError when `signal` was aborted before the call
   */
  write(chunk: Chunk, options?: { signal?: AbortSignal }): Promise<void>

  /** As `write`, for several chunks: they are taken one behind the other, all or none. */
  writev(chunks: readonly Chunk[], options?: { signal?: AbortSignal }): Promise<void>

  /**
   * `byteLength` contiguous bytes of the buffer to be filled in place, or null when there is no room now, or the
   * event loop is due as for `writeSync`: `drain`, and reserve again. The slot is valid until `commit` or the next call of another method; its content is undefined. It
   * is a view of memory that writers share: do not hand on its `buffer`.
   *
   * @throws RangeError ERR_OUT_OF_RANGE for more than `bufferSize`
   * @throws {UncachedIOError} ERR_WRITER_CLOSED
   */
  reserve(byteLength: number): Uint8Array | null

  /**
   * Takes the first `usedBytes` of the reserved slot.
   *
   * @throws TypeError ERR_NOT_RESERVED without a valid slot, or for more than was reserved
   * @throws {UncachedIOError} ERR_WRITER_CLOSED
   */
  commit(usedBytes: number): void

  /**
   * Resolves when what the last `writeSync`, `writevSync` or `reserve` was refused would be taken.
   *
   * @throws RangeError ERR_OUT_OF_RANGE when it never will be, being too large to be taken at once
   */
  drain(): Promise<void>

  /**
   * Replaces bytes that were accepted before, wherever they are by now. `offset` is a file offset. The chunk is copied at
   * once. The new bytes are in the file after the next `flush`, durable after the next `sync` or `end`; without one they
   * are lost when the writer fails, and count neither as accepted nor as dropped. When it is rejected as `retryable`, some
   * of the bytes may have been replaced; the same call may be tried again.
   *
   * @throws TypeError ERR_NOT_ACCEPTED when the range is not within what this writer has accepted for this file
   */
  writeAt(chunk: Chunk, offset: number): Promise<void>

  /** Resolves when all bytes accepted so far are in the file and its length is exact. */
  flush(): Promise<void>

  /**
   * Reads a part of what was accepted, in whole pages, into the page cache, where it stays when the rest is dropped: for a
   * reader that comes soon. Flushes first when some of it is not in the file yet. What is written again later is not
   * in the cache any more. Before Linux 5.14 it resolves when the reading has begun.
   *
   * @throws TypeError ERR_NOT_ACCEPTED when the range is not within what this writer has accepted for this file
   */
  warm(offset: number, length: number): Promise<void>

  /** Resolves when all bytes accepted so far are durable. Writing can go on while the disk syncs. */
  sync(): Promise<void>

  /**
   * Ends the present file as `end` does and goes on with a next one, keeping options. The next file is opened first, and
   * a new one prepared: when that fails, the present one stays as it is. One that is there is emptied only when the
   * present one has ended, and failing then is final. Resolves with the bytes of the file that ended.
   *
   * @param options `start` defaults to 0 (with flags `a`: the end), `preallocate` to what `open` was given
   */
  reset(nextPath: PathLike, options?: ResetOptions): Promise<number>

  /**
   * Brings everything to the file, cuts it to its exact length, makes it durable, closes it. Resolves with the number
   * of bytes accepted. Calling it again gives the same answer; after a `retryable` rejection it tries again.
   *
   * @throws AbortError when `signal` was aborted before the call; the writer stays open
   * @throws {UncachedIOError} ERR_FOOTPRINT under `verify` and `policy: 'require'`; everything is durable all the same
   */
  end(options?: EndOptions): Promise<number>

  /** The bytes of an ended file. -1 otherwise: ending needs the disk, which is never waited for here; use `end`. */
  endSync(): number

  /**
   * Drops what is buffered and closes the file, which keeps its first `writtenBytes`. Calls under way reject
   * with `reason`. Nothing happens when the writer has ended or failed before.
   */
  fail(reason?: unknown): void

  /** `fail` for a writer that was not ended, waiting until the file is closed. Warns when bytes were dropped. */
  [Symbol.asyncDispose](): Promise<void>

  /** `fail`, without waiting. */
  [Symbol.dispose](): void

  /** Bytes of the present file that are in the page cache now. */
  residentBytes(): Promise<number>
}
