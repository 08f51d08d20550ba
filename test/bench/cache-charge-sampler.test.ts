import { EventEmitter, once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { CacheChargeSampler, TimeWeightedMean } from '../../bench/measure/cache-charge-sampler.ts'
import type { MemorySample } from '../../bench/measure/memory-cgroup.ts'

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
    return { cacheBytes: charge, usageBytes: charge, inactiveFileBytes: 0, dirtyBytes: null, writebackBytes: null }
  }
}

describe('CacheChargeSampler', () => {
  it('tells the largest charge it saw, the mean, and how often it looked', async () => {
    const cgroup = new ChargedCgroup([100, 900, 300, 200])
    const last = once(cgroup, 'last')
    const sampler = new CacheChargeSampler(cgroup)
    await last
    const { peakBytes, meanBytes, sampleCount } = await sampler.stop()
    expect(peakBytes).toBe(900)
    expect(meanBytes).toBeGreaterThan(100)
    expect(meanBytes).toBeLessThan(900)
    expect(sampleCount).toBe(cgroup.sampleCount)
    expect(sampleCount).toBeGreaterThanOrEqual(5)
  })

  it('looks once more when it is stopped, however early that is', async () => {
    const cgroup = new ChargedCgroup([100, 500])
    const charge = await new CacheChargeSampler(cgroup).stop()
    expect(charge).toMatchObject({ peakBytes: 500, sampleCount: 2 })
  })

  it('takes no more samples once it is stopped', async () => {
    const cgroup = new ChargedCgroup([1])
    const { sampleCount } = await new CacheChargeSampler(cgroup).stop()
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(cgroup.sampleCount).toBe(sampleCount)
  })

  it('tells of the first sample that failed, and takes none after it', async () => {
    const cgroup = new ChargedCgroup([1, new Error('gone'), 2])
    const sampler = new CacheChargeSampler(cgroup)
    while (cgroup.sampleCount < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    await expect(sampler.stop()).rejects.toThrow('gone')
    expect(cgroup.sampleCount).toBe(2)
  })

  it('tells of a last sample that failed', async () => {
    await expect(new CacheChargeSampler(new ChargedCgroup([1, new Error('gone')])).stop()).rejects.toThrow('gone')
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
