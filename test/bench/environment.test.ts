import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { whatIsAround } from '../../bench/measure/around.ts'
import { containerKind, isVirtualMachine } from '../../bench/measure/container.ts'
import { describeDisk } from '../../bench/measure/disk.ts'
import { readEnvironment } from '../../bench/measure/environment.ts'
import { readDirtyLimits } from '../../bench/measure/limits.ts'
import { residentPeakBytes } from '../../bench/measure/resident-memory.ts'
import { packageFolder, packageVersion } from '../../bench/package.ts'
import { environmentSchema } from '../../bench/schema/environment.ts'
import { MIB } from '../../bench/units.ts'
import { temporaryFolder } from '../support/folders.ts'

/** A folder with these files. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder()
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}

describe('readEnvironment', () => {
  it('describes this machine in full, in the form of the report', async () => {
    const around = await whatIsAround(packageFolder)
    const environment = await readEnvironment(packageFolder, packageVersion, 'cachestat', around)
    expect(() => environmentSchema.parse(JSON.parse(JSON.stringify(environment)))).not.toThrow()
    expect(environment).toMatchObject({ node: process.version, packageVersion, footprintSource: 'cachestat' })
    expect(environment.dirtyLimits).toHaveProperty('dirty_ratio')
    expect(environment.limits.openFiles).toBeGreaterThan(0)
    expect(environment.disk === null).toBe('why' in around.device)
  })
})

describe('describeDisk', () => {
  const queue = {
    'sda/queue/scheduler': 'none [mq-deadline] kyber\n',
    'sda/queue/write_cache': 'write back\n',
    'sda/queue/rotational': '0\n',
    'sda/queue/logical_block_size': '512\n',
    'sda/queue/physical_block_size': '4096\n',
    'sda/size': '2048\n',
    'sda/device/model': 'Some Disk   \n',
  }
  const disk = {
    name: 'sda',
    model: 'Some Disk',
    rotational: false,
    scheduler: 'mq-deadline',
    writeCache: 'write back',
    logicalBlockBytes: 512,
    physicalBlockBytes: 4096,
    sizeBytes: MIB,
  }

  it('tells of a disk, also when it was asked for one of its partitions', async () => {
    const folder = folderWith({ ...queue, 'sda/stat': '', 'sda/sda1/stat': '', 'sda/sda1/partition': '1\n' })
    symlinkSync(join(folder, 'sda', 'sda1'), join(folder, 'link'))
    expect(await describeDisk({ name: 'sda', statPath: join(folder, 'sda', 'stat') })).toEqual(disk)
    expect(await describeDisk({ name: 'sda1', statPath: join(folder, 'link', 'stat') })).toEqual(disk)
  })

  it('says nothing of what the kernel does not tell', async () => {
    const folder = folderWith({ 'loop0/stat': '' })
    expect(await describeDisk({ name: 'loop0', statPath: join(folder, 'loop0', 'stat') })).toEqual({
      name: 'loop0',
      model: null,
      rotational: null,
      scheduler: null,
      writeCache: null,
      logicalBlockBytes: null,
      physicalBlockBytes: null,
      sizeBytes: null,
    })
  })
})

describe('containerKind', () => {
  it.each([
    ['kubernetes', { 'proc/1/cgroup': '0::/kubepods/besteffort/pod1\n' }],
    ['docker', { 'proc/1/cgroup': '4:memory:/docker/0123\n' }],
    ['podman', { 'run/.containerenv': '' }],
    ['systemd-nspawn', { 'proc/1/environ': 'A=1\0container=systemd-nspawn\0' }],
    ['docker (by /.dockerenv)', { '.dockerenv': '' }],
    [null, { 'proc/1/cgroup': '0::/init.scope\n' }],
  ])('sees %s', (kind, files) => {
    expect(containerKind(folderWith(files as Record<string, string>), {})).toBe(kind)
  })

  it('believes Kubernetes in what it tells each of its own', () => {
    expect(containerKind(folderWith({}), { KUBERNETES_SERVICE_HOST: '10.0.0.1' })).toBe('kubernetes')
  })
})

describe('isVirtualMachine', () => {
  it('goes by the flag of the CPU, and says nothing where there are no flags', () => {
    expect(isVirtualMachine(folderWith({ 'proc/cpuinfo': 'flags\t\t: fpu hypervisor sse\n' }))).toBe(true)
    expect(isVirtualMachine(folderWith({ 'proc/cpuinfo': 'flags\t\t: fpu sse\n' }))).toBe(false)
    expect(isVirtualMachine(folderWith({ 'proc/cpuinfo': 'Features : fp\n' }))).toBeNull()
  })
})

describe('readDirtyLimits', () => {
  it('takes those that are numbers, and nothing where nothing may be read', () => {
    const folder = folderWith({ dirty_ratio: '20\n', dirty_bytes: 'x\n', swappiness: '60\n' })
    expect(readDirtyLimits(folder)).toEqual({ dirty_ratio: 20 })
    expect(readDirtyLimits(join(folder, 'none'))).toEqual({})
  })
})

describe('residentPeakBytes', () => {
  it('is at least what is resident now, and grows with what is touched', () => {
    const before = residentPeakBytes()
    expect(before).toBeGreaterThan(0)
    const touched = Buffer.alloc(64 * MIB, 1)
    expect(residentPeakBytes()).toBeGreaterThanOrEqual(process.memoryUsage.rss())
    expect(touched.length).toBe(64 * MIB)
  })
})
