import { binding } from './binding.ts'
import { type Engine, type EngineFinding, engineFor, tryRing } from './engine.ts'
import { argumentError } from './errors.ts'
import { type FolderFindings, findingsFor } from './folder-findings.ts'
import { checkNames, type PathLike, pathOf } from './options.ts'

/** What a folder can do, tried out. */
export interface ProbeReport extends FolderFindings {
  readonly folder: string
  /** What a writer takes under `engine: 'auto'`. */
  readonly engine: Engine
  /** Which engines can be used by this process, and why not. */
  readonly engines: Readonly<Record<Engine, EngineFinding>>
}

export interface ProbeOptions {
  /** Tries again what was found for this file system before. Default false. */
  fresh?: boolean | undefined
}

/**
 * Tries in a folder, with real files that are gone again, which strategies work, what they leave in the page cache, and
 * what they are made of. What is found is kept for the device and file system, for this thread: `auto` goes by it.
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE
 * @throws the kernel's error when no file can be made and written there: ENOENT, ENOTDIR, EACCES, EROFS, ENOSPC
 * @throws {UncachedIOError} ERR_UNSUPPORTED_PLATFORM, ERR_NO_BINARY
 */
export async function probe(folder: PathLike, options: ProbeOptions = {}): Promise<ProbeReport> {
  checkNames(options, new Set(Object.keys({ fresh: 0 } satisfies Record<keyof ProbeOptions, 0>)))
  const { fresh = false } = options
  if (typeof fresh !== 'boolean') throw argumentError('ERR_INVALID_ARG_TYPE', 'fresh must be true or false')
  const native = binding()
  const path = pathOf(folder)
  return {
    folder: String(path),
    engine: engineFor('auto', native),
    engines: { io_uring: tryRing(native), threads: { works: true } },
    ...(await findingsFor(path, 'auto', fresh)),
  }
}
