/** Which cgroup this process is in, and in which folder that one can be seen from here. */
import { join } from 'node:path'
import { messageOf } from '../errors.ts'
import type { CgroupKernel } from './cgroup-kernel.ts'
import { type Mount, parseMountInfo } from './mounts.ts'
import type { WhyNot } from './why-not.ts'

export interface OwnCgroup {
  /** Of the hierarchy that has the controller: on machines with both, one of them has it. */
  readonly version: 1 | 2
  /** Where the hierarchy, or the part of it that can be seen from here, is mounted. */
  readonly mountPoint: string
  /** The cgroup's path below the mount point: `/`, or `/a/b`. */
  readonly pathInMount: string
  /** Its folder. */
  readonly folder: string
}

/** Containers have their cgroups mounted like that. */
export function whyReadOnly({ mountPoint }: OwnCgroup): WhyNot {
  return { why: `${mountPoint} is mounted read-only, as in containers: run outside of one, or in a privileged one` }
}

/** A line of `/proc/self/cgroup`. */
export interface CgroupMembership {
  /** Of a v1 hierarchy, for example `['cpu', 'cpuacct']`. Empty for v2, which is one hierarchy for all. */
  readonly controllers: readonly string[]
  readonly path: string
}

export async function ownMemoryCgroup(kernel: CgroupKernel): Promise<OwnCgroup | WhyNot> {
  return await ownCgroup('memory', kernel)
}

/**
 * Finds the cgroup that this process is in, in the hierarchy that has a controller. In a container the paths are those that
 * the container's cgroup namespace shows.
 */
export async function ownCgroup(controller: 'memory' | 'cpu', kernel: CgroupKernel): Promise<OwnCgroup | WhyNot> {
  let memberships: CgroupMembership[]
  let mounts: Mount[]
  try {
    memberships = parseOwnCgroups(await kernel.read(kernel.ownCgroupPath))
    mounts = parseMountInfo(await kernel.read(kernel.mountInfoPath))
  } catch (error) {
    return { why: `this process's cgroup cannot be found: ${messageOf(error)}` }
  }
  const v1 = memberships.find(({ controllers }) => controllers.includes(controller))
  if (v1 !== undefined) {
    const fitting = mounts.filter(
      ({ type, superOptions }) => type === 'cgroup' && superOptions.split(',').includes(controller),
    )
    return folderIn(1, v1.path, fitting, controller, `mount -t cgroup -o ${controller} none FOLDER`)
  }
  const v2 = memberships.find(({ controllers }) => controllers.length === 0)
  if (v2 === undefined) {
    return {
      why: `the kernel has no ${controller} controller: ${kernel.ownCgroupPath} names none (cgroup_disable=${controller}?)`,
    }
  }
  const fitting = mounts.filter(({ type }) => type === 'cgroup2')
  return folderIn(2, v2.path, fitting, controller, 'mount -t cgroup2 none FOLDER')
}

/** Reads `/proc/self/cgroup`; cgroups(7) describes it. A path may hold colons. */
export function parseOwnCgroups(text: string): CgroupMembership[] {
  const memberships: CgroupMembership[] = []
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    memberships.push({ controllers: controllers === '' ? [] : controllers.split(','), path })
  }
  return memberships
}

function folderIn(
  version: 1 | 2,
  path: string,
  mounts: readonly Mount[],
  controller: string,
  command: string,
): OwnCgroup | WhyNot {
  // Of two at the same place the later one hides the earlier.
  for (const { mountPoint, root } of mounts.toReversed()) {
    const pathInMount = pathBelow(root, path)
    if (pathInMount === null) continue
    return {
      version,
      mountPoint,
      pathInMount,
      folder: pathInMount === '/' ? mountPoint : join(mountPoint, pathInMount),
    }
  }
  const hierarchy = `the cgroup v${version} hierarchy with the ${controller} controller`
  if (mounts.length === 0) return { why: `${hierarchy} is not mounted: as root, ${command}` }
  const seen = mounts.map(({ mountPoint, root }) => `${mountPoint} shows ${root}`).join(', ')
  return {
    why: `this process's cgroup ${path} is in no mount of ${hierarchy} (${seen}): mount it here, or run outside`,
  }
}

/** `path` as seen from `root`; `null` when it is not below. A path with `..` leads out of a cgroup namespace. */
function pathBelow(root: string, path: string): string | null {
  const prefix = root === '/' ? '' : root
  if (path !== root && !path.startsWith(`${prefix}/`)) return null
  const below = path.slice(prefix.length)
  if (below.split('/').includes('..')) return null
  return below === '' ? '/' : below
}
