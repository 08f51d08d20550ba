import { EventEmitter, once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { MemorySample } from '../../bench/measure/memory-cgroup.ts'
import { MemorySampler } from '../../bench/measure/memory-sampler.ts'
import { TimeWeightedMean } from '../../bench/measure/time-weighted-mean.ts'

/** A cgroup that is charged with these bytes, one sample after the other, and with the last of them from then on. */
class ChargedCgroup extends EventEmitter {
  sampleCount = 0

  constructor(private readonly charges: readonly (number | Error)[]) {
    super()
  }

  async sample(): Promise<MemorySample> {
    const charge = this.charges[Math.min(this.sampleCount, this.charges.length - 1)]!
    this.sampleCount++
    if (this.sampleCount === this.charges.length) this.emit('last')
    if (charge instanceof Error) throw charge
    return {
      cacheBytes: charge,
      usageBytes: charge + 10,
      inactiveFileBytes: charge / 2,
      activeFileBytes: charge / 4,
      workingSetBytes: charge / 2 + 10,
      refaultedPages: 1000 + this.sampleCount,
      dirtyBytes: null,
      writebackBytes: charge / 10,
    }
  }
}

describe('MemorySampler', () => {
  it('tells the largest of each charge it saw, the mean of the cache, and how often it looked', async () => {
    const cgroup = new ChargedCgroup([100, 900, 300, 200])
    const last = once(cgroup, 'last')
    const sampler = new MemorySampler(cgroup)
    await last
    const figures = await sampler.stop()
    const { cacheMeanBytes, sampleCount, refaultedPages } = figures
    expect(figures).toMatchObject({
      cachePeakBytes: 900,
      usagePeakBytes: 910,
      workingSetPeakBytes: 460,
      activeFilePeakBytes: 225,
      inactiveFilePeakBytes: 450,
      writebackPeakBytes: 90,
      dirtyPeakBytes: null,
    })
    expect(cacheMeanBytes).toBeGreaterThan(100)
    expect(cacheMeanBytes).toBeLessThan(900)
    expect(refaultedPages, 'those since the first sample').toBe(sampleCount - 1)
    expect(sampleCount).toBe(cgroup.sampleCount)
    expect(sampleCount).toBeGreaterThanOrEqual(5)
  })

  it('looks once more when it is stopped, however early that is', async () => {
    const cgroup = new ChargedCgroup([100, 500])
    const charge = await new MemorySampler(cgroup).stop()
    expect(charge).toMatchObject({ cachePeakBytes: 500, sampleCount: 2 })
  })

  it('takes no more samples once it is stopped', async () => {
    const cgroup = new ChargedCgroup([1])
    const { sampleCount } = await new MemorySampler(cgroup).stop()
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(cgroup.sampleCount).toBe(sampleCount)
  })

  it('tells of the first sample that failed, and takes none after it', async () => {
    const cgroup = new ChargedCgroup([1, new Error('gone'), 2])
    const sampler = new MemorySampler(cgroup)
    while (cgroup.sampleCount < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    await expect(sampler.stop()).rejects.toThrow('gone')
    expect(cgroup.sampleCount).toBe(2)
  })

  it('tells of a last sample that failed', async () => {
    await expect(new MemorySampler(new ChargedCgroup([1, new Error('gone')])).stop()).rejects.toThrow('gone')
  })
})

function meanOf(...points: [atMs: number, value: number][]): number {
  const mean = new TimeWeightedMean()
  for (const [atMs, value] of points) mean.add(atMs, value)
  return mean.value()
}

describe('TimeWeightedMean', () => {
  it('counts a value by the time for which it lasts, not by how often it is seen', () => {
    expect(meanOf([1000, 10], [1001, 10], [1002, 10], [1102, 10])).toBe(10)
    expect(meanOf([1000, 0], [1090, 0], [1090, 100], [1091, 100], [1092, 100], [1100, 100])).toBe(10)
  })

  it('takes what is between two values to go straight', () => {
    expect(meanOf([0, 0], [10, 100])).toBe(50)
    expect(meanOf([5, 100], [15, 100], [25, 0])).toBe(75)
  })

  it('is the last value while no time has passed, and 0 without any', () => {
    expect(meanOf([7, 42])).toBe(42)
    expect(meanOf([7, 42], [7, 44])).toBe(44)
    expect(meanOf()).toBe(0)
  })
})
