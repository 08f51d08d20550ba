import { readFile, realpath } from 'node:fs/promises'
import os from 'node:os'
import type { Environment } from '../schema/environment.ts'
import type { Around } from './around.ts'
import { containerKind, isVirtualMachine } from './container.ts'
import { describeDisk } from './disk.ts'
import { readDirtyLimits, readLimits } from './limits.ts'
import { mountOf, parseMountInfo } from './mounts.ts'

/** @param dir the folder that is written to. */
export async function readEnvironment(
  dir: string,
  packageVersion: string,
  footprintSource: string,
  { cgroup, device, kernelThreads }: Around,
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
    disk: 'why' in device ? null : await describeDisk(device),
    dirtyLimits: readDirtyLimits(),
    limits: await readLimits(),
    container: containerKind(),
    virtualMachine: isVirtualMachine(),
    footprintSource,
    memoryCgroup: 'why' in cgroup ? cgroup.why : cgroup.version,
    countedDevice: 'why' in device ? device.why : device.name,
    kernelThreads,
    forceDirectIo: process.env.FORCEDIRECTIO ?? null,
  }
}
