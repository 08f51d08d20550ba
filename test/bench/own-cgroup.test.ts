import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cgroupKernel } from '../../bench/measure/cgroup-kernel.ts'
import { ownMemoryCgroup, parseOwnCgroups } from '../../bench/measure/own-cgroup.ts'
import { temporaryFolder } from '../support/folders.ts'

const folder = temporaryFolder()

/** Finds the cgroup where the kernel's two files hold this. */
async function found(ownCgroups: string, mountInfo: string) {
  const [ownCgroupPath, mountInfoPath] = [join(folder, 'cgroup'), join(folder, 'mountinfo')]
  writeFileSync(ownCgroupPath, ownCgroups)
  writeFileSync(mountInfoPath, mountInfo)
  return await ownMemoryCgroup({ ...cgroupKernel, ownCgroupPath, mountInfoPath })
}

const v1Mount = '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n'
const v2Mount = '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n'

describe('parseOwnCgroups', () => {
  it('reads hierarchies of one controller, of several and of none, named ones, and paths with colons', () => {
    expect(parseOwnCgroups('9:name=systemd:/\n4:cpu,cpuacct:/a:b/c\n0::/user.slice\n\nbroken\n')).toEqual([
      { controllers: ['name=systemd'], path: '/' },
      { controllers: ['cpu', 'cpuacct'], path: '/a:b/c' },
      { controllers: [], path: '/user.slice' },
    ])
  })
})

describe('the memory cgroup of this process', () => {
  it('is the one of v1 where v1 has the controller, also when v2 is there, too', async () => {
    const cpuMount = '32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n'
    expect(await found('4:memory:/jobs/7\n1:cpu:/\n0::/else\n', cpuMount + v1Mount + v2Mount)).toEqual({
      version: 1,
      mountPoint: '/sys/fs/cgroup/memory',
      pathInMount: '/jobs/7',
      folder: '/sys/fs/cgroup/memory/jobs/7',
    })
  })

  it('is the one of v2 where v1 does not have the controller', async () => {
    expect(await found('1:cpu:/\n0::/user.slice/a.scope\n', v1Mount.replace('memory\n', 'cpu\n') + v2Mount)).toEqual({
      version: 2,
      mountPoint: '/sys/fs/cgroup/unified',
      pathInMount: '/user.slice/a.scope',
      folder: '/sys/fs/cgroup/unified/user.slice/a.scope',
    })
  })

  it('is found below the part of the hierarchy that a container is shown', async () => {
    const shown = v1Mount.replace(' / ', ' /docker/abc ')
    expect(await found('4:memory:/docker/abc\n', shown)).toMatchObject({
      pathInMount: '/',
      folder: '/sys/fs/cgroup/memory',
    })
    expect(await found('4:memory:/docker/abc/sub\n', shown)).toMatchObject({
      pathInMount: '/sub',
      folder: '/sys/fs/cgroup/memory/sub',
    })
  })

  it('is found by names with a backslash, which mountinfo writes in octal digits', async () => {
    const shown = v2Mount.replace(' / ', ' /dev\\134x2dvda.service ')
    expect(await found('0::/dev\\x2dvda.service/in\n', shown)).toMatchObject({ pathInMount: '/in' })
  })

  it('is found by the later of two mounts at one place', async () => {
    const shown = v2Mount.replace(' / ', ' /user.slice ')
    expect(await found('0::/user.slice/a\n', v2Mount + shown)).toMatchObject({ pathInMount: '/a' })
    expect(await found('0::/user.slice/a\n', shown + v2Mount)).toMatchObject({ pathInMount: '/user.slice/a' })
  })

  it('is not found where it is outside of what can be seen', async () => {
    const shown = v2Mount.replace(' / ', ' /docker/abc ')
    const outside =
      "this process's cgroup /docker/abcd is in no mount of the cgroup v2 hierarchy with the memory controller " +
      '(/sys/fs/cgroup/unified shows /docker/abc): mount it here, or run outside'
    expect(await found('0::/docker/abcd\n', shown)).toEqual({ why: outside })
    expect(await found('0::/../other\n', v2Mount)).toMatchObject({ why: expect.stringContaining('/../other is in no') })
  })

  it('is not found where the hierarchy is not mounted, which a command mends', async () => {
    expect(await found('4:memory:/\n0::/\n', v2Mount)).toEqual({
      why:
        'the cgroup v1 hierarchy with the memory controller is not mounted: as root, ' +
        'mount -t cgroup -o memory none FOLDER',
    })
    expect(await found('0::/\n', v1Mount)).toMatchObject({ why: expect.stringContaining('mount -t cgroup2 none') })
  })

  it('is not there without a controller, or without cgroups', async () => {
    expect(await found('1:cpu:/\n', v1Mount)).toMatchObject({ why: expect.stringContaining('no memory controller') })
    const missing = join(folder, 'missing')
    expect(await ownMemoryCgroup({ ...cgroupKernel, ownCgroupPath: missing })).toEqual({
      why: `this process's cgroup cannot be found: ENOENT: no such file or directory, open '${missing}'`,
    })
  })
})
