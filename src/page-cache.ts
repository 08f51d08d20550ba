import { constants } from 'node:fs'
import { statusOf } from './alignment.ts'
import { type Binding, binding, type NativeFile } from './binding.ts'
import { codeOf, notRegularFile } from './errors.ts'
import { hidesPages } from './file-system.ts'
import { type PathLike, pathOf } from './options.ts'

/** What of a file is in the page cache at one moment. */
export interface PageCacheResidency {
  /** Bytes of all pages of the file that are resident, whole pages. */
  residentBytes: number
  /** Bytes not yet written back; null where only mincore(2) answers. */
  dirtyBytes: number | null
  /** Bytes being written back; null where only mincore(2) answers. */
  writebackBytes: number | null
  /**
   * `cachestat`: Linux 6.5 and later. `mincore`: before, and on overlayfs, of whose files cachestat sees nothing; it counts
   * only pages whose content was read or written whole.
   */
  source: 'cachestat' | 'mincore'
}

/** The residency of an open file. */
export async function residencyOf(native: Binding, file: NativeFile): Promise<PageCacheResidency> {
  const { pageSize } = native.constants
  try {
    const { cachedPages, dirtyPages, writebackPages } = await file.cachestat()
    if (cachedPages === 0 && (await hidesPages(file))) return await mappedResidency(native, file)
    return {
      residentBytes: cachedPages * pageSize,
      dirtyBytes: dirtyPages * pageSize,
      writebackBytes: writebackPages * pageSize,
      source: 'cachestat',
    }
  } catch (error) {
    const code = codeOf(error)
    // ENOSYS: an older kernel. EPERM: a seccomp filter. EOPNOTSUPP: hugetlbfs.
    if (code !== 'ENOSYS' && code !== 'EPERM' && code !== 'EOPNOTSUPP') throw error
    return await mappedResidency(native, file)
  }
}

async function mappedResidency(native: Binding, file: NativeFile): Promise<PageCacheResidency> {
  const { size } = await file.fstat()
  const residentBytes = (await file.mincore(size)) * native.constants.pageSize
  return { residentBytes, dirtyBytes: null, writebackBytes: null, source: 'mincore' }
}

/**
 * How much of a file is in the page cache. Looking brings nothing into the cache. Needs permission to read the file;
 * mincore answers truly only to those who own the file or may write to it.
 *
 * @throws the kernel's error: ENOENT, EACCES, ...
 * @throws {UncachedIOError} ERR_NOT_REGULAR_FILE, ERR_UNSUPPORTED_PLATFORM, ERR_NO_BINARY
 */
export async function pageCacheOf(path: PathLike): Promise<PageCacheResidency> {
  return await withFile(path, residencyOf)
}

/**
 * Makes a file durable and drops it from the page cache, where it is not in use: mapped, or being written. Gives what is
 * left.
 *
 * @throws as `pageCacheOf`; the kernel's error of writing back: EIO, ENOSPC, ...
 */
export async function dropFromPageCache(path: PathLike): Promise<PageCacheResidency> {
  return await withFile(path, async (native, file) => {
    await file.fdatasync()
    await file.fadvise(0, 0, native.constants.POSIX_FADV_DONTNEED)
    return await residencyOf(native, file)
  })
}

async function withFile<T>(path: PathLike, work: (native: Binding, file: NativeFile) => Promise<T>): Promise<T> {
  const native = binding()
  const name = pathOf(path)
  // O_NONBLOCK: opening a pipe by mistake must fail, not wait for its writer.
  const file = await native.open(name, constants.O_RDONLY | constants.O_NONBLOCK, 0)
  try {
    const { isFile } = await statusOf(file)
    if (!isFile) throw notRegularFile(name)
    return await work(native, file)
  } finally {
    await file.close()
  }
}
