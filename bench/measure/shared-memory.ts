/** Two memory cgroups under one limit: what a writer and its neighbour in a container have. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../errors.ts'
import { type CgroupKernel, cgroupKernel } from './cgroup-kernel.ts'
import { type MemoryCgroup, makeCgroupIn, makeMemoryCgroup } from './memory-cgroup.ts'
import type { WhyNot } from './why-not.ts'

export interface SharedMemory {
  readonly limitBytes: number
  /** Each of them is counted by itself; both together cannot have more than the limit. */
  readonly writer: MemoryCgroup
  readonly neighbour: MemoryCgroup
  /** How many processes the kernel has killed because of the limit; `null` where it does not tell. */
  oomKills(): Promise<number | null>
  /** As {@link MemoryCgroup.remove}, for all of them. */
  remove(): Promise<void>
}

/** What stands in the files of a version. */
interface LimitFiles {
  readonly limit: string
  /** Written first, with its value: memory that is swapped out would escape from the limit. */
  readonly noSwap: readonly [file: string, value: string]
  readonly oom: string
}

const filesOfVersion: Readonly<Record<1 | 2, LimitFiles>> = {
  1: { limit: 'memory.limit_in_bytes', noSwap: ['memory.swappiness', '0'], oom: 'memory.oom_control' },
  // A kernel without swap has no such file.
  2: { limit: 'memory.max', noSwap: ['memory.swap.max', '0'], oom: 'memory.events' },
}

/**
 * Makes a cgroup with a hard limit, in which no process is, and two in it. They are swapped out to nowhere.
 *
 * @returns the reason where that is not possible
 */
export async function makeSharedMemory(
  limitBytes: number,
  kernel: CgroupKernel = cgroupKernel,
): Promise<SharedMemory | WhyNot> {
  const parent = await makeMemoryCgroup('shared', kernel)
  if ('why' in parent) return parent
  const made: MemoryCgroup[] = [parent]
  const removeAll = async () => {
    for (const cgroup of made.toReversed()) await cgroup.remove()
  }
  try {
    await setLimit(parent, limitBytes, kernel)
    const child = async (name: string) => {
      const cgroup = await makeCgroupIn(parent, name, kernel)
      made.push(cgroup)
      return cgroup
    }
    const [writer, neighbour] = [await child('writer'), await child('neighbour')]
    return { limitBytes, writer, neighbour, oomKills: () => oomKillsOf(parent, kernel), remove: removeAll }
  } catch (error) {
    await removeAll()
    return { why: `no limit can be set in ${parent.path}: ${messageOf(error)}` }
  }
}

async function setLimit({ version, path }: MemoryCgroup, limitBytes: number, kernel: CgroupKernel): Promise<void> {
  const { limit, noSwap } = filesOfVersion[version]
  const [file, value] = noSwap
  const exists = await access(join(path, file)).then(
    () => true,
    () => false,
  )
  if (exists) await kernel.write(join(path, file), value)
  await kernel.write(join(path, limit), String(limitBytes))
  if (version === 2) await kernel.write(join(path, 'cgroup.subtree_control'), '+memory')
}

/** The cgroup and those in it: v1 counts in each one for itself, v2 in those above as well. */
async function oomKillsOf({ version, path }: MemoryCgroup, kernel: CgroupKernel): Promise<number | null> {
  const { oom } = filesOfVersion[version]
  const folders = version === 1 ? [path, join(path, 'writer'), join(path, 'neighbour')] : [path]
  let sum = 0
  for (const folder of folders) {
    const text = await kernel.read(join(folder, oom)).catch(() => '')
    const [, count] = /^oom_kill (\d+)$/m.exec(text) ?? []
    if (count === undefined) return null
    sum += Number(count)
  }
  return sum
}
