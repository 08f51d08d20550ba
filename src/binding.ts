import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { codeOf, UncachedIOError } from './errors.ts'

/** What the kernel says of an open file. */
export interface FileStatus {
  isFile: boolean
  isFolder: boolean
  /** Length in bytes. */
  size: number
  /** Preferred I/O size in bytes. */
  blockSize: number
  /** The lowest 12 bits of the mode. */
  permissions: number
  userId: number
  groupId: number
  /** `major:minor`, one for each mounted file system. */
  device: string
  /** The mount, by a number that no later one gets; absent where the kernel cannot say (before Linux 6.8). */
  mount?: string
  /** Alignment of direct I/O in bytes, both 0 where it is not possible; absent where the kernel cannot say. */
  dio?: { memory: number; offset: number }
  /** Alignment of the offsets of direct reads in bytes; absent where the kernel cannot say. */
  dioRead?: number
}

/** The kind of a file system by its number in linux/magic.h, and what tells two of a kind apart. */
export interface FileSystemStatus {
  type: number
  id: string
}

/** An open file. Every method is one system call on a thread of the addon; errors have Node's shape. */
export interface NativeFile {
  /** Its number in this process, at once. Throws EBADF when it was closed. */
  descriptor(): number
  /**
   * From now on every transfer whose address is no multiple of `memory`, or whose position or length is none of the
   * offset, is refused at once: RangeError ERR_MISALIGNED. Powers of two.
   */
  requireAlignment(memory: number, writeOffset: number, readOffset: number): void
  statx(): Promise<FileStatus>
  fstat(): Promise<FileStatus>
  /**
   * Resolves with the bytes that the kernel took, possibly fewer than `length`. EINTR is reported.
   *
   * @param throughRing by io_uring, after `startRing`; else by a thread. What the ring can't do at the moment a thread
   *   does as well
   * @param place of the view's memory, from `registerBuffer`; none: negative or left out
   */
  pwrite(
    view: Uint8Array,
    viewOffset: number,
    length: number,
    position: number,
    flags: number,
    throughRing: boolean,
    place?: number,
  ): Promise<number>
  /** Resolves with the bytes read, 0 at the end of the file. */
  pread(view: Uint8Array, viewOffset: number, length: number, position: number, flags: number): Promise<number>
  fallocate(mode: number, offset: number, length: number): Promise<void>
  ftruncate(length: number): Promise<void>
  fdatasync(): Promise<void>
  fsync(): Promise<void>
  fadvise(offset: number, length: number, advice: number): Promise<void>
  syncFileRange(offset: number, length: number, flags: number): Promise<void>
  cachestat(): Promise<{ cachedPages: number; dirtyPages: number; writebackPages: number }>
  mincore(length: number): Promise<number>
  /**
   * Reads a range into the page cache, nothing beside it, and waits for it. `offset` is a multiple of the page. EINVAL
   * before Linux 5.14: the reading was begun then and is not waited for.
   */
  populate(offset: number, length: number): Promise<void>
  fstatfs(): Promise<FileSystemStatus>
  fchmod(permissions: number): Promise<void>
  fchown(userId: number, groupId: number): Promise<void>
  /** Throws EBUSY at once while other calls are outstanding, EBADF when it was closed before. */
  close(): Promise<void>
}

