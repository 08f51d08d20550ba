/** File systems made for a while, on loop devices. Needs root. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export type Kind = 'ext4' | 'xfs' | 'btrfs' | 'tmpfs' | 'overlay'
export type OnDisk = 'ext4' | 'xfs' | 'btrfs'

export interface FileSystemOptions {
  /** Logical sector in bytes: 4096 is what "4Kn" disks have. */
  readonly sectorSize?: 512 | 4096
  readonly mebibytes?: number
}

export interface FileSystem {
  /** Where it is mounted. */
  readonly folder: string
  /** Unmounts and removes it. May be called again. */
  readonly remove: () => void
  /** Mounts it again with options of mount(8), for example `ro`. */
  remount(options: string): void
}

/** Where file systems are made, and by whom: what a process that was killed has left is removed by the next one. */
export interface Site {
  /** Holds the images; on a file system that can hold loop devices. */
  readonly dir: string
  /** Folders of this name, with the number of the process that made them behind it, hold a mount point. */
  readonly prefix: string
}

// mkfs and losetup stand in sbin, which is not in everybody's PATH.
const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }

/** What is needed, and the Debian package that has it. */
const tools: readonly (readonly [tool: string, debianPackage: string])[] = [
  ['losetup', 'mount'],
  ['fallocate', 'util-linux'],
  ['mount', 'mount'],
  ['umount', 'mount'],
  ['mkfs.ext4', 'e2fsprogs'],
  ['mkfs.xfs', 'xfsprogs'],
  ['mkfs.btrfs', 'btrfs-progs'],
]

/** 320 MiB: xfs makes nothing below 300. */
const DEFAULT_MEBIBYTES = 320
/** A minute is far more than any of these commands needs; one that takes longer hangs. */
const TIME_LIMIT_MS = 60_000
const mountPoint = 'mounted'
/** Of overlayfs: what is below it. */
const below = 'below'

/** Why file systems can't be made here; null when they can. */
export function whyNoFileSystems(): string | null {
  if (process.getuid?.() !== 0) return 'needs root'
  const missing = tools.filter(([tool]) => !isInstalled(tool))
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, debianPackage]) => debianPackage))]
    return `needs ${missing.map(([tool]) => tool).join(', ')} (Debian: apt-get install ${packages.join(' ')})`
  }
  return existsSync('/dev/loop-control') ? null : 'needs loop devices'
}

export function isInstalled(tool: string): boolean {
  return env.PATH.split(':').some((folder) => existsSync(join(folder, tool)))
}

/**
 * Makes and mounts a file system.
 *
 * @throws what the tool says that failed; then nothing is left
 */
export function makeFileSystem(kind: Kind, site: Site, options: FileSystemOptions = {}): FileSystem {
  const { sectorSize = 512, mebibytes = DEFAULT_MEBIBYTES } = options
  removeLeftovers(site)
  const work = mkdtempSync(join(site.dir, `${site.prefix}${process.pid}-`))
  const folder = join(work, mountPoint)
  mkdirSync(folder)
  try {
    if (kind === 'tmpfs') run('mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder)
    else if (kind === 'overlay') mountOverlay(work, folder, sectorSize, mebibytes)
    else mountImage(kind, join(work, 'image'), folder, sectorSize, mebibytes)
  } catch (error) {
    removeWork(work)
    throw error
  }
  return {
    folder,
    remove: () => removeWork(work),
    remount: (changes) => run('mount', '-o', `remount,${changes}`, folder),
  }
}

/** What processes left that were killed. */
export function removeLeftovers({ dir, prefix }: Site): void {
  for (const name of readdirSync(dir)) {
    if (!name.startsWith(prefix)) continue
    const [pid] = name.slice(prefix.length).split('-')
    if (!existsSync(`/proc/${pid}`)) removeWork(join(dir, name))
  }
}

function removeWork(work: string): void {
  for (const name of [mountPoint, below]) {
    const folder = join(work, name)
    if (!existsSync(folder)) continue
    unmount(folder)
    rmdirSync(folder)
  }
  rmSync(work, { recursive: true, force: true })
}

/** An ext4 with two folders in it, of which one is laid over the other, which is empty. */
function mountOverlay(work: string, folder: string, sectorSize: number, mebibytes: number): void {
  const lowest = join(work, below)
  mkdirSync(lowest)
  mountImage('ext4', join(work, 'image'), lowest, sectorSize, mebibytes)
  const [lower, upper, scratch] = ['lower', 'upper', 'work'].map((name) => join(lowest, name)) as [
    string,
    string,
    string,
  ]
  for (const each of [lower, upper, scratch]) mkdirSync(each)
  run('mount', '-t', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${scratch}`, 'overlay', folder)
}

/** Once mounted, device and image belong to the mount alone: both go when it goes. */
function mountImage(kind: OnDisk, image: string, folder: string, sectorSize: number, mebibytes: number): void {
  try {
    run('fallocate', '-l', `${mebibytes}M`, image)
    const device = attach(image, sectorSize)
    try {
      makeOn(kind, device)
      run('mount', '-t', kind, device, folder)
    } finally {
      // A device in use is detached when it no longer is.
      run('losetup', '--detach', device)
    }
  } finally {
    rmSync(image, { force: true })
  }
}

/** With direct I/O, where the file system of the image can: its pages would be in the cache a second time otherwise. */
function attach(image: string, sectorSize: number): string {
  const args = ['--find', '--show', '--sector-size', String(sectorSize)]
  try {
    return run('losetup', ...args, '--direct-io=on', image).trim()
  } catch {
    return run('losetup', ...args, image).trim()
  }
}

/** Makes a file system on a device or in an image. */
export function makeOn(kind: OnDisk, device: string): void {
  // ext4: no blocks kept for root, so that full is full; all of its tables written at once, so that no thread of the
  // kernel writes in the background.
  if (kind === 'ext4') run('mkfs.ext4', '-q', '-F', '-m', '0', '-E', 'lazy_itable_init=0', device)
  else run(`mkfs.${kind}`, '-q', '-f', device)
}

/** Something may still hold it for a moment: an addon's thread that closes the last file. */
function unmount(folder: string): void {
  for (let attempt = 1; attempt <= 10; attempt++) {
    try {
      run('umount', folder)
      return
    } catch (error) {
      const { stderr } = error as { stderr?: string }
      if (stderr?.includes('not mounted')) return
    }
    run('sleep', '0.2')
  }
  run('umount', '--lazy', folder)
}

/** @returns what the command printed; throws when it fails, or takes a minute */
export function run(command: string, ...commandArguments: string[]): string {
  return execFileSync(command, commandArguments, {
    encoding: 'utf8',
    env,
    timeout: TIME_LIMIT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
