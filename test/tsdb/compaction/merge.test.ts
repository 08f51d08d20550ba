import { rmSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blockFolder, listBlocks } from '../../../bench/tsdb/block/folders.ts'
import type { BlockMeta } from '../../../bench/tsdb/block/meta.ts'
import { segmentPath } from '../../../bench/tsdb/chunks/segment.ts'
import { compactBlocks } from '../../../bench/tsdb/compaction/compact.ts'
import { freshPath, temporaryFolder } from '../../support/folders.ts'
import { strategyInEffect } from '../../support/mode.ts'
import { hashesOf, namelessHashesOf } from '../support/block-files.ts'
import { makeBlock, readBlock, settingsOf } from '../support/blocks.ts'
import { type CaseBlock, disjointBlocks, overlappingBlocks, withOneValueChanged } from '../support/merge-cases.ts'
import {
  bitsOf,
  contentOf,
  NORMAL_NAN_BITS,
  regular,
  type Series,
  STALE_NAN_BITS,
  series,
  union,
} from '../support/series.ts'

const folder = temporaryFolder()
const settings = settingsOf('direct')
const SMALLEST_SEGMENT_BYTES = 700

/** Makes blocks in a folder that is removed afterwards. */
async function withBlocks<T>(
  cases: readonly CaseBlock[],
  use: (dataFolder: string, metas: readonly BlockMeta[]) => Promise<T>,
): Promise<T> {
  const dataFolder = freshPath(folder, 'data')
  try {
    const metas: BlockMeta[] = []
    for (const { series: all, chunkSamples } of cases) {
      metas.push(await makeBlock(dataFolder, settings, all, chunkSamples))
    }
    return await use(dataFolder, metas)
  } finally {
    rmSync(dataFolder, { recursive: true, force: true })
  }
}

/** A series with one sample, always of the same time. */
function single(bits: bigint): Series {
  return { ...series({ a: '1' }), samples: [[7, bits]] }
}

const anyOrder = fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 })
const anySegmentBytes = fc.constantFrom(SMALLEST_SEGMENT_BYTES, 2 ** 29)

/** Merges the blocks, named in the given order, and compares with the union of their samples. */
async function expectMerged(
  cases: readonly CaseBlock[],
  order: readonly number[],
  chunkSegmentBytes: number,
): Promise<void> {
  await withBlocks(cases, async (dataFolder, metas) => {
    const ulids = order.filter((i) => i < metas.length).map((i) => metas[i]!.ulid)
    const { meta, strategy } = await compactBlocks(dataFolder, ulids, { ...settings, chunkSegmentBytes })
    expect(strategy).toBe(strategyInEffect('direct'))
    const { series: found } = await readBlock(dataFolder, meta.ulid)
    expect(contentOf(found)).toEqual(contentOf(union(...cases.map((one) => one.series))))
    expect(await listBlocks(dataFolder)).toEqual([meta])
  })
}

/** Merges blocks of these series, each given as a block of its own. */
async function merged(...blocks: Series[][]): Promise<Awaited<ReturnType<typeof readBlock>>> {
  const cases = blocks.map((all) => ({ series: all, chunkSamples: 120 }))
  return await withBlocks(cases, async (dataFolder, metas) => {
    const { meta } = await compactBlocks(
      dataFolder,
      metas.map(({ ulid }) => ulid),
      settings,
    )
    return await readBlock(dataFolder, meta.ulid)
  })
}

