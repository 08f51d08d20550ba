import { constants } from 'node:fs'
import { isAbsolute } from 'node:path'
import { type Alignment, alignmentIn, statusOf } from './alignment.ts'
import { type Binding, binding, type FileStatus, type NativeFile } from './binding.ts'
import { type Engine, engineFor } from './engine.ts'
import { codeOf, notRegularFile, UncachedIOError } from './errors.ts'
import type { Settings } from './options.ts'
import { ceilTo, floorTo } from './plan.ts'
import { type Strategy, type StrategyTraits, traitsOf } from './strategy.ts'

/** For tests: another addon, and an alignment stricter than the file asks for. */
export interface Internals {
  readonly binding?: Binding
  readonly alignment?: { readonly memory: number; readonly offset: number }
}

/** `made` by this open: removed again when it comes to nothing. `unclear`: perhaps, so its name is synced as well. */
type Origin = 'found' | 'made' | 'unclear'

/** Files that are not open while open(2) is tried: someone else may make or remove the file in between. */
const maxOpenAttempts = 4

/** A file that is open and fit for a strategy. */
export interface OpenFile {
  readonly native: Binding
  readonly file: NativeFile
  readonly origin: Origin
  readonly engine: Engine
  /** As the caller named it. */
  readonly path: string
  readonly absolutePath: string | Buffer
  readonly strategy: Strategy
  /** What the file asks for; null where nothing need be aligned. */
  readonly alignment: Alignment | null
  /** Offsets and lengths of transfers are multiples of this. 1 where nothing need be aligned. */
  readonly block: number
  /** Memory addresses of transfers are multiples of this. */
  readonly memoryAlignment: number
}

/**
 * Opens and checks a file and changes nothing in it. A file made here is removed again when a check fails.
 *
 * @throws {UncachedIOError} ERR_DIRECT_UNSUPPORTED, ERR_STRATEGY_UNSUPPORTED, ERR_NOT_REGULAR_FILE, ERR_BUFFER_SIZE
 * @throws the kernel's error: ENOENT, EEXIST, EISDIR, EACCES, EROFS, ...
 */
export async function openFile(
  path: string | Buffer,
  settings: Settings,
  strategy: Strategy,
  internals: Internals,
): Promise<OpenFile> {
  const native = internals.binding ?? binding()
  const engine = engineFor(settings.engine, native)
  const traits = traitsOf[strategy]
  const absolutePath = absolute(path)
  const { file, origin } = await openOrMake(native, absolutePath, settings, traits)
  try {
    const status = await statusOf(file)
    if (!status.isFile) throw notRegularFile(path)
    const alignment = traits.aligned ? requiredAlignment(status, path, internals) : null
    const memoryAlignment = alignment?.memory ?? 1
    // Also a multiple of the memory's alignment, so that every block of an aligned buffer begins at an aligned address.
    const block = Math.max(alignment?.offset ?? 1, memoryAlignment)
    checkBufferSize(settings.bufferSize, block, path)
    if (alignment !== null) file.requireAlignment(alignment.memory, alignment.offset, alignment.readOffset)
    if (traits.dontCache) await checkDontCache(native, file, path)
    return {
      native,
      file,
      origin,
      engine,
      path: String(path),
      absolutePath,
      strategy,
      alignment,
      block,
      memoryAlignment,
    }
  } catch (error) {
    // What is wrong is told, not what cleaning up after it ran into.
    await file.close().catch(() => undefined)
    if (origin === 'made') await native.unlink(absolutePath).catch(() => undefined)
    throw error
  }
}

