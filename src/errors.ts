/** Every code of our own that an error of this package can carry, beside the kernel's (`ENOSPC`, `EIO`, ...). */
export type ErrorCode =
  /** An argument of the wrong type. */
  | 'ERR_INVALID_ARG_TYPE'
  /** An argument of the right type whose value is not one of the known ones. */
  | 'ERR_INVALID_ARG_VALUE'
  /** A number that is negative, fractional or too large. */
  | 'ERR_OUT_OF_RANGE'
  /** The operating system is not Linux. */
  | 'ERR_UNSUPPORTED_PLATFORM'
  /** No binary of the addon for this machine could be loaded. */
  | 'ERR_NO_BINARY'
  /** The file system cannot do direct I/O on this file. */
  | 'ERR_DIRECT_UNSUPPORTED'
  /** The file system or kernel cannot do the strategy asked for. */
  | 'ERR_STRATEGY_UNSUPPORTED'
  /** The engine asked for is not to be had here. */
  | 'ERR_ENGINE_UNSUPPORTED'
  /** A folder, pipe, socket or device where a regular file is needed. */
  | 'ERR_NOT_REGULAR_FILE'
  /** `bufferSize` is not a multiple of the file's block. */
  | 'ERR_BUFFER_SIZE'
  /** A call after `end`, `fail` or disposal. */
  | 'ERR_WRITER_CLOSED'
  /** The writer was ended by `fail` without a reason. */
  | 'ERR_WRITER_FAILED'
  /** `commit` without a `reserve`, or for more bytes than were reserved. */
  | 'ERR_NOT_RESERVED'
  /** `writeAt` outside of the bytes accepted so far. */
  | 'ERR_NOT_ACCEPTED'
  /** Memory given to the writer was detached (transferred away) before its bytes were in the file. */
  | 'ERR_BUFFER_DETACHED'
  /**
   * A direct transfer that would not have been aligned: a fault of this package, found before the kernel was asked. What was
   * written before is in the file.
   */
  | 'ERR_MISALIGNED'
  /** The kernel went on taking nothing without giving an error. */
  | 'ERR_NO_PROGRESS'
  /** More of the file is in the page cache than its strategy promises. */
  | 'ERR_FOOTPRINT'
  /** Somebody else keeps a lock on a file that `uncached-io/force` is to write. */
  | 'ERR_LOCKED'
  /** The thread on which `uncached-io/force` writes has ended: what became of the write is unknown. */
  | 'ERR_IO_THREAD'
  /** What was read is not what was written. */
  | 'ERR_CONTENT'

/** How far the bytes of a writer have come, in bytes from the caller: `accepted >= written >= synced`. */
export interface Ladder {
  readonly acceptedBytes: number
  readonly writtenBytes: number
  readonly syncedBytes: number
}

/** What the kernel said, in Node's shape. `errno` is negative. */
export interface SystemErrorFields {
  code: string
  errno: number
  syscall: string
  path?: string
}

/** An error of this package that is not about an argument. */
export class UncachedIOError extends Error {
  override readonly name = 'UncachedIOError'
  /** One of {@link ErrorCode}, or the kernel's name of the error. */
  readonly code: string
  /** The kernel's error number, negative as in Node's errors; undefined when the kernel was not involved. */
  declare errno?: number
  /** The system call that failed. */
  declare syscall?: string
  /** The file. */
  declare path?: string
  /** File offset of the first byte that is not in the file. */
  declare position?: number
  /** True: nothing is lost, the same call may be tried again. False: the writer takes no more. */
  declare retryable?: boolean
  /** Bytes of the file in the page cache, with ERR_FOOTPRINT. */
  declare residentBytes?: number
  /** Bytes from the caller that were taken when it failed. */
  declare acceptedBytes?: number
  /** Bytes from the caller that are in the file without a gap. */
  declare writtenBytes?: number
  /** Bytes from the caller that are durable. */
  declare syncedBytes?: number

  constructor(code: ErrorCode | (string & {}), message: string, fields: Partial<UncachedIOError> = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.code = code
    const { cause: _, ...rest } = fields
    Object.assign(this, rest)
  }
}

/** A `TypeError` or `RangeError` with a code, as Node's own argument errors are. */
export function argumentError(
  code: 'ERR_INVALID_ARG_TYPE' | 'ERR_INVALID_ARG_VALUE' | 'ERR_OUT_OF_RANGE' | 'ERR_NOT_RESERVED' | 'ERR_NOT_ACCEPTED',
  message: string,
): Error & { code: string } {
  const error = code === 'ERR_OUT_OF_RANGE' ? new RangeError(message) : new TypeError(message)
  return Object.assign(error, { code })
}

/** The writer takes no more. */
export function closedError(path: string, why: string): UncachedIOError {
  return new UncachedIOError('ERR_WRITER_CLOSED', `the writer of '${path}' ${why}`, { path })
}

/** The writer was failed with a reason that is no error, or with none. */
export function failedError(path: string, reason: unknown): UncachedIOError {
  return new UncachedIOError('ERR_WRITER_FAILED', `the writer of '${path}' was failed`, {
    path,
    cause: reason,
  })
}

/** A writer went out of scope with bytes that nobody had it write. */
export function warnDropped(path: string, droppedBytes: number): void {
  const what = `${droppedBytes} bytes for '${path}' were dropped: end() was not called`
  process.emitWarning(what, { code: 'UNCACHED_IO_DROPPED' })
}

/** The path names something that has no blocks of its own. */
export function notRegularFile(path: string | Buffer): UncachedIOError {
  const name = String(path)
  return new UncachedIOError('ERR_NOT_REGULAR_FILE', `'${name}' is not a regular file`, { path: name })
}

/** The caller transferred memory away that the writer still needed. */
export function detachedError(path: string, outcome = 'nothing of the chunk was taken'): UncachedIOError {
  const message = `memory was transferred away before its bytes were in '${path}': ${outcome}`
  return new UncachedIOError('ERR_BUFFER_DETACHED', message, { path })
}

/** The kernel's code of an error, undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/**
 * Whether a failed write loses nothing and may be tried again: the file system is full, the quota is used up, or the
 * kernel is short of resources for the moment. Everything else is final: after EIO nobody knows what the device did.
 */
export function isRetryable(error: unknown): boolean {
  if (error instanceof UncachedIOError && error.retryable === false) return false
  const code = codeOf(error)
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EAGAIN'
}

/** A failed write as the caller sees it: the kernel's error with where it stopped and what is safe. */
export function writeFailure(error: unknown, position: number, ladder: Ladder, retryable: boolean): UncachedIOError {
  const { code, errno, syscall, path } = error as Partial<SystemErrorFields>
  const what = error instanceof Error ? error.message : String(error)
  const outcome = retryable
    ? 'nothing accepted is lost, try again'
    : `${ladder.syncedBytes} of ${ladder.acceptedBytes} accepted bytes are durable`
  return new UncachedIOError(code ?? 'ERR_WRITER_FAILED', `${what} at file offset ${position}: ${outcome}`, {
    ...(errno === undefined ? {} : { errno }),
    ...(syscall === undefined ? {} : { syscall }),
    ...(path === undefined ? {} : { path }),
    position,
    retryable,
    acceptedBytes: ladder.acceptedBytes,
    writtenBytes: ladder.writtenBytes,
    syncedBytes: ladder.syncedBytes,
    cause: error,
  })
}
