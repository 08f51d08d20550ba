import { chooseStrategy } from './choose-strategy.ts'
import { channels } from './diagnostics.ts'
import { codeOf } from './errors.ts'
import type { Internals } from './open-file.ts'
import { openChosen } from './opening.ts'
import { type OpenWriterOptions, type PathLike, type Settings, settingsFrom } from './options.ts'
import { Writer } from './writer.ts'

/**
 * Opens a file for writing under a strategy. With FORCEDIRECTIO=1 in the environment the writer is direct whatever is
 * asked for. `writer.mode` says what is in effect; what is not as asked for is also an event, `uncached-io:downgrade`.
 *
 * Needs permission to read the file as well as to write it. A file that this call made is
 * removed again when it rejects; an existing one is not changed before everything that can be checked was.
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE; RangeError ERR_OUT_OF_RANGE
 * @throws {UncachedIOError} ERR_DIRECT_UNSUPPORTED, ERR_STRATEGY_UNSUPPORTED, ERR_NOT_REGULAR_FILE, ERR_BUFFER_SIZE,
 *   ERR_ENGINE_UNSUPPORTED, ERR_UNSUPPORTED_PLATFORM, ERR_NO_BINARY
 * @throws the kernel's error: ENOENT, EEXIST, EISDIR, EACCES, EROFS, ENOSPC, ...
 * @throws AbortError
 */
export async function openWriter(path: PathLike, options: OpenWriterOptions = {}): Promise<Writer> {
  return await openWith(Writer, path, settingsFrom(options))
}

/** @internal Opens a writer of any class; `internals` are for tests. */
export async function openWith<W extends Writer>(
  Class: new (...parameters: ConstructorParameters<typeof Writer>) => W,
  path: PathLike,
  settings: Settings,
  internals: Internals = {},
): Promise<W> {
  try {
    return await openChosen(Class, path, settings, chooseStrategy, internals)
  } catch (error) {
    if (channels.error.hasSubscribers && error instanceof Error && !settings.signal?.aborted) {
      const code = codeOf(error) ?? error.name
      channels.error.publish({ writer: null, path: String(path), error, code, retryable: false })
    }
    throw error
  }
}