async function openOrMake(
  native: Binding,
  path: string | Buffer,
  settings: Settings,
  traits: StrategyTraits,
): Promise<{ file: NativeFile; origin: Origin }> {
  // O_NONBLOCK: opening a pipe by mistake must fail, not wait for its reader. Regular files ignore it.
  // Readable: direct reads back blocks, dontcache asks by a read whether the kernel knows it, mincore wants a mapping.
  const flags = constants.O_RDWR | constants.O_NONBLOCK | traits.openFlags
  const make = flags | constants.O_CREAT | constants.O_EXCL
  for (let attempt = 1; ; attempt++) {
    try {
      // First without O_CREAT, then with O_EXCL: only so is it known whether the name is new and has to be synced.
      if (!settings.exclusive) return { file: await native.open(path, flags, 0), origin: 'found' }
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || !settings.create) throw await openFailure(native, path, error, traits)
    }
    try {
      return { file: await native.open(path, make, settings.mode), origin: 'made' }
    } catch (error) {
      const raced = codeOf(error) === 'EEXIST' && !settings.exclusive
      if (raced && attempt < maxOpenAttempts) continue
      // A symbolic link to a file that does not exist: O_EXCL does not follow it.
      if (raced) return { file: await native.open(path, flags | constants.O_CREAT, settings.mode), origin: 'unclear' }
      // The kernel makes the file before it finds that O_DIRECT is not possible.
      if (codeOf(error) === 'EINVAL') await native.unlink(path).catch(() => undefined)
      throw await openFailure(native, path, error, traits)
    }
  }
}

/** open(2) answers EINVAL or ENXIO to several mistakes: says which one it was. */
async function openFailure(
  native: Binding,
  path: string | Buffer,
  error: unknown,
  traits: StrategyTraits,
): Promise<unknown> {
  const code = codeOf(error)
  if (code !== 'EINVAL' && code !== 'ENXIO') return error
  const file = await native.open(path, native.constants.O_PATH, 0).catch(() => undefined)
  if (file !== undefined) {
    const status = await statusOf(file).finally(() => void file.close())
    if (!status.isFile && !status.isFolder) return notRegularFile(path)
  }
  if (code === 'EINVAL' && traits.aligned) {
    return new UncachedIOError('ERR_DIRECT_UNSUPPORTED', `the file system refuses O_DIRECT for '${String(path)}'`, {
      path: String(path),
      syscall: 'open',
      cause: error,
    })
  }
  return error
}

function requiredAlignment(status: FileStatus, path: string | Buffer, internals: Internals): Alignment {
  const required = alignmentIn(status, String(path))
  if (internals.alignment === undefined) return required
  return {
    ...required,
    memory: Math.max(required.memory, internals.alignment.memory),
    offset: Math.max(required.offset, internals.alignment.offset),
  }
}

function checkBufferSize(bufferSize: number, block: number, path: string | Buffer): void {
  if (bufferSize % block === 0) return
  const above = ceilTo(bufferSize, block)
  const below = floorTo(bufferSize, block)
  throw new UncachedIOError(
    'ERR_BUFFER_SIZE',
    `bufferSize ${bufferSize} is not a multiple of the ${block} bytes that a block of '${String(path)}' has; ` +
      `${below > 0 ? `${below} or ${above}` : above} would do`,
    { path: String(path) },
  )
}

/** A read with the flag behind the end of the file: 0 bytes where it is known, EOPNOTSUPP where not. */
async function checkDontCache(native: Binding, file: NativeFile, path: string | Buffer): Promise<void> {
  const farBehindTheEnd = 2 ** 52
  try {
    await file.pread(new Uint8Array(1), 0, 1, farBehindTheEnd, native.constants.RWF_DONTCACHE)
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'EOPNOTSUPP' && code !== 'EINVAL' && code !== 'ENOSYS') throw error
    throw new UncachedIOError(
      'ERR_STRATEGY_UNSUPPORTED',
      `dontcache is not possible for '${String(path)}': kernel or file system do not know RWF_DONTCACHE (Linux 6.14)`,
      { path: String(path), syscall: 'preadv2', cause: error },
    )
  }
}

/** The path from wherever the process may stand later. Not normalised: a trailing slash means a folder to the kernel. */
function absolute(path: string | Buffer): string | Buffer {
  return typeof path === 'string' && !isAbsolute(path) ? `${process.cwd()}/${path}` : path
}
