import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { kernelCpuBetween, kernelThreadsVisible, readKernelCpu } from '../../bench/measure/kernel-threads.ts'
import { temporaryFolder } from '../support/folders.ts'

/** A folder like /proc, in which `[pid, name, parent, nanoseconds on the CPU]` stand. */
function procWith(...processes: [pid: number, name: string, parent: number, onCpuNs: number][]): string {
  const proc = temporaryFolder()
  for (const [pid, name, parent, onCpuNs] of processes) {
    const folder = join(proc, String(pid))
    mkdirSync(folder)
    writeFileSync(join(folder, 'comm'), `${name}\n`)
    writeFileSync(join(folder, 'stat'), `${pid} (${name}) S ${parent} 0 0 0 -1\n`)
    writeFileSync(join(folder, 'schedstat'), `${onCpuNs} 5 7\n`)
  }
  mkdirSync(join(proc, 'self'))
  return proc
}

describe('readKernelCpu', () => {
  it('takes the threads of the kernel, whatever is in their names, and no others', () => {
    const proc = procWith(
      [1, 'init', 0, 9e9],
      [2, 'kthreadd', 0, 1e9],
      [7, 'kworker/u8:2-flush-254:0', 2, 2e9],
      [8, 'odd) S 1 (name', 2, 3e9],
      [9, 'kswapd0', 1, 9e9],
    )
    const reading = readKernelCpu(proc)
    expect([...reading.keys()].toSorted((a, b) => a - b)).toEqual([2, 7, 8])
    expect(reading.get(7)).toEqual({ name: 'kworker/u8:2-flush-254:0', onCpuNs: 2e9 })
  })

  it('reads this machine', async () => {
    const visible = await kernelThreadsVisible()
    // In a container of its own it says why not.
    if (visible !== true) expect(visible).toContain('pid=host')
    else expect(readKernelCpu().size).toBeGreaterThan(5)
  })
})

describe('kernelThreadsVisible', () => {
  it('says why not where the second process is another one, or the kernel keeps no times', async () => {
    expect(await kernelThreadsVisible(procWith([2, 'node', 1, 0]))).toContain('--pid=host')
    const proc = procWith([2, 'kthreadd', 0, 0])
    expect(await kernelThreadsVisible(proc)).toBe(true)
    writeFileSync(join(proc, '2', 'schedstat'), '')
    expect(await kernelThreadsVisible(proc)).toContain('schedstat is missing')
  })
})

describe('kernelCpuBetween', () => {
  it('adds up by what the threads do, also those that are new and those that have another name by now', () => {
    const before = readKernelCpu(
      procWith([2, 'kthreadd', 0, 0], [7, 'kworker/0:1-events', 2, 1e9], [8, 'kswapd0', 2, 1e9], [9, 'gone', 2, 5e9]),
    )
    const after = readKernelCpu(
      procWith(
        [2, 'kthreadd', 0, 0.5e9],
        [7, 'kworker/0:1-flush-254:0', 2, 3e9],
        [8, 'kswapd0', 2, 1.25e9],
        [10, 'jbd2/vda-8', 2, 0.125e9],
        [11, 'kworker/1:2', 2, 1e9],
      ),
    )
    expect(kernelCpuBetween(before, after)).toEqual({
      workersSeconds: 3,
      reclaimSeconds: 0.25,
      journalSeconds: 0.125,
      otherSeconds: 0.5,
    })
  })

  it('does not count backwards when a number is another thread now', () => {
    const before = readKernelCpu(procWith([7, 'kworker/0:1', 2, 5e9]))
    const after = readKernelCpu(procWith([7, 'kworker/0:9', 2, 1e9]))
    expect(kernelCpuBetween(before, after).workersSeconds).toBe(1)
  })
})
