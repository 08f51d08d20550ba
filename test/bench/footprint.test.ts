import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { type FootprintNow, footprintOf, residentBytesOf } from '../../bench/measure/footprint.ts'
import { FootprintSampler } from '../../bench/measure/footprint-sampler.ts'
import { ThinnedSeries } from '../../bench/measure/thinned-series.ts'
import { packageFolder } from '../../bench/package.ts'
import { KIB } from '../../bench/units.ts'

const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Written through the page cache, of which it takes whole pages. */
function cachedFile(path: string, bytes: number): void {
  writeFileSync(path, Buffer.alloc(bytes, 1))
}

describe('residentBytesOf', () => {
  it('tells of a file', async () => {
    cachedFile(join(folder, 'one'), 64 * KIB)
    expect(await residentBytesOf(join(folder, 'one'))).toBe(64 * KIB)
  })

  it('adds up all files in a folder and its folders, each link once', async () => {
    const top = join(folder, 'top')
    mkdirSync(join(top, 'a', 'b'), { recursive: true })
    cachedFile(join(top, 'x'), 16 * KIB)
    cachedFile(join(top, 'a', 'y'), 32 * KIB)
    cachedFile(join(top, 'a', 'b', 'z'), 64 * KIB)
    symlinkSync(join(top, 'x'), join(top, 'link'))
    expect(await residentBytesOf(top)).toBe(112 * KIB)
  })

  it('rejects when there is nothing of that name', async () => {
    await expect(residentBytesOf(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('footprintOf', () => {
  it('tells what of a file is not written back yet, where the kernel knows', async () => {
    const path = join(folder, 'dirty')
    cachedFile(path, 64 * KIB)
    const { residentBytes, dirtyBytes, writebackBytes } = await footprintOf(path)
    expect(residentBytes).toBe(64 * KIB)
    // mincore, of older kernels, knows nothing of it.
    if (dirtyBytes !== null) expect(dirtyBytes + (writebackBytes ?? 0)).toBeLessThanOrEqual(64 * KIB)
    const handle = openSync(path, 'r+')
    fsyncSync(handle)
    closeSync(handle)
    const after = await footprintOf(path)
    expect(after.dirtyBytes === null || after.dirtyBytes === 0).toBe(true)
  })
})

/** What the kernel would say, one answer after the other, and the last one from then on. */
function answers(...all: (FootprintNow | Error)[]) {
  let asked = 0
  const ask = async () => {
    const answer = all[Math.min(asked++, all.length - 1)]!
    if (answer instanceof Error) throw answer
    return answer
  }
  return { ask, allAsked: async () => await vi.waitFor(() => expect(asked).toBeGreaterThan(all.length)) }
}

describe('FootprintSampler', () => {
  it('keeps peaks that are gone in the end, and the curve', async () => {
    const { ask, allAsked } = answers(
      { residentBytes: 10, dirtyBytes: 10, writebackBytes: 0 },
      { residentBytes: 90, dirtyBytes: 20, writebackBytes: 70 },
      { residentBytes: 0, dirtyBytes: 0, writebackBytes: 0 },
    )
    const sampler = new FootprintSampler('file', ask)
    await allAsked()
    const { series, ...peaks } = await sampler.stop()
    expect(peaks).toEqual({ peakBytes: 90, dirtyPeakBytes: 20, writebackPeakBytes: 70 })
    expect(series.slice(0, 3).map(([, bytes]) => bytes)).toEqual([10, 90, 0])
  })

  it('waits for the file to be made, and says nothing of what the kernel does not know', async () => {
    const missing = Object.assign(new Error('none yet'), { code: 'ENOENT' })
    const { ask, allAsked } = answers(missing, { residentBytes: 5, dirtyBytes: null, writebackBytes: null })
    const sampler = new FootprintSampler('file', ask)
    await allAsked()
    expect(await sampler.stop()).toMatchObject({ peakBytes: 5, dirtyPeakBytes: null, writebackPeakBytes: null })
  })

  it('tells of any other error', async () => {
    const { ask } = answers(Object.assign(new Error('not today'), { code: 'EPERM' }))
    await expect(new FootprintSampler('file', ask).stop()).rejects.toThrow('not today')
  })
})

function seriesOf(count: number, bytesAt: (index: number) => number) {
  const series = new ThinnedSeries()
  for (let i = 0; i < count; i++) series.add(i * 20, bytesAt(i))
  return series.value()
}

describe('ThinnedSeries', () => {
  it('keeps everything that is little', () => {
    expect(seriesOf(3, (i) => i)).toEqual([
      [0, 0],
      [20, 1],
      [40, 2],
    ])
  })

  it.each([120, 121, 1000, 100_000])('keeps the peak of %d samples in few points, in order', (count) => {
    const peakAt = Math.floor(count * 0.7)
    const points = seriesOf(count, (i) => (i === peakAt ? 1e9 : i))
    expect(points.length).toBeLessThanOrEqual(120)
    expect(points.length).toBeGreaterThanOrEqual(60)
    expect(points.find(([, bytes]) => bytes === 1e9)).toEqual([peakAt * 20, 1e9])
    expect(points.map(([atMs]) => atMs)).toEqual(points.map(([atMs]) => atMs).toSorted((a, b) => a - b))
    expect(points.at(-1)![0]).toBeGreaterThan(0.95 * count * 20)
  })
})
