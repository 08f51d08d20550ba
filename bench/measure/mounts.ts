/** Which file system a folder is on. */

export interface Mount {
  /** The folder of the file system that is seen at the mount point: `/` for the whole of it. */
  readonly root: string
  readonly mountPoint: string
  readonly type: string
  /** What is mounted: a block device such as `/dev/vda`, or a name such as `tmpfs`. */
  readonly device: string
  readonly mountOptions: string
  readonly superOptions: string
}

/** Reads `/proc/self/mountinfo`; proc_pid_mountinfo(5) describes its fields. Lines it cannot read are left out. */
export function parseMountInfo(text: string): Mount[] {
  const mounts: Mount[] = []
  for (const line of text.split('\n')) {
    // Between the options and the separator there are any number of optional fields.
    const [before = '', after] = line.split(' - ', 2)
    const [, , , root, mountPoint, mountOptions] = before.split(' ')
    const [type, device, superOptions] = after?.split(' ') ?? []
    if (root === undefined || mountPoint === undefined || mountOptions === undefined || type === undefined) continue
    mounts.push({
      root: unescape(root),
      mountPoint: unescape(mountPoint),
      type,
      device: unescape(device ?? ''),
      mountOptions,
      superOptions: superOptions ?? '',
    })
  }
  return mounts
}

/** Blanks and the like are written as a backslash and three octal digits. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** The mount that a folder (absolute, symbolic links resolved) is on, or `null`. */
export function mountOf(folder: string, mounts: readonly Mount[]): Mount | null {
  let found: Mount | null = null
  for (const mount of mounts) {
    const prefix = mount.mountPoint.endsWith('/') ? mount.mountPoint : `${mount.mountPoint}/`
    if (!`${folder}/`.startsWith(prefix)) continue
    // The deepest one counts; of two at the same place, the later one hides the earlier.
    if (found === null || mount.mountPoint.length >= found.mountPoint.length) found = mount
  }
  return found
}
