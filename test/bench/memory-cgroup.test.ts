import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { MemoryCgroup } from '../../bench/measure/memory-cgroup.ts'
import { MemorySampler } from '../../bench/measure/memory-sampler.ts'
import { MIB } from '../../bench/units.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { withExitListener } from './exit-listener.ts'
import { demandCgroupsInCI, madeCgroup, namedCgroup, whyNoCgroup } from './real-cgroup.ts'

demandCgroupsInCI()

const folder = temporaryFolder()
const script = new URL('fixtures/cached-writer.mjs', import.meta.url)
const fileMebibytes = 64
/** Of what else the process reads into memory, and of what the kernel has not added up yet. */
const marginBytes = 8 * MIB
/** The kernel adds its numbers up every two seconds. */
const patience = { timeout: 20_000, interval: 50 }

describe.skipIf(whyNoCgroup !== null)(namedCgroup('a memory cgroup of the kernel'), () => {
  let cgroup: MemoryCgroup
  let exit: (code: number) => void
  let child: ChildProcess
  beforeEach(async () => {
    ;({ made: cgroup, exit } = await withExitListener(() => madeCgroup('test')))
    child = fork(script, [freshPath(folder), String(fileMebibytes)], { execArgv: [] })
    await once(child, 'spawn')
    await cgroup.add(child.pid!)
  })
  afterEach(async () => {
    child.kill('SIGKILL')
    await cgroup.remove()
  })

  async function tell(task: 'write' | 'drop'): Promise<void> {
    const done = once(child, 'message')
    child.send(task)
    await done
  }

  const cached = async () => (await cgroup.sample()).cacheBytes

  it('lies in the hierarchy of its version, and holds the process that was added', async () => {
    expect(existsSync(join(cgroup.path, cgroup.version === 1 ? 'memory.usage_in_bytes' : 'memory.current'))).toBe(true)
    expect(readFileSync(join(cgroup.path, 'cgroup.procs'), 'utf8')).toBe(`${child.pid}\n`)
    const itsCgroups = readFileSync(`/proc/${child.pid}/cgroup`, 'utf8')
    expect(itsCgroups).toContain(cgroup.path.slice(cgroup.path.lastIndexOf('/')))
  })

  it('is charged with the pages of a file that the process writes, until they are gone', async () => {
    const before = await cached()
    await tell('write')
    const bytes = fileMebibytes * MIB
    await vi.waitFor(async () => expect(await cached()).toBeGreaterThanOrEqual(before + bytes), patience)
    const sample = await cgroup.sample()
    const { cacheBytes, usageBytes, inactiveFileBytes, activeFileBytes, dirtyBytes, writebackBytes } = sample
    expect(cacheBytes).toBeLessThan(before + bytes + marginBytes)
    expect(usageBytes).toBeGreaterThanOrEqual(bytes)
    expect(inactiveFileBytes).toBeLessThanOrEqual(cacheBytes + marginBytes)
    expect(inactiveFileBytes + activeFileBytes).toBeGreaterThan(bytes - marginBytes)
    expect(sample.workingSetBytes).toBe(usageBytes - inactiveFileBytes)
    expect(sample.refaultedPages).toBeGreaterThanOrEqual(0)
    expect(dirtyBytes).toBeLessThanOrEqual(cacheBytes + marginBytes)
    expect(writebackBytes).toBeLessThanOrEqual(cacheBytes + marginBytes)
    await tell('drop')
    await vi.waitFor(async () => expect(await cached()).toBeLessThan(before + marginBytes), patience)
  })

  it('shows the peak of a charge that is gone in the end', async () => {
    let seenBytes = 0
    const sample = async () => {
      const seen = await cgroup.sample()
      seenBytes = Math.max(seenBytes, seen.cacheBytes)
      return seen
    }
    const sampler = new MemorySampler({ sample })
    await tell('write')
    await vi.waitFor(() => expect(seenBytes).toBeGreaterThanOrEqual(fileMebibytes * MIB), patience)
    await tell('drop')
    await vi.waitFor(async () => expect(await cached()).toBeLessThan(marginBytes), patience)
    const { cachePeakBytes: peakBytes, cacheMeanBytes: meanBytes, sampleCount } = await sampler.stop()
    expect(peakBytes).toBe(seenBytes)
    expect(peakBytes).toBeLessThan(fileMebibytes * MIB + 2 * marginBytes)
    expect(meanBytes).toBeGreaterThan(0)
    expect(meanBytes).toBeLessThan(peakBytes)
    expect(sampleCount).toBeGreaterThanOrEqual(2)
  })

  it('goes at once after its process was killed, and with what it is charged', async () => {
    await tell('write')
    child.kill('SIGKILL')
    await cgroup.remove()
    expect(existsSync(cgroup.path)).toBe(false)
  })

  it('is not removed from under a process', async () => {
    const removal = cgroup.remove()
    await expect(cgroup.sample()).resolves.toMatchObject({ cacheBytes: expect.any(Number) })
    child.kill('SIGKILL')
    await removal
    expect(existsSync(cgroup.path)).toBe(false)
  })

  it('goes when this process exits, with what runs in it', async () => {
    exit(0)
    expect(existsSync(cgroup.path)).toBe(false)
    await once(child, 'exit')
    expect(child.signalCode).toBe('SIGKILL')
  })

  it('takes no process that has ended', async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
    await expect(cgroup.add(child.pid!)).rejects.toMatchObject({ code: 'ESRCH' })
  })
})
