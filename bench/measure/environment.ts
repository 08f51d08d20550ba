import { readFile, realpath } from 'node:fs/promises'
import os from 'node:os'
import type { Around } from './around.ts'
import { mountOf, parseMountInfo } from './mounts.ts'

/** Where the numbers come from: without it they cannot be compared with any others. */
export interface Environment {
  readonly kernel: string
  readonly node: string
  readonly packageVersion: string
  readonly cpuModel: string
  /** CPUs that this process may use. */
  readonly cpuCount: number
  readonly memoryBytes: number
  /** Of the last minute, when the benchmark began: what else the machine had to do. */
  readonly loadAverage: number
  readonly fileSystemType: string | null
  readonly mountOptions: string | null
  readonly superOptions: string | null
  readonly device: string | null
  /** The system call that the footprint comes from. */
  readonly footprintSource: string
  /** The memory cgroups that runs are put into: their version, or why there are none. */
  readonly memoryCgroup: 1 | 2 | string
  /** The block device whose reads and writes are counted, or why there is none. */
  readonly countedDevice: string
  /** `FORCEDIRECTIO` as set in the environment: it decides which subjects can run. */
  readonly forceDirectIo: string | null
}

/** @param dir the folder that is written to. */
export async function readEnvironment(
  dir: string,
  packageVersion: string,
  footprintSource: string,
  { cgroup, device }: Around,
): Promise<Environment> {
  const mountInfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  const mount = mountOf(await realpath(dir), parseMountInfo(mountInfo))
  return {
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    packageVersion,
    cpuModel: os.cpus()[0]?.model.trim() ?? 'unknown',
    cpuCount: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    loadAverage: os.loadavg()[0] ?? 0,
    fileSystemType: mount?.type ?? null,
    mountOptions: mount?.mountOptions ?? null,
    superOptions: mount?.superOptions ?? null,
    device: mount?.device ?? null,
    footprintSource,
    memoryCgroup: 'why' in cgroup ? cgroup.why : cgroup.version,
    countedDevice: 'why' in device ? device.why : device.name,
    forceDirectIo: process.env.FORCEDIRECTIO ?? null,
  }
}
