import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { BlockMeta } from '../../bench/tsdb/block/meta.ts'
import { generateBlocks } from '../../bench/tsdb/samples/generate-blocks.ts'
import type { GeneratorOptions } from '../../bench/tsdb/samples/generator.ts'
import { defaultSettings, type Settings, type Strategy } from '../../bench/tsdb/settings.ts'
import { temporaryFolder } from '../support/folders.ts'
import { codeFrom, everyStrategy } from '../writer/tools.ts'
import { fullDisk } from './support/bad-disk.ts'
import { namelessHashesOf, residentBytesOf } from './support/block-files.ts'
import { readBlock, SMALL_SEGMENT_BYTES } from './support/blocks.ts'
import { scrapesOf, seriesOf } from './support/generated.ts'
import { dump } from './support/promtool.ts'
import { bitsOf, contentOf, dumpOfSeries, type Series, union } from './support/series.ts'

const RANGE_MS = 7_200_000
const options: GeneratorOptions = {
  seed: 7,
  seriesCount: 200,
  startMs: 1_704_067_200_000,
  intervalMs: 120_000,
  // So that series end, begin and miss samples.
  churnPerHour: 0.5,
  restartsPerHour: 0.5,
}

function settings(strategy: Strategy, changes: Partial<Settings> = {}): Settings {
  return { ...defaultSettings, strategies: { chunks: strategy, index: strategy, wal: strategy }, ...changes }
}

const upTo = (count: number) => (blocks: readonly BlockMeta[]) => blocks.length >= count

/** The samples that a generator gives in so many intervals. */
function generated(changes: GeneratorOptions, intervals: number): Series[] {
  return seriesOf(scrapesOf(changes, intervals)).map(({ labels, timestampsMs, values }) => ({
    labels,
    samples: values.map((value, i) => [timestampsMs[i]!, bitsOf(value)] as const),
  }))
}

async function seriesIn(folder: string, blocks: readonly BlockMeta[]): Promise<Series[]> {
  const read: Series[][] = []
  for (const { ulid } of blocks) read.push([...(await readBlock(folder, ulid)).series])
  return union(...read)
}

describe('generated blocks', () => {
  it('have all samples of the generator, those of a block range in one', async () => {
    const folder = temporaryFolder()
    const blocks = await generateBlocks(folder, settings('direct'), options, upTo(3))
    expect(blocks.map(({ minTime, maxTime }) => [minTime, maxTime])).toEqual(
      [0, 1, 2].map((i) => [options.startMs + i * RANGE_MS, options.startMs + (i + 1) * RANGE_MS]),
    )
    const expected = generated(options, 3 * 60)
    // Pods were replaced, and their series are in some blocks only.
    expect(expected.length).toBeGreaterThan(options.seriesCount)
    expect(contentOf(await seriesIn(folder, blocks))).toEqual(contentOf(expected))
    expect(await dump(folder)).toEqual(dumpOfSeries(expected))
    expect(readdirSync(folder).toSorted()).toEqual(blocks.map(({ ulid }) => ulid).toSorted())
  })

  it.each([7_000_000, 86_400_000])(
    'leave out no sample where intervals of %d ms and ranges end apart',
    async (intervalMs) => {
      const folder = temporaryFolder()
      const odd = { ...options, startMs: options.startMs + 5_000_000, intervalMs }
      const blocks = await generateBlocks(folder, settings('direct'), odd, upTo(4))
      const endMs = blocks.at(-1)!.maxTime
      // What the last interval has beyond the last range is in no block.
      const expected = generated(odd, Math.ceil((endMs - odd.startMs) / intervalMs))
        .map(({ labels, samples }) => ({ labels, samples: samples.filter(([timestampMs]) => timestampMs < endMs) }))
        .filter(({ samples }) => samples.length > 0)
      expect(contentOf(await seriesIn(folder, blocks))).toEqual(contentOf(expected))
    },
  )

  it('are the same, byte for byte, for the same seed under every strategy', async () => {
    const found: Record<string, string>[][] = []
    const runs = [...everyStrategy, 'direct'] as const
    for (const strategy of runs) {
      const folder = temporaryFolder()
      const small = settings(strategy, { chunkSegmentBytes: SMALL_SEGMENT_BYTES })
      const blocks = await generateBlocks(folder, small, options, upTo(2))
      found.push(blocks.map(({ ulid }) => namelessHashesOf(folder, ulid)))
    }
    expect(Object.keys(found[0]![0]!)).toContain('chunks/000002')
    for (const hashes of found.slice(1)) expect(hashes).toEqual(found[0])
  })

  it('are others for another seed', async () => {
    const folder = temporaryFolder()
    const hashes: Record<string, string>[] = []
    for (const seed of [7, 8]) {
      const [block] = await generateBlocks(folder, settings('direct'), { ...options, seed }, upTo(1))
      hashes.push(namelessHashesOf(folder, block!.ulid))
    }
    expect(hashes[0]!['chunks/000001']).not.toBe(hashes[1]!['chunks/000001'])
  })

  it('leave nothing in the page cache when they are written directly', async () => {
    const folder = temporaryFolder()
    const [block] = await generateBlocks(folder, settings('direct'), options, upTo(1))
    expect(Object.values(await residentBytesOf(folder, block!.ulid))).toEqual([0, 0])
  })
})

describe('whether there are enough blocks', () => {
  it('is asked before each one, of those that are there', async () => {
    const folder = temporaryFolder()
    const asked: string[][] = []
    const blocks = await generateBlocks(folder, settings('direct'), { ...options, seriesCount: 3 }, async (done) => {
      asked.push(done.map(({ ulid }) => ulid))
      await Promise.resolve()
      return done.reduce((sum, { stats }) => sum + stats.numSamples, 0) > 400
    })
    const ulids = blocks.map(({ ulid }) => ulid)
    expect(ulids).toHaveLength(3)
    expect(asked).toEqual([[], ulids.slice(0, 1), ulids.slice(0, 2), ulids])
  })

  it('may be known from the beginning', async () => {
    const folder = temporaryFolder()
    expect(await generateBlocks(folder, settings('direct'), options, upTo(0))).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })
})

it('blocks that are complete stay when there is no space for a later one', async () => {
  const folder = temporaryFolder()
  // A block's chunks are preallocated.
  const disk = fullDisk(['fallocate'])
  disk.failAfter(2)
  const few = { ...options, seriesCount: 3 }
  expect(await codeFrom(() => generateBlocks(folder, settings('direct'), few, upTo(5)))).toBe('ENOSPC')
  const names = readdirSync(folder)
  expect(names).toHaveLength(2)
  for (const ulid of names) await readBlock(folder, ulid)
})

it('an option that the generator does not take is refused, and nothing is written', async () => {
  const folder = temporaryFolder()
  const none = { ...options, seriesCount: 0 }
  await expect(generateBlocks(folder, settings('direct'), none, upTo(1))).rejects.toThrow(
    /^seriesCount is to be from 1/,
  )
  expect(readdirSync(folder)).toEqual([])
})
