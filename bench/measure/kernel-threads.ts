/** The CPU time of the kernel's own threads: what it does for writers after they have gone on. */
import { readdirSync } from 'node:fs'
import type { KernelCpu } from '../schema/run.ts'
import { textOf } from './text-of.ts'

/** The thread that makes all others of the kernel. */
const KTHREADD_PID = 2

/** The nanoseconds that each kernel thread was on a CPU since it was made, by its number. */
export type KernelCpuReading = ReadonlyMap<number, { readonly name: string; readonly onCpuNs: number }>

/** Which threads belong together, by their names. The first that fits counts. */
const groups: readonly (readonly [name: keyof KernelCpu, pattern: RegExp])[] = [
  ['reclaimSeconds', /^(kswapd|kcompactd)/],
  ['journalSeconds', /^(jbd2\/|xfsaild\/|xfs-|btrfs-)/],
  ['workersSeconds', /^(kworker\/|loop\d)/],
]

/** @returns `true`, or why kernel threads cannot be seen from here */
export async function kernelThreadsVisible(proc = '/proc'): Promise<true | string> {
  if (textOf(`${proc}/${KTHREADD_PID}/comm`) !== 'kthreadd') {
    return 'they cannot be seen from here (a container has processes of its own: run it with --pid=host)'
  }
  if (onCpuNsOf(proc, KTHREADD_PID) === null) return `the kernel does not tell (${proc}/PID/schedstat is missing)`
  return true
}

/**
 * Reads all of them: about 10 us a process, one after the other, since reading them at once through the thread pool takes
 * longer and disturbs what is measured. The times come from `schedstat` in nanoseconds; those in `stat` are in ticks of
 * 10 ms, as long as what a run of half a second makes a worker do.
 *
 * The threads that io_uring makes for a process (`iou-wrk-*`) are that process's own, and in its CPU time.
 */
export function readKernelCpu(proc = '/proc'): KernelCpuReading {
  const reading = new Map<number, { readonly name: string; readonly onCpuNs: number }>()
  for (const entry of readdirSync(proc)) {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) continue
    const name = kernelThreadName(proc, pid)
    const onCpuNs = name === null ? null : onCpuNsOf(proc, pid)
    if (name !== null && onCpuNs !== null) reading.set(pid, { name, onCpuNs })
  }
  return reading
}

/**
 * What they did between two readings, whoever they did it for. Threads that were made in between count whole; what those
 * did that ended in between is lost. CPU time in interrupts is nobody's and is missing as well.
 */
export function kernelCpuBetween(before: KernelCpuReading, after: KernelCpuReading): KernelCpu {
  const sums = { workersSeconds: 0, reclaimSeconds: 0, journalSeconds: 0, otherSeconds: 0 }
  for (const [pid, { name, onCpuNs }] of after) {
    // A worker's name says what it did last, so it is not the name that tells whether it is the same thread.
    const earlierNs = before.get(pid)?.onCpuNs ?? 0
    const [group = 'otherSeconds'] = groups.find(([, pattern]) => pattern.test(name)) ?? []
    // A number that is less than before is another thread's that got the same pid.
    sums[group] += (onCpuNs >= earlierNs ? onCpuNs - earlierNs : onCpuNs) / 1e9
  }
  return sums
}

/** `null` for a process that is none of the kernel's, or has gone. */
function kernelThreadName(proc: string, pid: number): string | null {
  // proc_pid_stat(5): the number, the name in parentheses (which may hold more of them), the state, the parent.
  const [, name, parent] = /^\d+ \((.*)\) \S (\d+) /s.exec(textOf(`${proc}/${pid}/stat`) ?? '') ?? []
  if (name === undefined) return null
  return pid === KTHREADD_PID || Number(parent) === KTHREADD_PID ? name : null
}

/** Documentation/scheduler/sched-stats.rst: the first number is the time on the CPU in nanoseconds. */
function onCpuNsOf(proc: string, pid: number): number | null {
  const [, onCpuNs] = /^(\d+) /.exec(textOf(`${proc}/${pid}/schedstat`) ?? '') ?? []
  return onCpuNs === undefined ? null : Number(onCpuNs)
}
