import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, test } from 'vitest'
import {
  type BlockDevice,
  type DeviceBytes,
  type DeviceSources,
  deviceNumbers,
  deviceOf,
  deviceSources,
  parseDeviceStat,
  readDeviceBytes,
} from '../../bench/measure/device-io.ts'
import { MIB } from '../../bench/units.ts'
import { openWriter } from '../../src/index.ts'
import { demandFileSystemsInCI, type FileSystem, mounted, named, whyNot } from '../filesystem/file-systems.ts'
import { alignedBytes } from '../support/bytes.ts'
import { temporaryFolder } from '../support/folders.ts'
import { expectMode } from '../support/mode.ts'

demandFileSystemsInCI()

/** As of a virtio disk on Linux 6.18. */
const stat17 =
  ' 1925376    36155 108402645   373532  7226455  1299208 6626836771 12396373        0  1976588 13279263   310045' +
  '       37 6655099184   502172   206875     7185\n'

describe("a device's numbers", () => {
  it('are in sectors of 512 bytes, of which the third is those read and the seventh those written', () => {
    const bytes = { readBytes: 108_402_645 * 512, writtenBytes: 6_626_836_771 * 512 }
    expect(parseDeviceStat(stat17)).toEqual(bytes)
    // Before discards (4.18) and flushes (5.5) were counted.
    expect(parseDeviceStat(stat17.trim().split(/\s+/).slice(0, 11).join(' '))).toEqual(bytes)
  })

  it('are not taken from anything else', () => {
    for (const text of ['', '\n', '1 2 3 4 5 6', '1 2 3 4 5 6 -7 8 9 10 11', 'a 2 3 4 5 6 7 8 9 10 11']) {
      expect(() => parseDeviceStat(text)).toThrow(SyntaxError)
    }
  })

  it('are refused with the name of the file', async () => {
    const statPath = join(temporaryFolder(), 'stat')
    writeFileSync(statPath, 'nothing\n')
    await expect(readDeviceBytes({ statPath })).rejects.toThrow(`${statPath}: not the numbers of a block device`)
    await expect(readDeviceBytes({ statPath: `${statPath}-not` })).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('deviceNumbers', () => {
  it.each([
    [0x801n, 8, 1],
    [0xfe00n, 254, 0],
    [0x10300n, 259, 0],
    // More than 8 bits of the minor number, and more than 12 of the major one.
    [0x10_fd2cn, 253, 300],
    [0x1000_0002_3400n, 0x1234, 0],
    [0xffff_ffff_ffff_ffffn, 0xffff_ffff, 0xffff_ffff],
  ])('takes %i apart as glibc does', (device, major, minor) => {
    expect(deviceNumbers(device)).toEqual({ major, minor })
  })
})

interface Fake {
  /** The folder's device number, and that of each device node. */
  readonly dev: bigint
  readonly nodes?: Readonly<Record<string, bigint>>
  readonly mountInfo?: string
}

const [sda, sda1, anonymous] = [0x800n, 0x801n, 0x2dn]

/** A disk with a partition, in files as sysfs has them. */
function fakeSources({ dev, nodes = {}, mountInfo = '' }: Fake): DeviceSources & { readonly root: string } {
  const root = realpathSync(temporaryFolder())
  const at = (...path: string[]) => join(root, ...path)
  for (const path of ['sda/sda1', 'sda/queue', 'block', 'btrfs/features']) mkdirSync(at(path), { recursive: true })
  writeFileSync(at('sda/stat'), stat17)
  writeFileSync(at('sda/queue/iostats'), '1\n')
  writeFileSync(at('sda/sda1/stat'), stat17)
  writeFileSync(at('sda/sda1/partition'), '1\n')
  symlinkSync('../sda', at('block/8:0'))
  symlinkSync('../sda/sda1', at('block/8:1'))
  writeFileSync(at('mountinfo'), mountInfo)
  return {
    root,
    mountInfoPath: at('mountinfo'),
    devicesFolder: at('block'),
    btrfsFolder: at('btrfs'),
    stat: async (path) => {
      const rdev = nodes[path]
      if (rdev === undefined && path.startsWith('/dev/')) throw Object.assign(new Error('none'), { code: 'ENOENT' })
      return { dev, rdev: rdev ?? 0n, isBlockDevice: () => rdev !== undefined }
    },
  }
}

const mountOf = (type: string, device: string) => `27 1 0:45 / / rw,relatime - ${type} ${device} rw\n`

describe('deviceOf', () => {
  it('finds a disk, or a partition, by the number of the folder', async () => {
    const disk = fakeSources({ dev: sda })
    expect(await deviceOf('/', disk)).toEqual({ name: 'sda', statPath: join(disk.root, 'sda/stat') })
    const partition = fakeSources({ dev: sda1 })
    expect(await deviceOf('/', partition)).toEqual({ name: 'sda1', statPath: join(partition.root, 'sda/sda1/stat') })
  })

  it.each([sda, sda1])('says that a device does not count, and how to make it: %i', async (dev) => {
    const sources = fakeSources({ dev })
    const path = join(sources.root, 'sda/queue/iostats')
    writeFileSync(path, '0\n')
    expect(await deviceOf('/', sources)).toEqual({
      why: `${dev === sda ? 'sda' : 'sda1'} does not count what it does: as root, echo 1 >${path}`,
    })
  })

  it('says that a device cannot be seen', async () => {
    const sources = fakeSources({ dev: 0x900n })
    expect(await deviceOf('/', sources)).toEqual({
      why: `the block device 9:0 cannot be seen: ${sources.devicesFolder}/9:0 (ENOENT); is sysfs mounted?`,
    })
  })

  it('takes the device of the mount where the folder has an anonymous number', async () => {
    const nodes = { '/dev/sda1': sda1 }
    const sources = fakeSources({ dev: anonymous, nodes, mountInfo: mountOf('btrfs', '/dev/sda1') })
    mkdirSync(join(sources.btrfsFolder, 'one/devices/sda1'), { recursive: true })
    expect(await deviceOf('/', sources)).toMatchObject({ name: 'sda1' })
  })

  it('takes none of the devices of a btrfs that has several, or may have', async () => {
    const nodes = { '/dev/sda1': sda1 }
    const sources = fakeSources({ dev: anonymous, nodes, mountInfo: mountOf('btrfs', '/dev/sda1') })
    expect(await deviceOf('/', sources)).toMatchObject({ why: expect.stringContaining('does not tell whether') })
    for (const name of ['sda1', 'sdb']) mkdirSync(join(sources.btrfsFolder, 'two/devices', name), { recursive: true })
    expect(await deviceOf('/', sources)).toEqual({
      why: '/ is on a btrfs of several devices, of which each writes a part: sda1, sdb',
    })
  })

  it.each([
    ['overlay', 'overlay', 'overlayfs, which writes to a folder elsewhere'],
    ['tmpfs', 'tmpfs', 'tmpfs (tmpfs), which is on no block device'],
    ['nfs4', 'server:/export', 'nfs4 (server:/export), which is on no block device'],
    ['virtiofs', '/not/a/device', 'virtiofs (/not/a/device), which is on no block device'],
    ['btrfs', '/dev/gone', 'btrfs (/dev/gone), and that device cannot be seen from here (ENOENT)'],
  ])('says why there is none on %s (%s)', async (type, device, text) => {
    const sources = fakeSources({ dev: anonymous, mountInfo: mountOf(type, device) })
    expect(await deviceOf('/', sources)).toEqual({ why: expect.stringContaining(`/ is on ${text}`) })
  })

  it('says that a folder is on no mount', async () => {
    const sources = fakeSources({ dev: anonymous })
    expect(await deviceOf('/', sources)).toEqual({ why: `/ is on no mount that ${sources.mountInfoPath} names` })
  })

  it('finds none below /proc, and fails for a folder that is not there', async () => {
    expect(await deviceOf('/proc')).toEqual({ why: '/proc is on proc (proc), which is on no block device' })
    await expect(deviceOf(join(temporaryFolder(), 'none'), deviceSources)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe.skipIf(whyNot !== null)(named('the device of a file system of its own'), () => {
  let fileSystem: FileSystem
  afterEach(() => fileSystem.remove())

  const writtenMebibytes = 32
  /** Of journal, metadata and what the file system writes on its own. */
  const marginBytes = 4 * MIB

  async function deviceHere(): Promise<BlockDevice> {
    const device = await deviceOf(fileSystem.folder)
    if ('why' in device) throw new Error(device.why)
    expect(device.name).toMatch(/^loop\d+$/)
    return device
  }

  /** Writes a file, and tells what happened on the device meanwhile. */
  async function writeOn(device: BlockDevice): Promise<DeviceBytes> {
    const before = await readDeviceBytes(device)
    const writer = await openWriter(join(fileSystem.folder, 'file'), { strategy: 'direct' })
    expectMode(writer, 'direct')
    const piece = alignedBytes(MIB)
    for (let i = 0; i < writtenMebibytes; i++) await writer.write(piece)
    await writer.end()
    const after = await readDeviceBytes(device)
    return { readBytes: after.readBytes - before.readBytes, writtenBytes: after.writtenBytes - before.writtenBytes }
  }

  test.each([
    ['ext4', 512],
    ['ext4', 4096],
    ['xfs', 512],
  ] as const)('counts what is written, and little more: %s with sectors of %i bytes', async (kind, sectorSize) => {
    fileSystem = mounted(kind, { sectorSize })
    const { readBytes, writtenBytes } = await writeOn(await deviceHere())
    expect(writtenBytes).toBeGreaterThanOrEqual(writtenMebibytes * MIB)
    expect(writtenBytes).toBeLessThanOrEqual(writtenMebibytes * MIB + marginBytes)
    expect(readBytes).toBeLessThanOrEqual(marginBytes)
  })

  test('is found below btrfs, whose folders have numbers of no device', async () => {
    fileSystem = mounted('btrfs')
    const { writtenBytes } = await writeOn(await deviceHere())
    expect(writtenBytes).toBeGreaterThanOrEqual(writtenMebibytes * MIB)
  })

  test('is not there for tmpfs', async () => {
    fileSystem = mounted('tmpfs')
    const why = `${fileSystem.folder} is on tmpfs (tmpfs), which is on no block device`
    expect(await deviceOf(fileSystem.folder)).toEqual({ why })
  })
})
