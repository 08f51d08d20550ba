import { beforeAll, describe, expect, it } from 'vitest'
import { listBlocks } from '../../../bench/tsdb/block/folders.ts'
import type { BlockMeta } from '../../../bench/tsdb/block/meta.ts'
import { compactBlocks } from '../../../bench/tsdb/compaction/compact.ts'
import { cutBlock } from '../../../bench/tsdb/head/cut-block.ts'
import { METRIC_NAME } from '../../../bench/tsdb/labels.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { strategyInEffect } from '../../support/mode.ts'
import { everyStrategy } from '../../writer/tools.ts'
import { filesBelow } from '../support/block-files.ts'
import { type BlockSettings, makeBlock, SMALL_SEGMENT_BYTES, settingsOf } from '../support/blocks.ts'
import { headOf } from '../support/heads.ts'
import { type Analysis, analyze, type BlockListing, dump, list } from '../support/promtool.ts'
import { awkward } from '../support/samples.ts'
import { awkwardSeries, dumpOfSeries, regular, type Series, STALE_NAN_BITS, series, union } from '../support/series.ts'

/** 2023-11-14T22:00:00Z, the border of two ranges of two hours. */
const T0 = 1_699_999_200_000
const RANGE_MS = 7_200_000

/** Samples of three ranges: what is awkward, what fills chunks and segments, and series that end and begin. */
const all: Series[] = [
  ...awkwardSeries(awkward, T0 + 1),
  ...Array.from({ length: 100 }, (_, i) => regular({ __name__: 'filling', number: String(i) }, T0, 700, 30_000)),
  regular({ __name__: 'early', zone: 'a' }, T0 + 5, 3),
  regular({ __name__: 'late', zone: 'a' }, T0 + 2 * RANGE_MS, 130, 10),
  regular({ __name__: 'at the borders' }, T0, 3, RANGE_MS - 1),
]

/** What promtool lists of a block, by its meta.json; it knows more only of the bytes. */
function listingOf({ ulid, minTime, maxTime, stats }: BlockMeta): Omit<BlockListing, 'sizeBytes'> {
  const { numSamples: samples, numChunks: chunks, numSeries } = stats
  return { ulid, minTimeMs: minTime, maxTimeMs: maxTime, samples, chunks, series: numSeries }
}

/** What promtool counts in a block of these series, as far as that does not depend on chunks. */
function countsOf(expected: readonly Series[]): Partial<Analysis> {
  const values = new Map<string, Map<string, number>>()
  for (const { labels } of expected) {
    for (const { name, value } of labels) {
      const ofName = values.get(name) ?? new Map<string, number>()
      values.set(name, ofName.set(value, (ofName.get(value) ?? 0) + 1))
    }
  }
  const pairs = [...values.values()].flatMap((ofName) => Array.from(ofName.values()))
  return {
    series: expected.length,
    labelNames: values.size,
    labelPairs: pairs.length,
    postingsEntries: pairs.reduce((sum, count) => sum + count, 0),
    labelCardinality: new Map([...values].map(([name, ofName]) => [name, ofName.size])),
    metricCardinality: values.get(METRIC_NAME) ?? new Map(),
  }
}

/** Asserts that promtool takes all blocks of a folder, and finds in each what its meta.json says. */
async function expectAccepted(dataFolder: string, metas: readonly BlockMeta[]): Promise<void> {
  expect(await listBlocks(dataFolder)).toEqual(metas)
  expect(await list(dataFolder)).toEqual(
    metas.map((meta) => ({ ...listingOf(meta), sizeBytes: expect.any(Number) as number })),
  )
  for (const { ulid, stats } of metas) {
    expect(await analyze(dataFolder, ulid)).toMatchObject({ ulid, series: stats.numSeries })
  }
}

/** A block of each range that the samples are in. */
async function cutAll(dataFolder: string, settings: BlockSettings, samples: readonly Series[]): Promise<BlockMeta[]> {
  const head = headOf(RANGE_MS, samples)
  const metas: BlockMeta[] = []
  for (const start of head.ranges()) {
    metas.push((await cutBlock(dataFolder, settings, head, start, start + RANGE_MS))!)
    head.forget(start + RANGE_MS)
  }
  return metas
}

