import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

export type Kind = 'ext4' | 'xfs' | 'btrfs' | 'tmpfs'

export interface FileSystemOptions {
  /** Logical sector in bytes: 4096 is what "4Kn" disks have. */
  sectorSize?: 512 | 4096
  mebibytes?: number
}

export interface FileSystem {
  /** Where it is mounted. */
  readonly folder: string
  /** Unmounts and removes it. To be called however the tests end; what a killed run left, the next one removes. */
  remove(): void
  /** Mounts it again with options of mount(8), for example `ro`. */
  remount(options: string): void
}

// mkfs and losetup stand in sbin, which is not in everybody's PATH.
const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }
const tools = ['losetup', 'fallocate', 'mount', 'umount', 'mkfs.ext4', 'mkfs.xfs', 'mkfs.btrfs']

/** 320 MiB: xfs makes nothing below 300. */
const defaultMebibytes = 320

/** A minute is far more than any of these commands needs; one that takes longer hangs. */
const timeLimitMs = 60_000

/** Folders of this name, with the number of the process that made them behind it, hold a mount point. */
const prefix = 'uncached-io-mount-'
const mountPoint = 'mounted'

/** Why file systems can't be made here; null when they can. */
export const whyNot: string | null = reasonAgainst()

function reasonAgainst(): string | null {
  if (process.getuid?.() !== 0) return 'needs root'
  const folders = env.PATH.split(':')
  const missing = tools.filter((tool) => !folders.some((folder) => existsSync(join(folder, tool))))
  if (missing.length > 0) return `needs ${missing.join(', ')}: run scripts/install-test-tools.sh`
  return existsSync('/dev/loop-control') ? null : 'needs loop devices'
}

/** The name of a group of tests, with the reason for which it does not run. */
export function named(name: string): string {
  return whyNot === null ? name : `${name} (skipped: ${whyNot})`
}

/** With CI=true nothing may be skipped: a test that fails instead. */
export function demandFileSystemsInCI(): void {
  test('file systems can be made here, or nobody demands it', () => {
    if (process.env.CI === 'true') expect(whyNot).toBeNull()
  })
}

/** Makes and mounts a file system. */
export function mounted(kind: Kind, options: FileSystemOptions = {}): FileSystem {
  const { sectorSize = 512, mebibytes = defaultMebibytes } = options
  removeLeftovers()
  const work = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`))
  const folder = join(work, mountPoint)
  mkdirSync(folder)
  try {
    if (kind === 'tmpfs') run('mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder)
    else mountImage(kind, join(work, 'image'), folder, sectorSize, mebibytes)
  } catch (error) {
    remove(work)
    throw error
  }
  return {
    folder,
    remove: () => remove(work),
    remount: (changes) => run('mount', '-o', `remount,${changes}`, folder),
  }
}

/** What test runs left that were killed: their process is gone. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = new RegExp(`^${prefix}(\\d+)-`).exec(name) ?? []
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) remove(join(tmpdir(), name))
  }
}

function remove(work: string): void {
  const folder = join(work, mountPoint)
  if (existsSync(folder)) {
    unmount(folder)
    rmdirSync(folder)
  }
  rmSync(work, { recursive: true, force: true })
}

/** Once mounted, device and image belong to the mount alone: both go when it goes. */
function mountImage(
  kind: Exclude<Kind, 'tmpfs'>,
  image: string,
  folder: string,
  sectorSize: number,
  mebibytes: number,
): void {
  try {
    run('fallocate', '-l', `${mebibytes}M`, image)
    const device = run('losetup', '--find', '--show', '--sector-size', String(sectorSize), image).trim()
    try {
      makeFileSystem(kind, device)
      run('mount', '-t', kind, device, folder)
    } finally {
      // A device in use is detached when it no longer is.
      run('losetup', '--detach', device)
    }
  } finally {
    rmSync(image, { force: true })
  }
}

function makeFileSystem(kind: Exclude<Kind, 'tmpfs'>, device: string): void {
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

function run(command: string, ...commandArguments: string[]): string {
  return execFileSync(command, commandArguments, {
    encoding: 'utf8',
    env,
    timeout: timeLimitMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
