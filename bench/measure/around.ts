/** What can be measured around a run on this machine, found out once. */
import { type BlockDevice, deviceOf } from './device-io.ts'
import { kernelThreadsVisible } from './kernel-threads.ts'
import { type MemoryCgroup, makeMemoryCgroup } from './memory-cgroup.ts'
import { makeSharedMemory, type SharedMemory } from './shared-memory.ts'
import type { WhyNot } from './why-not.ts'

export interface Around {
  /** The version of memory cgroups that runs are put into. */
  readonly cgroup: { readonly version: 1 | 2 } | WhyNot
  readonly device: BlockDevice | WhyNot
  /** Whether the CPU time of kernel threads can be seen, or why not. */
  readonly kernelThreads: true | string
}

/** @param dir the folder that is written to */
export async function whatIsAround(dir: string): Promise<Around> {
  const cgroup = await makeMemoryCgroup('try')
  if (!('why' in cgroup)) await cgroup.remove()
  return {
    cgroup: 'why' in cgroup ? cgroup : { version: cgroup.version },
    device: await deviceOf(dir),
    kernelThreads: await kernelThreadsVisible(),
  }
}

/**
 * A cgroup for one run; `null` where none can be had.
 *
 * @throws when it could be had before and can't now: a column of which some runs are missing would mislead
 */
export async function makeCgroup(around: Around): Promise<MemoryCgroup | null> {
  if ('why' in around.cgroup) return null
  const made = await makeMemoryCgroup('run')
  if ('why' in made) throw new Error(`no memory cgroup any more: ${made.why}`)
  return made
}

/** Two of them below one limit, likewise. */
export async function makeShared(around: Around, limitBytes: number): Promise<SharedMemory | null> {
  if ('why' in around.cgroup) return null
  const made = await makeSharedMemory(limitBytes)
  if ('why' in made) throw new Error(`no memory cgroup with a limit: ${made.why}`)
  return made
}
