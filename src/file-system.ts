import { statusOf } from './alignment.ts'
import type { Binding, NativeFile } from './binding.ts'
import { codeOf } from './errors.ts'

/** Kinds of file systems by their number in linux/magic.h. ext2, ext3 and ext4 share one. */
const names: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  2240043254: 'ramfs',
  2035054128: 'overlayfs',
  1702057286: 'fuse',
  26985: 'nfs',
  4283649346: 'cifs',
  4266872130: 'smb2',
  16914839: '9p',
  12805120: 'ceph',
  4076150800: 'f2fs',
  801189825: 'zfs',
  3393526350: 'bcachefs',
}

/** On which file system a file stands. */
export interface FileSystem {
  /** `ext4`, `xfs`, ...; the number in hexadecimal for one that is not known here; `unknown` where the kernel may not be asked. */
  readonly name: string
  /** What tells two of a kind apart. */
  readonly id: string
}

export async function fileSystemOf(file: NativeFile): Promise<FileSystem> {
  try {
    const { type, id } = await file.fstatfs()
    return { name: names[type] ?? `0x${type.toString(16)}`, id }
  } catch (error) {
    const code = codeOf(error)
    // Seccomp filters.
    if (code === 'ENOSYS' || code === 'EPERM') return { name: 'unknown', id: '' }
    throw error
  }
}

/** Asked once for each open file: a footprint is looked at again and again. */
const hidden = new WeakMap<NativeFile, boolean>()

/**
 * Whether cachestat sees nothing of a file because its pages belong to another one underneath, which a mapping shows: so
 * it is on overlayfs.
 */
export async function hidesPages(file: NativeFile): Promise<boolean> {
  const known = hidden.get(file)
  if (known !== undefined) return known
  const hides = (await fileSystemOf(file)).name === 'overlayfs'
  hidden.set(file, hides)
  return hides
}

/** What results that hold for a whole file system are kept under. */
export async function fileSystemKey(native: Binding, folder: string | Buffer): Promise<FileSystem & { key: string }> {
  const file = await native.open(folder, native.constants.O_PATH, 0)
  try {
    const { device, mount = '' } = await statusOf(file)
    const fileSystem = await fileSystemOf(file)
    // Device numbers, and with them the id of some file systems, are given to the next file system on the same device.
    return { ...fileSystem, key: `${device} ${mount} ${fileSystem.name} ${fileSystem.id}` }
  } finally {
    await file.close()
  }
}
