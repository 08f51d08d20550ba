/** What goes to and comes from the block device below a folder. */
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { codeOf } from '../errors.ts'
import { type Mount, mountOf, parseMountInfo } from './mounts.ts'
import type { WhyNot } from './why-not.ts'

export interface BlockDevice {
  /** The kernel's name, for example `vda`, `sda2` (a partition) or `dm-0`. */
  readonly name: string
  /** The file that {@link readDeviceBytes} reads. */
  readonly statPath: string
}

/**
 * What the device has done since it came up, for everybody: the difference of two readings is what happened between them,
 * by any process, by the kernel's writeback, by the file system's journal and metadata. Another writer on the device is
 * in it and cannot be told from ours.
 *
 * Counted when the device says that a transfer is complete. What is in flight, and what waits in the page cache, is not
 * in it: a sync before the second reading belongs to the measurement. Discards are not in it. A partition's numbers are
 * those of the partition alone. Of a layered device (device mapper, RAID, loop) they are what went into the layer, not
 * what the disks below made of it; a journal on a device of its own is not in it.
 */
export interface DeviceBytes {
  readonly readBytes: number
  readonly writtenBytes: number
}

/** Where to look. Tests put files of their own in the place of the kernel's. */
export interface DeviceSources {
  readonly mountInfoPath: string
  /** A folder with an entry for each block device, called `major:minor`. */
  readonly devicesFolder: string
  /** A folder with an entry for each btrfs, which holds the folder `devices`. */
  readonly btrfsFolder: string
  stat(path: string): Promise<{ readonly dev: bigint; readonly rdev: bigint; isBlockDevice(): boolean }>
}

export const deviceSources: DeviceSources = {
  mountInfoPath: '/proc/self/mountinfo',
  devicesFolder: '/sys/dev/block',
  btrfsFolder: '/sys/fs/btrfs',
  stat: (path) => stat(path, { bigint: true }),
}

/** The major number of devices that are none: of tmpfs, overlayfs, network file systems, and of btrfs's subvolumes. */
const ANONYMOUS_MAJOR = 0

/**
 * In Documentation/block/stat.rst of the kernel: "standard UNIX 512-byte sectors, not any device- or filesystem-specific
 * block size".
 */
const SECTOR_BYTES = 512

/** The third field of a device's `stat` is the sectors read, the seventh the sectors written. */
const READ_SECTORS_FIELD = 2
const WRITTEN_SECTORS_FIELD = 6

/**
 * Finds the device that a folder's files are on.
 *
 * @returns the reason where there is none, or more than one, or where it cannot be seen or does not count.
 * @throws ENOENT and the like when the folder is not there.
 */
export async function deviceOf(folder: string, sources: DeviceSources = deviceSources): Promise<BlockDevice | WhyNot> {
  const numbers = deviceNumbers((await sources.stat(folder)).dev)
  if (numbers.major !== ANONYMOUS_MAJOR) return await countingDevice(numbers, sources)
  const mountInfo = await readFile(sources.mountInfoPath, 'utf8')
  const mount = mountOf(await realpath(folder), parseMountInfo(mountInfo))
  if (mount === null) return { why: `${folder} is on no mount that ${sources.mountInfoPath} names` }
  return await deviceOfMount(folder, mount, sources)
}

/** @throws what the kernel says, and an error when the file is not in the format of a device's `stat`. */
export async function readDeviceBytes(device: Pick<BlockDevice, 'statPath'>): Promise<DeviceBytes> {
  try {
    return parseDeviceStat(await readFile(device.statPath, 'utf8'))
  } catch (error) {
    throw error instanceof SyntaxError ? new Error(`${device.statPath}: ${error.message}`, { cause: error }) : error
  }
}

/**
 * Reads a block device's `stat`: 11 numbers in a line, or more on newer kernels.
 *
 * @throws {SyntaxError} when it is something else.
 */
export function parseDeviceStat(text: string): DeviceBytes {
  const fields = text.trim().split(/\s+/)
  const [read, written] = [fields[READ_SECTORS_FIELD], fields[WRITTEN_SECTORS_FIELD]]
  if (read === undefined || written === undefined || !fields.every((field) => /^\d+$/.test(field))) {
    throw new SyntaxError(`not the numbers of a block device: ${JSON.stringify(text)}`)
  }
  return { readBytes: Number(read) * SECTOR_BYTES, writtenBytes: Number(written) * SECTOR_BYTES }
}

/**
 * Takes a device number apart as glibc's gnu_dev_major and gnu_dev_minor do: both halves were widened once, and their
 * upper bits put where there was room.
 */
export function deviceNumbers(device: bigint): { readonly major: number; readonly minor: number } {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n)
  return { major: Number(major), minor: Number(minor) }
}

async function countingDevice(
  { major, minor }: { readonly major: number; readonly minor: number },
  { devicesFolder }: DeviceSources,
): Promise<BlockDevice | WhyNot> {
  const entry = join(devicesFolder, `${major}:${minor}`)
  let folder: string
  try {
    folder = await realpath(entry)
  } catch (error) {
    return { why: `the block device ${major}:${minor} cannot be seen: ${entry} (${codeOf(error)}); is sysfs mounted?` }
  }
  const switchPath = await accountingSwitch(folder)
  const isCounting = await readFile(switchPath, 'utf8').catch((error: unknown) => {
    // Where there is no switch, it counts always.
    if (codeOf(error) === 'ENOENT') return '1'
    throw error
  })
  if (isCounting.trim() === '0') {
    return { why: `${basename(folder)} does not count what it does: as root, echo 1 >${switchPath}` }
  }
  return { name: basename(folder), statPath: join(folder, 'stat') }
}

/** A partition has no queue of its own: its device is the folder above. */
async function accountingSwitch(folder: string): Promise<string> {
  const isPartition = (await readdir(folder)).includes('partition')
  return join(isPartition ? dirname(folder) : folder, 'queue', 'iostats')
}

async function deviceOfMount(folder: string, mount: Mount, sources: DeviceSources): Promise<BlockDevice | WhyNot> {
  const { type, device } = mount
  if (type === 'overlay') {
    return { why: `${folder} is on overlayfs, which writes to a folder elsewhere: name one that is on a disk itself` }
  }
  const onNone = { why: `${folder} is on ${type} (${device}), which is on no block device` }
  if (!device.startsWith('/')) return onNone
  let found: BlockDevice | WhyNot
  try {
    const node = await sources.stat(device)
    if (!node.isBlockDevice()) return onNone
    found = await countingDevice(deviceNumbers(node.rdev), sources)
  } catch (error) {
    return { why: `${folder} is on ${type} (${device}), and that device cannot be seen from here (${codeOf(error)})` }
  }
  if ('why' in found || type !== 'btrfs') return found
  const others = await btrfsDevicesWith(found.name, sources)
  if ('why' in others) return others
  if (others.names.length === 1) return found
  return { why: `${folder} is on a btrfs of several devices, of which each writes a part: ${others.names.join(', ')}` }
}

/** A btrfs may spread over several devices, and a mount names but one of them. */
async function btrfsDevicesWith(
  name: string,
  { btrfsFolder }: DeviceSources,
): Promise<{ readonly names: readonly string[] } | WhyNot> {
  for (const fileSystem of await readdir(btrfsFolder).catch(() => [] as string[])) {
    // Beside the file systems there are folders of other kinds, which have no devices.
    const names = await readdir(join(btrfsFolder, fileSystem, 'devices')).catch(() => [] as string[])
    if (names.includes(name)) return { names }
  }
  return { why: `${btrfsFolder} does not tell whether the btrfs on ${name} is on other devices, too` }
}