describe('blocks that are compacted', () => {
  it('are merged where they overlap', async () => {
    const property = fc.asyncProperty(overlappingBlocks, anyOrder, anySegmentBytes, expectMerged)
    await fc.assert(property, { numRuns: 40 })
  })

  it('are put one behind the other where they do not overlap', async () => {
    const property = fc.asyncProperty(disjointBlocks, anyOrder, anySegmentBytes, expectMerged)
    await fc.assert(property, { numRuns: 20 })
  })

  it('give the same block in whatever order they are named, also when their times are the same', async () => {
    const a = [regular({ a: '1' }, 0, 50, 2), regular({ a: '2' }, 0, 50, 2)]
    const b = [regular({ a: '1' }, 0, 50, 2), regular({ a: '3' }, 0, 50, 2)]
    const c = [regular({ a: '1' }, 1, 10, 2), regular({ a: '0' }, 1, 10, 2)]
    const cases = [a, b, c].map((all) => ({ series: all, chunkSamples: 7 }))
    await withBlocks(cases, async (dataFolder, metas) => {
      const ulids = metas.map(({ ulid }) => ulid)
      const found: Record<string, string>[] = []
      for (const order of [ulids, ulids.toReversed(), [ulids[1]!, ulids[0]!, ulids[2]!]]) {
        const { meta } = await compactBlocks(dataFolder, order, settings, { keepInputs: true })
        found.push(namelessHashesOf(dataFolder, meta.ulid))
      }
      expect(found[1]).toEqual(found[0])
      expect(found[2]).toEqual(found[0])
    })
  })

  it('keep a sample once that several of them have', async () => {
    const all = [regular({ a: '1' }, 0, 200), regular({ a: '2' }, 5, 1)]
    const { series: found, meta } = await merged(all, all, all)
    expect(contentOf(found)).toEqual(contentOf(all))
    expect(meta.stats).toEqual({ numSeries: 2, numSamples: 201, numChunks: 3 })
  })

  it('keep the chunks as they are that overlap with no other one', async () => {
    const cases = [
      { series: [regular({ a: '1' }, 0, 10), regular({ a: '2' }, 0, 300)], chunkSamples: 3 },
      { series: [regular({ a: '1' }, 10, 10), regular({ a: '2' }, 400, 5)], chunkSamples: 4 },
    ]
    await withBlocks(cases, async (dataFolder, metas) => {
      const ulids = metas.map(({ ulid }) => ulid)
      const { meta } = await compactBlocks(dataFolder, ulids, settings)
      const { series: found } = await readBlock(dataFolder, meta.ulid)
      expect(found.map(({ chunkSamples }) => chunkSamples)).toEqual([
        [3, 3, 3, 1, 4, 4, 2],
        [...Array.from({ length: 100 }, () => 3), 4, 1],
      ])
    })
  })

  it('get chunks of 120 samples where they overlap', async () => {
    const { series: found } = await merged([regular({ a: '1' }, 0, 200, 2)], [regular({ a: '1' }, 1, 100, 2)])
    // The second half of the first block overlaps with no chunk of the second one, but its chunk begins before.
    expect(found.map(({ chunkSamples }) => chunkSamples)).toEqual([[120, 100, 80]])
  })

  it.each([
    ['a mark for the end of a series', STALE_NAN_BITS],
    ['the usual NaN', NORMAL_NAN_BITS],
    ['a NaN with all bits set', 0xffff_ffff_ffff_ffffn],
    ['a NaN that signals', 0x7ff0_0000_0000_0001n],
    ['a negative zero', bitsOf(-0)],
  ])('keep every bit of %s, in chunks that are copied and in merged ones', async (_, bits) => {
    const ends = (a: string, ...times: number[]): Series => ({
      ...series({ a }),
      samples: times.map((time, i) => [time, i % 2 === 0 ? bits : bitsOf(time)]),
    })
    const first = [ends('copied', 1, 2, 3), ends('merged', 1, 5, 9)]
    const second = [ends('copied', 4, 5, 6), ends('merged', 2, 5, 8)]
    const third = [ends('merged', 1, 6)]
    const { series: found } = await merged(first, second, third)
    expect(contentOf(found)).toEqual(contentOf(union(first, second, third)))
    expect(found.flatMap(({ samples }) => samples).filter((sample) => sample[1] === bits)).toHaveLength(8)
  })
})

describe('two values of one time', () => {
  it('are refused, naming both files, and nothing has changed', async () => {
    await fc.assert(
      fc.asyncProperty(overlappingBlocks, fc.nat(), fc.nat(), async (cases, at, other) => {
        const changed = withOneValueChanged(cases, at, other)
        await withBlocks(changed.cases, async (dataFolder, metas) => {
          const before = hashesOf(dataFolder)
          const ulids = metas.map(({ ulid }) => ulid)
          const error: unknown = await compactBlocks(dataFolder, ulids, settings).catch((reason: unknown) => reason)
          expect(error).toMatchObject({ code: 'ERR_TSDB_DUPLICATE_SAMPLE', offset: expect.any(Number) })
          const { message, file } = error as { message: string; file: string }
          const files = metas.map(({ ulid }) => segmentPath(blockFolder(dataFolder, ulid), 0))
          const named = files.filter((path) => message.includes(path))
          expect(named).toHaveLength(2)
          expect(named).toContain(file)
          expect(message).toContain(files[changed.block])
          expect(message).toContain(`a sample of ${changed.timestampMs} `)
          expect(hashesOf(dataFolder)).toEqual(before)
        })
      }),
      { numRuns: 15 },
    )
  })

  it.each([
    [0, bitsOf(0), bitsOf(-0)],
    [1, NORMAL_NAN_BITS, STALE_NAN_BITS],
    [2, bitsOf(1), bitsOf(1 + Number.EPSILON)],
    [3, 1n, 1n << 32n],
  ])('are refused when they differ in one bit only (%i)', async (_, a, b) => {
    await expect(merged([single(a)], [single(b)])).rejects.toMatchObject({ code: 'ERR_TSDB_DUPLICATE_SAMPLE' })
  })
})