describe.each(everyStrategy)('Prometheus takes blocks that are written under %s', (strategy) => {
  const settings = settingsOf(strategy, strategy, SMALL_SEGMENT_BYTES)
  const dataFolder = temporaryFolder()
  let metas: BlockMeta[]

  beforeAll(async () => {
    metas = await cutAll(dataFolder, settings, all)
    expect(metas).toHaveLength(3)
    expect(filesBelow(`${dataFolder}/${metas[0]!.ulid}/chunks`).length).toBeGreaterThan(5)
  })

  it('from a head', async () => {
    await expectAccepted(dataFolder, metas)
    expect(await dump(dataFolder)).toEqual(dumpOfSeries(all))
  })

  it('from a compaction, and from one more', async () => {
    const overlapping = [regular({ __name__: 'filling', number: '7' }, T0 + 10_000, 600, 30_000), ...all.slice(0, 3)]
    const more = await makeBlock(dataFolder, settings, overlapping, 50)
    const before = union(all, overlapping)
    expect(await dump(dataFolder)).toEqual(dumpOfSeries(before))
    const [first, second, third] = metas
    const { meta, strategy: inEffect } = await compactBlocks(dataFolder, [first!.ulid, more.ulid], settings)
    expect(inEffect).toBe(strategyInEffect(strategy))
    await expectAccepted(dataFolder, [meta, second!, third!])
    expect(await dump(dataFolder)).toEqual(dumpOfSeries(before))
    const whole = await compactBlocks(dataFolder, [second!.ulid, third!.ulid, meta.ulid], settings)
    await expectAccepted(dataFolder, [whole.meta])
    expect(await analyze(dataFolder, whole.meta.ulid)).toMatchObject(countsOf(before))
    expect(await dump(dataFolder)).toEqual(dumpOfSeries(before))
  })
})

/** A series whose end is marked. */
function ended(a: string): Series {
  return {
    ...series({ a }),
    samples: [
      [T0, 1n],
      [T0 + 1, STALE_NAN_BITS],
    ],
  }
}

describe('Prometheus', () => {
  const settings = settingsOf('direct')

  it('sorts series as we do: it merges blocks of labels whose UTF-16 is in another order', async () => {
    const dataFolder = temporaryFolder()
    const values = ['\u{1F600}', '\uE000', '\uFFFD', '\u{10FFFF}', 'z', '\u07FF', '\u0800', '\uD7FF', '"\n\\']
    const some = (start: number, chosen = values): Series[] =>
      chosen.map((a) => regular({ __name__: 'up', a, zone: 'x' }, start, 10, 2))
    // Not the same series in all: merging those would go well in any order.
    const apart = values.map((value, i) => some(T0 + 1, [value, values[(i + 4) % values.length]!]))
    for (const block of [some(T0), ...apart]) await makeBlock(dataFolder, settings, block)
    const expected = dumpOfSeries(union(some(T0), ...apart))
    expect([...(await dump(dataFolder)).keys()]).toEqual([...expected.keys()])
    const ulids = (await listBlocks(dataFolder)).map(({ ulid }) => ulid)
    const { meta } = await compactBlocks(dataFolder, ulids, settings)
    await expectAccepted(dataFolder, [meta])
    expect(await dump(dataFolder)).toEqual(expected)
    expect(await analyze(dataFolder)).toMatchObject(countsOf(some(T0)))
  })

  it('reads chunks from 1 to 120 samples, and values of every kind one after the other', async () => {
    const dataFolder = temporaryFolder()
    const kinds = [0.1, -0, 0, Number.NaN, Infinity, -Infinity, 1e300, 5e-324, Number.MAX_VALUE, 1, 1, 2, 1e-7]
    const some = Array.from({ length: 120 }, (_, i) =>
      series(
        { __name__: 'up', a: String(i) },
        ...Array.from({ length: i + 1 }, (__, k) => [T0 + k * k, kinds[(i + k * k) % 13]!] as const),
      ),
    )
    const meta = await makeBlock(dataFolder, settings, some)
    await expectAccepted(dataFolder, [meta])
    expect(await dump(dataFolder)).toEqual(dumpOfSeries(some))
  })

  it('reads times of every distance, also before 1970', async () => {
    const dataFolder = temporaryFolder()
    const steps = [1, 1, 8192, 1, 8193, 65_537, 1, 524_288, 1, 524_290, 2 ** 33, 1, 2 ** 31, 2 ** 40]
    let time = -(2 ** 41)
    const some = [series({ __name__: 'up' }, ...steps.map((step, i) => [(time += step), i] as const))]
    const meta = await makeBlock(dataFolder, settings, some)
    await expectAccepted(dataFolder, [meta])
    expect(await dump(dataFolder)).toEqual(dumpOfSeries(some))
  })

  it('sees the mark of the end of a series, before and behind a compaction', async () => {
    const dataFolder = temporaryFolder()
    const metas = [
      await makeBlock(dataFolder, settings, [ended('1')]),
      await makeBlock(dataFolder, settings, [ended('1'), ended('2')]),
    ]
    const expected = dumpOfSeries([ended('1'), ended('2')])
    expect(await dump(dataFolder)).toEqual(expected)
    await compactBlocks(
      dataFolder,
      metas.map(({ ulid }) => ulid),
      settings,
    )
    expect(await dump(dataFolder)).toEqual(expected)
  })
})
