import { constants } from 'node:fs'
import { resolve } from 'node:path'
import { type Alignment, alignmentIn, statusOf } from './alignment.ts'
import { type Binding, binding, type FileStatus, type NativeFile } from './binding.ts'
import { allocate } from './buffer-pool.ts'
import { codeOf, detachedError, UncachedIOError } from './errors.ts'
import type { Range } from './inflight.ts'
import type { Settings } from './options.ts'
import { residencyOf } from './page-cache.ts'
import { ceilTo, exactLength, floorTo, progress } from './plan.ts'
import { type Strategy, type StrategyTraits, traitsOf } from './strategy.ts'

/** One transfer: a range of the file, and the memory it is written from. `bytes[0]` goes to `start`. */
export interface Span extends Range {
  readonly bytes: Uint8Array
}

/** `made` by this open: removed again when it comes to nothing. `unclear`: perhaps, so its name is synced as well. */
type Origin = 'found' | 'made' | 'unclear'

/** For tests: another addon, and an alignment stricter than the file asks for. */
export interface Internals {
  readonly binding?: Binding
  readonly alignment?: { readonly memory: number; readonly offset: number }
}

/**
 * How often in a row the kernel may take nothing (or be interrupted) before a write is given up. A signal or a short
 * write comes once or twice; a hundred times without one block is a loop.
 */
const maxIdleAttempts = 100

/** Files that are not open while open(2) is tried: someone else may make or remove the file in between. */
const maxOpenAttempts = 4

/**
 * An open file under one strategy: every system call on it, in the order that makes its content, its length and its
 * name durable. Knows nothing of buffers, callers or concurrency.
 */
export class Target {
  /** File offset of the first byte to be written. Known after `begin`. */
  start = 0
  readonly traits: StrategyTraits
  /** Offsets and lengths of transfers are multiples of this. 1 where nothing need be aligned. */
  readonly block: number
  /** Memory addresses of transfers are multiples of this. */
  readonly memoryAlignment: number
  #lengthAtOpen = 0
  #preallocatedEnd = 0
  /** The file is at most this long: transfers may have been cut short, failed or padded. */
  #reach = 0
  #lastPageCached = false
  #folder: Buffer | undefined

  private constructor(
    readonly path: string,
    readonly strategy: Strategy,
    /** What the file asks for; null where nothing need be aligned. */
    readonly alignment: Alignment | null,
    private readonly native: Binding,
    private readonly file: NativeFile,
    private readonly settings: Settings,
    private readonly absolutePath: string | Buffer,
    private readonly origin: Origin,
  ) {
    this.traits = traitsOf[strategy]
    this.block = alignment?.offset ?? 1
    this.memoryAlignment = alignment?.memory ?? 1
  }

  /**
   * Opens and checks a file and changes nothing in it. A file made here is removed again when a check fails.
   *
   * @throws {UncachedIOError} ERR_DIRECT_UNSUPPORTED, ERR_STRATEGY_UNSUPPORTED, ERR_NOT_REGULAR_FILE, ERR_BUFFER_SIZE
   * @throws the kernel's error: ENOENT, EEXIST, EISDIR, EACCES, EROFS, ...
   */
  static async open(
    path: string | Buffer,
    settings: Settings,
    strategy: Strategy,
    internals: Internals,
  ): Promise<Target> {
    const native = internals.binding ?? binding()
    const absolutePath = typeof path === 'string' ? resolve(path) : path
    const { file, origin } = await openFile(native, absolutePath, settings, traitsOf[strategy])
    try {
      const status = await statusOf(file)
      if (!status.isFile) throw notRegular(path)
      const alignment = traitsOf[strategy].aligned ? requiredAlignment(status, path, internals) : null
      checkBufferSize(settings.bufferSize, alignment?.offset ?? 1, path)
      if (traitsOf[strategy].dontCache) await checkDontCache(native, file, path)
      return new Target(String(path), strategy, alignment, native, file, settings, absolutePath, origin)
    } catch (error) {
      await file.close()
      if (origin === 'made') await native.unlink(absolutePath)
      throw error
    }
  }

  /**
   * Empties and preallocates as the settings say. Gives the bytes that stand before `start` in its block: they have
   * to be written again with what follows.
   */
  async begin(): Promise<Uint8Array> {
    const { truncate, append, preallocate } = this.settings
    let { size } = await statusOf(this.file)
    if (truncate && size > 0) {
      await this.file.ftruncate(0)
      size = 0
    }
    this.start = append ? size : this.settings.start
    this.#lengthAtOpen = size
    this.#reach = size
    if (preallocate > 0) {
      await this.file.fallocate(0, this.start, preallocate)
      this.#preallocatedEnd = this.start + preallocate
      this.#reach = Math.max(this.#reach, this.#preallocatedEnd)
    }
    if (this.origin !== 'found') this.#folder = await this.native.realFolder(this.absolutePath)
    const headBytes = this.start % this.block
    if (headBytes === 0) return new Uint8Array(0)
    const block = allocate(this.block, this.memoryAlignment)
    const got = await this.read(block, this.start - headBytes, this.block)
    return block.fill(0, got).subarray(0, headBytes)
  }

