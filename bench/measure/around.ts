/** What can be measured around a run on this machine, found out once. */
import { type BlockDevice, deviceOf } from './device-io.ts'
import { type MemoryCgroup, makeMemoryCgroup } from './memory-cgroup.ts'
import type { WhyNot } from './why-not.ts'

export interface Around {
  /** The version of memory cgroups that runs are put into. */
  readonly cgroup: { readonly version: 1 | 2 } | WhyNot
  readonly device: BlockDevice | WhyNot
}

/** @param dir the folder that is written to */
export async function whatIsAround(dir: string): Promise<Around> {
  const cgroup = await makeMemoryCgroup('try')
  if (!('why' in cgroup)) await cgroup.remove()
  return { cgroup: 'why' in cgroup ? cgroup : { version: cgroup.version }, device: await deviceOf(dir) }
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
