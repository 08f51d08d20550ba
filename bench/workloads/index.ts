import { large } from './large.ts'
import { smallRecords } from './small-records.ts'
import type { Workload } from './workload.ts'

/** All workloads, in the order of the tables. A new one is added here and nowhere else. */
export const workloads: readonly Workload[] = [large, smallRecords]

/** @throws when there is no workload of this name; names from outside are checked where options are read. */
export function workloadNamed(name: string): Workload {
  const found = workloads.find((workload) => workload.name === name)
  if (found === undefined) throw new Error(`no workload is named ${name}`)
  return found
}
