/** The limits that this process runs under. */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Environment } from '../schema/environment.ts'
import { cgroupKernel } from './cgroup-kernel.ts'
import { ownCgroup } from './own-cgroup.ts'
import { textOf } from './text-of.ts'

/** v1 says "no limit" with the largest multiple of a page that fits into 63 bits; nothing real is near to that. */
const NO_LIMIT_FROM = 2 ** 62

export async function readLimits(): Promise<Environment['limits']> {
  const memory = await foldersUpFrom('memory')
  const cpu = await foldersUpFrom('cpu')
  const processLimits = textOf('/proc/self/limits') ?? ''
  return {
    memoryBytes: smallest(
      memory.flatMap((folder) => [
        numberOf(join(folder, 'memory.limit_in_bytes')),
        numberOf(join(folder, 'memory.max')),
      ]),
    ),
    cpus: smallest(cpu.flatMap((folder) => [cpusV1(folder), cpusV2(folder)])),
    openFiles: softLimit(processLimits, 'Max open files'),
    lockedMemoryBytes: softLimit(processLimits, 'Max locked memory'),
  }
}

/** This process's cgroup and all above, as far as they can be seen. */
async function foldersUpFrom(controller: 'memory' | 'cpu'): Promise<string[]> {
  const own = await ownCgroup(controller, cgroupKernel)
  if ('why' in own) return []
  const folders = [own.folder]
  for (let folder = own.folder; folder !== own.mountPoint && folder.startsWith(own.mountPoint); ) {
    folder = dirname(folder)
    folders.push(folder)
  }
  return folders
}

function cpusV1(folder: string): number | null {
  const quota = numberOf(join(folder, 'cpu.cfs_quota_us'))
  const period = numberOf(join(folder, 'cpu.cfs_period_us'))
  return quota === null || period === null ? null : quota / period
}

/** `max 100000`, or the microseconds of CPU time in each period. */
function cpusV2(folder: string): number | null {
  const [, quota, period] = /^(\d+) (\d+)/.exec(textOf(join(folder, 'cpu.max')) ?? '') ?? []
  return quota === undefined || period === undefined ? null : Number(quota) / Number(period)
}

/** Above 0 and below "no limit", or `null`. */
function numberOf(path: string): number | null {
  const value = Number(textOf(path) ?? Number.NaN)
  return value > 0 && value < NO_LIMIT_FROM ? value : null
}

function smallest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.min(...known)
}

/** proc_pid_limits(5): the name, the soft limit, the hard one. */
function softLimit(limits: string, name: string): number | null {
  const line = limits.split('\n').find((each) => each.startsWith(name))
  const [, value] = /^\s+(\d+)/.exec(line?.slice(name.length) ?? '') ?? []
  return value === undefined ? null : Number(value)
}

/** How much may be dirty before it is written back: `vm.dirty_*`, those that are numbers. */
export function readDirtyLimits(folder = '/proc/sys/vm'): Readonly<Record<string, number>> {
  let names: string[] = []
  try {
    names = readdirSync(folder).filter((name) => name.startsWith('dirty_'))
  } catch {
    return {}
  }
  return Object.fromEntries(
    names
      .map((name) => [name, Number(textOf(join(folder, name)) ?? Number.NaN)] as const)
      .filter(([, value]) => Number.isFinite(value)),
  )
}
