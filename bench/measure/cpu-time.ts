import { readFileSync } from 'node:fs'

/** USER_HZ, in which the kernel counts for user space: 100 wherever Node runs. */
const TICKS_PER_SECOND = 100

/** CPU time of this process with its threads, and of the processes that it started and that have ended, to 10 ms. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6 + childrenCpuSeconds(readFileSync('/proc/self/stat', 'utf8'))
}

/**
 * `cutime` and `cstime` of proc_pid_stat(5), its 16th and 17th fields: of the processes waited for, and of those that they
 * waited for.
 *
 * @throws SyntaxError for what is no such line
 */
export function childrenCpuSeconds(stat: string): number {
  // The second field, a name in parentheses, may hold anything.
  const [, user, system] = /^.*\) \S(?: -?\d+){12} (\d+) (\d+) /s.exec(stat) ?? []
  if (user === undefined || system === undefined) throw new SyntaxError(`not the status of a process: ${stat}`)
  return (Number(user) + Number(system)) / TICKS_PER_SECOND
}
