import { constants } from 'node:fs'
import { type Binding, binding, type FileStatus, type NativeFile } from './binding.ts'
import { codeOf, notRegularFile, UncachedIOError } from './errors.ts'
import { type PathLike, pathOf } from './options.ts'
import { isPowerOfTwo } from './plan.ts'

/** What a file asks of direct transfers, in bytes, and from where that is known. */
export interface Alignment {
  /** The memory address is a multiple of this. */
  memory: number
  /** File offset and length are multiples of this: one block. */
  offset: number
  /** Offsets and lengths of reads are multiples of this. */
  readOffset: number
  /** `statx`: the kernel gave exact values. `default`: it cannot say for this file; 4096 suits every disk known. */
  source: 'statx' | 'default'
}

/** Where the kernel cannot say: the page, and the largest logical sector that disks have. */
const defaultAlignment: Alignment = { memory: 4096, offset: 4096, readOffset: 4096, source: 'default' }

/** A status without alignment where statx is not known (before Linux 4.11) or not allowed (seccomp filters). */
export async function statusOf(file: NativeFile): Promise<FileStatus> {
  try {
    return await file.statx()
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOSYS' || code === 'EPERM') return await file.fstat()
    throw error
  }
}

/**
 * The alignment in a status.
 *
 * @throws {UncachedIOError} ERR_DIRECT_UNSUPPORTED where the file system says that direct I/O is not possible
 */
export function alignmentIn(status: FileStatus, path: string): Alignment {
  const { dio } = status
  if (dio === undefined) return { ...defaultAlignment }
  if (dio.memory === 0 || dio.offset === 0) {
    throw new UncachedIOError(
      'ERR_DIRECT_UNSUPPORTED',
      `the file system cannot do direct I/O on '${path}' (statx gives alignment 0)`,
      { path, syscall: 'statx' },
    )
  }
  // A read of whole blocks must do, so a larger read alignment makes the block larger.
  const readOffset = status.dioRead || dio.offset
  if (![dio.memory, dio.offset, readOffset].every(isPowerOfTwo)) {
    throw new UncachedIOError(
      'ERR_DIRECT_UNSUPPORTED',
      `statx gives alignments ${dio.memory}/${dio.offset}/${readOffset} for '${path}', not powers of two`,
      { path, syscall: 'statx' },
    )
  }
  return { memory: dio.memory, offset: Math.max(dio.offset, readOffset), readOffset, source: 'statx' }
}

/**
 * What a file asks of direct I/O. For a folder, what a file made in it would ask, where the file system can make one
 * without a name (O_TMPFILE). Opens without reading or writing anything.
 *
 * @throws {UncachedIOError} ERR_DIRECT_UNSUPPORTED, ERR_NOT_REGULAR_FILE, ERR_UNSUPPORTED_PLATFORM
 * @throws the kernel's error: ENOENT, EACCES, ...
 */
export async function alignmentOf(path: PathLike): Promise<Alignment> {
  const native = binding()
  const name = pathOf(path)
  const file = await native.open(name, native.constants.O_PATH, 0)
  try {
    const status = await statusOf(file)
    if (status.isFolder) return await alignmentInFolder(native, name)
    if (!status.isFile) {
      throw notRegularFile(name)
    }
    return alignmentIn(status, String(name))
  } finally {
    await file.close()
  }
}

async function alignmentInFolder(native: Binding, folder: string | Buffer): Promise<Alignment> {
  const file = await native.open(folder, native.constants.O_TMPFILE | constants.O_RDWR, 0o600)
  try {
    return alignmentIn(await statusOf(file), String(folder))
  } finally {
    await file.close()
  }
}
