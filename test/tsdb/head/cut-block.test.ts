import { readdirSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listBlocks } from '../../../bench/tsdb/block/folders.ts'
import { HIGH, LOW, TIME_MS_MAX } from '../../../bench/tsdb/chunks/samples.ts'
import { cutBlock } from '../../../bench/tsdb/head/cut-block.ts'
import { Head } from '../../../bench/tsdb/head/head.ts'
import { labelsOf } from '../../../bench/tsdb/labels.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { readBlock, settingsOf } from '../support/blocks.ts'
import { headOf } from '../support/heads.ts'
import { labelPool } from '../support/merge-cases.ts'
import { bitsOf, contentOf, regular, type Series, STALE_NAN_BITS, series } from '../support/series.ts'

const settings = settingsOf('direct')
const RANGE_MS = 1000

/** The series with the samples that are from `minTime` on and before `maxTime`. */
function between(all: readonly Series[], minTime: number, maxTime: number): Series[] {
  return all
    .map(({ labels, samples }) => ({ labels, samples: samples.filter(([t]) => t >= minTime && t < maxTime) }))
    .filter(({ samples }) => samples.length > 0)
}

describe('a block that is cut from a head', () => {
  it('has the samples of its range, and says so', async () => {
    const dataFolder = temporaryFolder()
    const all = [regular({ b: '1' }, 0, 400, 10), regular({ a: '1' }, 1999, 1), regular({ c: '1' }, 999, 2)]
    const head = headOf(RANGE_MS, all)
    const meta = await cutBlock(dataFolder, settings, head, 1000, 2000)
    const found = await readBlock(dataFolder, meta!.ulid)
    expect(contentOf(found.series)).toEqual(contentOf(between(all, 1000, 2000)))
    expect(found.meta).toEqual(meta)
    expect(meta).toMatchObject({
      minTime: 1000,
      maxTime: 2000,
      stats: { numSeries: 3, numSamples: 102, numChunks: 3 },
      compaction: { level: 1, sources: [meta!.ulid] },
    })
    expect(meta!.compaction).not.toHaveProperty('parents')
    expect(await listBlocks(dataFolder)).toEqual([meta])
  })

  it('is none when there are no samples', async () => {
    const dataFolder = temporaryFolder()
    const head = headOf(RANGE_MS, [regular({ a: '1' }, 0, 10), regular({ b: '1' }, 2000, 10)])
    expect(await cutBlock(dataFolder, settings, head, 1000, 2000)).toBe(null)
    expect(await cutBlock(dataFolder, settings, new Head(RANGE_MS), 0, 1000)).toBe(null)
    expect(readdirSync(dataFolder)).toEqual([])
  })

  it('leaves the head as it was until it forgets', async () => {
    const dataFolder = temporaryFolder()
    const all = [regular({ a: '1' }, 0, 150, 10)]
    const head = headOf(RANGE_MS, all)
    const first = await cutBlock(dataFolder, settings, head, 0, 1000)
    const again = await cutBlock(dataFolder, settings, head, 0, 1000)
    expect(again!.stats).toEqual(first!.stats)
    const one = head.seriesOf(all[0]!.labels)
    head.append(one, 1500, 7)
    head.forget(1000)
    const second = await cutBlock(dataFolder, settings, head, 1000, 2000)
    const expected = [...between(all, 1000, 2000)[0]!.samples, [1500, bitsOf(7)] as const]
    expect(contentOf((await readBlock(dataFolder, second!.ulid)).series)).toEqual(
      contentOf([{ labels: one.labels, samples: expected }]),
    )
    head.forget(2000)
    expect([head.seriesCount, head.ranges()]).toEqual([0, []])
  })

  it('takes no samples of an older range, which wait for a block of their own', async () => {
    const dataFolder = temporaryFolder()
    const all = [regular({ a: '1' }, 0, 300, 10)]
    const head = headOf(RANGE_MS, all)
    for (const start of [2000, 0, 1000]) {
      const meta = await cutBlock(dataFolder, settings, head, start, start + RANGE_MS)
      const { series: found } = await readBlock(dataFolder, meta!.ulid)
      expect(contentOf(found)).toEqual(contentOf(between(all, start, start + RANGE_MS)))
    }
  })

  it('has the times that are the farthest from 1970 that formats hold', async () => {
    const dataFolder = temporaryFolder()
    const times = [-TIME_MS_MAX, -TIME_MS_MAX + 1, 0, TIME_MS_MAX - 1, TIME_MS_MAX]
    const all = [series({ a: '1' }, ...times.map((time, i) => [time, i] as const))]
    const head = headOf(RANGE_MS, all)
    for (const start of head.ranges()) {
      const meta = await cutBlock(dataFolder, settings, head, start, start + RANGE_MS)
      const { series: found } = await readBlock(dataFolder, meta!.ulid)
      expect(contentOf(found)).toEqual(contentOf(between(all, start, start + RANGE_MS)))
    }
    expect(await listBlocks(dataFolder)).toHaveLength(3)
  })

  it('has the marks for the ends of series bit by bit, also when the code has run often', async () => {
    const dataFolder = temporaryFolder()
    const head = new Head(2 ** 40)
    const values = new Float64Array(2)
    const words = new Uint32Array(values.buffer)
    words[HIGH] = Number(STALE_NAN_BITS >> 32n)
    words[LOW] = Number(STALE_NAN_BITS & 0xffff_ffffn)
    values[1] = 0.1
    const count = 300_000
    const one = head.seriesOf(labelsOf([['a', '1']]))
    for (let i = 0; i < count; i++) head.append(one, i, values[i % 2]!)
    const meta = await cutBlock(dataFolder, settings, head, 0, 2 ** 40)
    const { samples } = (await readBlock(dataFolder, meta!.ulid)).series[0]!
    expect(samples).toHaveLength(count)
    const tenth = bitsOf(0.1)
    expect(samples.filter(([, bits], i) => bits !== (i % 2 === 0 ? STALE_NAN_BITS : tenth))).toEqual([])
  })
})

