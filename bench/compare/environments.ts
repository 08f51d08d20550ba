import type { Environment } from '../schema/environment.ts'
import type { Report } from '../schema/report.ts'
import { formatBytes } from '../units.ts'

type Fact = readonly [name: string, valueOf: (environment: Environment) => string]

const known = (value: string | number | null | undefined) =>
  value === null || value === undefined ? 'unknown' : `${value}`

const facts: readonly Fact[] = [
  ['kernel', ({ kernel }) => kernel],
  ['Node', ({ node }) => node],
  ['uncached-io', ({ packageVersion }) => packageVersion],
  ['CPU', ({ cpuCount, cpuModel }) => `${cpuCount} x ${cpuModel}`],
  ['memory', ({ memoryBytes }) => formatBytes(memoryBytes)],
  ['memory limit', ({ limits }) => (limits.memoryBytes === null ? 'none' : formatBytes(limits.memoryBytes))],
  ['file system', ({ fileSystemType, mountOptions }) => `${known(fileSystemType)} (${known(mountOptions)})`],
  ['disk', ({ disk }) => known(disk?.name)],
  ['I/O scheduler', ({ disk }) => known(disk?.scheduler)],
  ['write cache', ({ disk }) => known(disk?.writeCache)],
  ['container', ({ container }) => container ?? 'none seen'],
  ['FORCEDIRECTIO', ({ forceDirectIo }) => forceDirectIo ?? 'not set'],
]

/** What makes two reports hard to compare, a sentence each. */
export function differences(older: Report, newer: Report): string[] {
  const ofEnvironment = facts.flatMap(([name, valueOf]) => {
    const [before, after] = [valueOf(older.environment), valueOf(newer.environment)]
    return before === after ? [] : [`${name}: ${before} before, ${after} now`]
  })
  const ofWorkloads = newer.workloads.flatMap(({ name, bytes }) => {
    const before = older.workloads.find((workload) => workload.name === name)?.bytes ?? bytes
    return before === bytes ? [] : [`${name}: ${formatBytes(before)} before, ${formatBytes(bytes)} now`]
  })
  return [...ofEnvironment, ...ofWorkloads]
}