  /**
   * Writes a span whole, from where an earlier try of it stopped; then, under `evict`, waits for its writeback and
   * drops it. On failure `span.doneBytes` says how far it came, in whole blocks.
   */
  async write(span: Span): Promise<void> {
    const { RWF_DONTCACHE } = this.native.constants
    const flags = this.traits.dontCache ? RWF_DONTCACHE : 0
    this.#reach = Math.max(this.#reach, span.end)
    let idleAttempts = 0
    while (span.start + span.doneBytes < span.end) {
      const position = span.start + span.doneBytes
      const takenBytes = await this.#writeOnce(span, position, flags)
      const doneBytes = progress(takenBytes, this.block)
      idleAttempts = doneBytes > 0 ? 0 : idleAttempts + 1
      if (idleAttempts > maxIdleAttempts) throw noProgress(this.path, position)
      span.doneBytes += doneBytes
    }
    // The kernel only reads the memory, so losing it is no crash; but what it read is unknown.
    if (span.bytes.byteLength < span.end - span.start)
      throw detachedError(this.path, `what is at ${span.start} is unknown`)
    if (this.traits.evictAfterWrite) await this.#evict(span.start, span.end - span.start)
  }

  async #writeOnce(span: Span, position: number, flags: number): Promise<number> {
    try {
      return await this.file.pwrite(span.bytes, span.doneBytes, span.end - position, position, flags)
    } catch (error) {
      if (codeOf(error) === 'EINTR') return 0
      throw error
    }
  }

  async #evict(start: number, length: number): Promise<void> {
    const c = this.native.constants
    const wait = c.SYNC_FILE_RANGE_WAIT_BEFORE | c.SYNC_FILE_RANGE_WRITE | c.SYNC_FILE_RANGE_WAIT_AFTER
    await this.file.syncFileRange(start, length, wait)
    // DONTNEED leaves a page that is only partly in its range: begin with the one that the last span ended in.
    const from = floorTo(start, c.pageSize)
    await this.file.fadvise(from, start + length - from, c.POSIX_FADV_DONTNEED)
  }

  /** Reads `length` bytes at `position`, both on blocks, or fewer at the end of the file. Gives the number read. */
  async read(into: Uint8Array, position: number, length: number): Promise<number> {
    let gotBytes = 0
    while (gotBytes < length) {
      const bytes = await this.file.pread(into, gotBytes, length - gotBytes, position + gotBytes, 0)
      gotBytes += bytes
      // A read that ends inside a block has met the end of the file.
      if (bytes === 0 || gotBytes % this.block !== 0) break
    }
    return gotBytes
  }

  /** What was in the file behind `position` in the same block before it was opened; null: nothing, pad with zeros. */
  async keptBehind(position: number): Promise<Uint8Array | null> {
    if (position >= this.#lengthAtOpen || position % this.block === 0) return null
    const block = allocate(this.block, this.memoryAlignment)
    const start = floorTo(position, this.block)
    const got = await this.read(block, start, this.block)
    return block.fill(0, got).subarray(position - start)
  }

  /** Cuts off padding behind `writtenEnd` and, when the writer is done with the file, what was preallocated. */
  async settleLength(writtenEnd: number, done: boolean): Promise<void> {
    const length = exactLength(this.#lengthAtOpen, writtenEnd, done ? 0 : this.#preallocatedEnd)
    if (this.#reach <= length) return
    await this.file.ftruncate(length)
    this.#reach = length
    // The kernel zeroes the rest of a page through the cache when it cuts inside it.
    this.#lastPageCached = length % this.native.constants.pageSize !== 0
  }

  /**
   * Makes everything in the file durable, and once its name if it was made here; then drops what the strategy does not
   * leave in the cache.
   */
  async sync(): Promise<void> {
    const { POSIX_FADV_DONTNEED, pageSize } = this.native.constants
    const reach = this.#reach
    await this.file.fdatasync()
    const folder = this.#folder
    if (folder !== undefined) {
      await this.native.syncFolder(folder)
      this.#folder = undefined
    }
    if (this.traits.dropAfterSync === 'written') {
      await this.file.fadvise(floorTo(this.start, pageSize), 0, POSIX_FADV_DONTNEED)
    } else if (this.traits.dropAfterSync === 'last page' && this.#lastPageCached) {
      await this.file.fadvise(floorTo(reach, pageSize), 0, POSIX_FADV_DONTNEED)
      this.#lastPageCached = false
    }
  }

  async close(): Promise<void> {
    await this.file.close()
  }

  /** Closes a file in which nothing was done; removes it when it was made here. */
  async discard(): Promise<void> {
    await this.file.close()
    if (this.origin === 'made') await this.native.unlink(this.absolutePath)
  }

  /** Bytes of the file that are in the page cache now. */
  async residentBytes(): Promise<number> {
    return (await residencyOf(this.native, this.file)).residentBytes
  }
}

async function openFile(
  native: Binding,
  path: string | Buffer,
  settings: Settings,
  traits: StrategyTraits,
): Promise<{ file: NativeFile; origin: Origin }> {
  // O_NONBLOCK: opening a pipe by mistake must fail, not wait for its reader. Regular files ignore it.
  const flags =
    (traits.reads ? constants.O_RDWR : constants.O_WRONLY) | constants.O_NONBLOCK | traits.openFlags
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
      if (raced)
        return { file: await native.open(path, flags | constants.O_CREAT, settings.mode), origin: 'unclear' }
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
    if (!status.isFile && !status.isFolder) return notRegular(path)
  }
  if (code === 'EINVAL' && traits.aligned) {
    return new UncachedIOError(
      'ERR_DIRECT_UNSUPPORTED',
      `the file system refuses O_DIRECT for '${String(path)}'`,
      {
        path: String(path),
        syscall: 'open',
        cause: error,
      },
    )
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

function notRegular(path: string | Buffer): UncachedIOError {
  return new UncachedIOError('ERR_NOT_REGULAR_FILE', `'${String(path)}' is not a regular file`, {
    path: String(path),
  })
}

function noProgress(path: string, position: number): UncachedIOError {
  return new UncachedIOError(
    'ERR_NO_PROGRESS',
    `the kernel took nothing of a write at ${position} of '${path}' ${maxIdleAttempts} times in a row`,
    { path, position, syscall: 'pwritev2' },
  )
}