/** What the addon exports. */
export interface Binding {
  open(path: string | Buffer, flags: number, mode: number): Promise<NativeFile>
  unlink(path: string | Buffer): Promise<void>
  /** The folder that holds the file, symbolic links followed. */
  realFolder(path: string | Buffer): Promise<Buffer>
  /** The path with symbolic links followed. */
  realPath(path: string | Buffer): Promise<Buffer>
  /** @param noReplace EEXIST when `to` is there; EINVAL on a file system that does not know how */
  rename(from: string | Buffer, to: string | Buffer, noReplace: boolean): Promise<void>
  /** lseek(2) on any descriptor of the process, at once. Gives the position. */
  seek(descriptor: number, offset: number, whence: number): number
  /** The flags of open(2) that any descriptor of the process has, at once. */
  descriptorFlags(descriptor: number): number
  /** Another number for the same open file, position and flags shared, at once. Not Node's to close: `closeDuplicate` does. */
  duplicate(descriptor: number): number
  closeDuplicate(descriptor: number): void
  /**
   * Locks the byte at `offset`, which need not be there, for an open file, at once; until its last descriptor is closed.
   * Keeps out who asks for the same by another open file, on any thread and in any process, and nobody else.
   *
   * @returns false: somebody else has it
   */
  tryLock(descriptor: number, offset: number): boolean
  /** A pipe of our own, both ends blocking. Closed as any descriptor is. */
  makePipe(): { readEnd: number; writeEnd: number }
  /** How much a pipe holds, at once. Gives the size it got; EBADF for what is no pipe, EPERM beyond the system's limit. */
  setPipeSize(descriptor: number, byteLength: number): number
  /**
   * Moves at most `byteLength` bytes from one pipe into another, at once and without copying them. Gives their number, 0
   * at the end of a pipe that nobody writes to any more, -1 when one is empty or the other full.
   */
  splicePipe(from: number, to: number, byteLength: number): number
  /** Whether, within some time, a read of a descriptor would not wait: something has come, its end, or an error. */
  waitReadable(descriptor: number, milliseconds: number): Promise<boolean>
  /** fsync of a folder. */
  syncFolder(path: string | Buffer): Promise<void>
  /** Sets up io_uring for this thread, once. Throws what keeps it from being used: EPERM, ENOSYS, EMFILE, ENOMEM, ... */
  startRing(): void
  /** Bytes by which the view's first byte lies past a multiple of `alignment`. */
  misalignment(view: Uint8Array, alignment: number): number
  /**
   * Counts `byteLength` bytes more that writers of the process hold, on all threads; false when that would be more than
   * the cap. `always`: even then. `defaultCap` holds until somebody calls `setMemoryCap`.
   */
  takeMemory(byteLength: number, always: boolean, defaultCap: number): boolean
  giveMemory(byteLength: number): void
  setMemoryCap(byteLength: number): void
  memory(defaultCap: number): { capBytes: number; heldBytes: number }
  /**
   * Asks for large pages for a part of new memory, whose content is lost: none of its whole pages is resident any more.
   * False where the kernel has no large pages. Throws ERR_BUFFER_DETACHED for a part that it does not have.
   */
  preferLargePages(view: Uint8Array, viewOffset: number, byteLength: number): boolean
  /**
   * Gives memory a place, from which the ring writes without pinning its pages each time. Throws ENOMEM beyond
   * RLIMIT_MEMLOCK, ENOBUFS when the ring has no place left, ENXIO when it was not started.
   */
  registerBuffer(view: Uint8Array): number
  /**
   * Frees the place, unless it is negative, and gives whole pages back to the system. Their content is lost, the memory
   * stays usable.
   */
  releaseMemory(view: Uint8Array, place: number): void
  /**
   * Copies as `into.set` does, past the processor's caches where it can do that. Throws ERR_BUFFER_DETACHED for ranges
   * that the two do not have.
   */
  streamCopy(into: Uint8Array, intoOffset: number, from: Uint8Array, fromOffset: number, byteLength: number): void
  /**
   * What it takes to store to every line of some KiB of the first `byteLength` bytes of `view`, at least 16 KiB, whose
   * content is lost; and to copy as many bytes past the processor's caches. Throws ERR_BUFFER_DETACHED for more than the
   * view has.
   */
  storeCosts(view: Uint8Array, byteLength: number): { plainNs: number; streamedNs: number }
  readonly constants: {
    readonly O_PATH: number
    readonly O_TMPFILE: number
    readonly RWF_DONTCACHE: number
    readonly POSIX_FADV_DONTNEED: number
    readonly SEEK_SET: number
    readonly SEEK_CUR: number
    readonly SYNC_FILE_RANGE_WAIT_BEFORE: number
    readonly SYNC_FILE_RANGE_WRITE: number
    readonly SYNC_FILE_RANGE_WAIT_AFTER: number
    readonly pageSize: number
  }
}

/** Where binaries stand, the one built here first: in a clone it is the newest. */
function candidates(): string[] {
  const platform = `${process.platform}-${process.arch}`
  return [
    '../build/Release/uncached_io.node',
    `../prebuilds/${platform}-glibc/uncached_io.node`,
    `../prebuilds/${platform}-musl/uncached_io.node`,
  ].map((path) => fileURLToPath(new URL(path, import.meta.url)))
}

function load(): Binding {
  if (process.platform !== 'linux') {
    throw new UncachedIOError(
      'ERR_UNSUPPORTED_PLATFORM',
      `uncached-io writes on Linux only; this is ${process.platform}`,
    )
  }
  const require = createRequire(import.meta.url)
  const failures: string[] = []
  for (const path of candidates()) {
    try {
      return require(path) as Binding
    } catch (error) {
      if (codeOf(error) !== 'MODULE_NOT_FOUND') failures.push(`${path}: ${String(error)}`)
    }
  }
  throw new UncachedIOError(
    'ERR_NO_BINARY',
    `no binary of uncached-io for linux-${process.arch} could be loaded${failures.map((f) => `; ${f}`).join('')}. ` +
      'In a clone, `npm ci` builds it; elsewhere `npx node-gyp rebuild` in the package with node-addon-api installed.',
  )
}

let loaded: Binding | undefined

/**
 * The addon, loaded when it is first needed, so that importing the package works everywhere.
 *
 * @throws {UncachedIOError} ERR_UNSUPPORTED_PLATFORM, ERR_NO_BINARY
 */
export function binding(): Binding {
  loaded ??= load()
  return loaded
}