/** The values of a series follow from the times. */
function valueAt(number: number, timestampMs: number): bigint {
  return bitsOf([0.1, -0, Infinity, 1e300, 5e-324, 1, 1][(number + timestampMs * 7) % 7] ?? timestampMs)
}

describe('blocks that are cut from a head', () => {
  const anyStep = fc.oneof(
    { weight: 20, arbitrary: fc.constant(1) },
    { weight: 10, arbitrary: fc.integer({ min: 1, max: 40 }) },
    { weight: 1, arbitrary: fc.constant(RANGE_MS) },
  )
  const anySeries = fc.record({
    number: fc.nat(labelPool.length - 1),
    startMs: fc.integer({ min: -2500, max: 2500 }),
    steps: fc.array(anyStep, { minLength: 1, maxLength: 200, size: 'max' }),
  })
  const someSeries = fc.uniqueArray(anySeries, { minLength: 1, maxLength: 6, selector: ({ number }) => number })

  it('have all of its samples, each in the block of its range', async () => {
    const property = fc.asyncProperty(someSeries, fc.constantFrom(400, 2 ** 29), async (drawn, segmentBytes) => {
      const dataFolder = temporaryFolder()
      const all = drawn.map(({ number, startMs, steps }): Series => {
        let time = startMs
        const times = steps.map((step) => (time += step))
        return { labels: labelPool[number]!, samples: times.map((t) => [t, valueAt(number, t)]) }
      })
      const head = headOf(RANGE_MS, all)
      const ranges = head.ranges()
      expect(ranges).toEqual(
        [...new Set(all.flatMap(({ samples }) => samples.map(([t]) => Math.floor(t / RANGE_MS) * RANGE_MS)))].toSorted(
          (x, y) => x - y,
        ),
      )
      for (const start of ranges) {
        const end = start + RANGE_MS
        const meta = await cutBlock(dataFolder, settingsOf('direct', 'direct', segmentBytes), head, start, end)
        head.forget(end)
        const { series: found } = await readBlock(dataFolder, meta!.ulid)
        expect(contentOf(found)).toEqual(contentOf(between(all, start, end)))
        expect(Math.max(...found.flatMap(({ chunkSamples }) => chunkSamples))).toBeLessThanOrEqual(120)
      }
      expect([head.seriesCount, head.ranges()]).toEqual([0, []])
    })
    await fc.assert(property, { numRuns: 15 })
  })
})
