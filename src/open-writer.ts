import { codeOf, UncachedIOError } from './errors.ts'
import { directIsForced } from './force.ts'
import { type Internals, openFile } from './open-file.ts'
import { type OpenWriterOptions, type PathLike, pathOf, type Settings, settingsFrom } from './options.ts'
import type { Strategy } from './strategy.ts'
import { type Opened, Target } from './target.ts'
import { Writer } from './writer.ts'

/** What is tried when the strategy asked for is not possible, the one that leaves less behind first. */
const nextBest: Readonly<Record<'auto' | Strategy, readonly Strategy[]>> = {
  auto: ['direct', 'dontcache', 'evict'],
  direct: ['direct', 'dontcache', 'evict'],
  dontcache: ['dontcache', 'evict'],
  evict: ['evict'],
  buffered: ['buffered'],
}

/**
 * Opens a file for writing under a strategy. With FORCEDIRECTIO=1 in the environment the writer is direct whatever is
 * asked for. `writer.mode` says what is in effect.
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
  settings.signal?.throwIfAborted()
  const open = (file: PathLike, next: Settings) => openTarget(pathOf(file), next, internals)
  const opened = await open(path, settings)
  try {
    // Before anything is changed in the file, and once more before it is handed out.
    settings.signal?.throwIfAborted()
    const head = await opened.target.begin()
    settings.signal?.throwIfAborted()
    return new Class(settings, open, opened, head)
  } catch (error) {
    await opened.target.discard()
    throw error
  }
}

async function openTarget(path: string | Buffer, settings: Settings, internals: Internals): Promise<Opened> {
  const asked = settings.strategy
  if (directIsForced()) {
    const target = new Target(await openFile(path, settings, 'direct', internals), settings)
    return {
      target,
      mode: { asked, inEffect: 'direct', why: asked === 'direct' ? null : 'FORCEDIRECTIO is set' },
    }
  }
  const acceptable = asked !== 'auto' && settings.policy === 'require' ? [asked] : nextBest[asked]
  const reasons: string[] = []
  for (const [index, strategy] of acceptable.entries()) {
    try {
      const target = new Target(await openFile(path, settings, strategy, internals), settings)
      const why = reasons.length === 0 ? null : reasons.join('; ')
      return { target, mode: { asked, inEffect: strategy, why } }
    } catch (error) {
      if (index === acceptable.length - 1 || !isUnsupported(error)) throw error
      reasons.push((error as Error).message)
    }
  }
  throw new UncachedIOError('ERR_STRATEGY_UNSUPPORTED', `no strategy is possible for '${String(path)}'`)
}

function isUnsupported(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ERR_DIRECT_UNSUPPORTED' || code === 'ERR_STRATEGY_UNSUPPORTED'
}
