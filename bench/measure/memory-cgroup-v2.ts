/** Where a memory cgroup may be made with version 2: Documentation/admin-guide/cgroup-v2.rst of the kernel. */
import { basename, dirname, join } from 'node:path'
import { codeOf, messageOf } from '../errors.ts'
import type { CgroupKernel } from './cgroup-kernel.ts'
import { type OwnCgroup, whyReadOnly } from './own-cgroup.ts'
import type { WhyNot } from './why-not.ts'

/**
 * A cgroup of this name is made by a person as the benchmark's own place: where the benchmark runs in it, the cgroup
 * above is there for the benchmark too, so that those of the runs are made beside it. In any other case they are made
 * below the benchmark's own cgroup, since a run must not get out of limits that were set for the benchmark.
 */
export const LEAF_NAME = 'uncached-io-bench'

/**
 * The folder in which a cgroup gets the memory controller.
 *
 * Below a cgroup the controller is there when `cgroup.subtree_control` names it. That cannot be switched on where
 * processes are in the cgroup itself ("no internal processes"; the root of the hierarchy alone is exempt), and this
 * process is in its own: so that a person has to make the place, unless the benchmark runs in the root. Other people's
 * processes are not moved about. Once switched on it stays so: another benchmark may have begun to count on it.
 */
export async function placeV2(own: OwnCgroup, kernel: CgroupKernel): Promise<string | WhyNot> {
  const place = basename(own.pathInMount) === LEAF_NAME ? dirname(own.folder) : own.folder
  const controllers = await wordsOf(join(place, 'cgroup.controllers'), kernel)
  if ('why' in controllers) return controllers
  if (!controllers.words.includes('memory')) {
    const has = controllers.words.join(', ') || 'none'
    const causes = 'the kernel has it switched off (cgroup_disable=memory), or a cgroup above does not hand it down'
    return { why: `${place} is not given the memory controller (it has ${has}): ${causes}; ${permissionV2(own)}` }
  }
  const handedDown = await wordsOf(join(place, 'cgroup.subtree_control'), kernel)
  if ('why' in handedDown) return handedDown
  if (handedDown.words.includes('memory')) return place
  return await handDown(place, own, kernel)
}

async function wordsOf(path: string, kernel: CgroupKernel): Promise<{ readonly words: string[] } | WhyNot> {
  try {
    return { words: (await kernel.read(path)).split(/\s+/).filter((word) => word !== '') }
  } catch (error) {
    return { why: `${path} cannot be read (${codeOf(error)}): is this cgroup still there?` }
  }
}

async function handDown(place: string, own: OwnCgroup, kernel: CgroupKernel): Promise<string | WhyNot> {
  const path = join(place, 'cgroup.subtree_control')
  try {
    await kernel.write(path, '+memory')
    return place
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EBUSY') {
      const rule = 'cgroup v2 gives no memory controller to those below a cgroup that has processes in it'
      return { why: `${rule}, as ${place} has: ${permissionV2(own)}` }
    }
    if (code === 'EROFS') return whyReadOnly(own)
    return { why: `${path} cannot be written to (${messageOf(error)}): ${permissionV2(own)}` }
  }
}

/**
 * How a person makes a place for the benchmark. A scope that systemd delegates is not enough, since the benchmark is in
 * the scope itself: the shell moves on into a cgroup below before it starts the benchmark.
 */
export function permissionV2({ mountPoint }: OwnCgroup): string {
  const user = process.getuid?.() === 0 ? '' : '--user '
  const steps = [
    `g=${mountPoint}$(sed -n s/^0:://p /proc/self/cgroup)`,
    `mkdir $g/${LEAF_NAME}`,
    `echo $$ >$g/${LEAF_NAME}/cgroup.procs`,
    'echo +memory >$g/cgroup.subtree_control',
    'npm run bench',
  ]
  return `run it as in \`systemd-run ${user}--scope -p Delegate=yes sh -c '${steps.join(' && ')}'\``
}
