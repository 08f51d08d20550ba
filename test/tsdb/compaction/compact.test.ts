import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { blockFolder, listBlocks } from '../../../bench/tsdb/block/folders.ts'
import { type BlockMeta, formatMeta, metaPath } from '../../../bench/tsdb/block/meta.ts'
import { compactBlocks } from '../../../bench/tsdb/compaction/compact.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { strategyInEffect } from '../../support/mode.ts'
import { everyStrategy } from '../../writer/tools.ts'
import { hashesOf } from '../support/block-files.ts'
import { makeBlock, readBlock, SMALL_SEGMENT_BYTES, settingsOf } from '../support/blocks.ts'
import { blocksOf, gauge, T0 } from '../support/samples.ts'
import { contentOf, regular, series, union } from '../support/series.ts'

const settings = settingsOf('direct')

function description({ ulid, minTime, maxTime }: BlockMeta): Pick<BlockMeta, 'ulid' | 'minTime' | 'maxTime'> {
  return { ulid, minTime, maxTime }
}

/** Three blocks, the second of which overlaps the first one. */
async function threeBlocks(dataFolder: string): Promise<[BlockMeta, BlockMeta, BlockMeta]> {
  return [
    await makeBlock(dataFolder, settings, [regular({ a: '1' }, 0, 10)]),
    await makeBlock(dataFolder, settings, [regular({ a: '1' }, 5, 10)]),
    await makeBlock(dataFolder, settings, [regular({ a: '2' }, 100, 10)]),
  ]
}

describe('the block of compacted blocks', () => {
  it('says what it is made from', async () => {
    const dataFolder = temporaryFolder()
    const [a, b, c] = await threeBlocks(dataFolder)
    const { meta } = await compactBlocks(dataFolder, [c.ulid, a.ulid, b.ulid], settings)
    expect(meta).toEqual({
      ulid: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      minTime: 0,
      maxTime: 110,
      stats: { numSamples: 25, numSeries: 2, numChunks: 2 },
      compaction: {
        level: 2,
        sources: [a.ulid, b.ulid, c.ulid].toSorted(),
        parents: [description(a), description(b), description(c)],
      },
      version: 1,
    })
    expect(readFileSync(metaPath(blockFolder(dataFolder, meta.ulid)), 'utf8')).toBe(formatMeta(meta))
  })

  it('can be compacted again: it has all sources, and the next level', async () => {
    const dataFolder = temporaryFolder()
    const [a, b, c] = await threeBlocks(dataFolder)
    const ab = await compactBlocks(dataFolder, [a.ulid, b.ulid], settings)
    const d = await makeBlock(dataFolder, settings, [regular({ a: '2' }, 103, 20)])
    const cd = await compactBlocks(dataFolder, [c.ulid, d.ulid], settings)
    const abcd = await compactBlocks(dataFolder, [cd.meta.ulid, ab.meta.ulid], settings)
    const e = await makeBlock(dataFolder, settings, [regular({ a: '1' }, 0, 1)])
    const all = await compactBlocks(dataFolder, [e.ulid, abcd.meta.ulid], settings)
    expect(all.meta.compaction).toEqual({
      level: 4,
      sources: [a, b, c, d, e].map(({ ulid }) => ulid).toSorted(),
      parents: [description(e), description(abcd.meta)],
    })
    const found = await readBlock(dataFolder, all.meta.ulid)
    expect(contentOf(found.series)).toEqual(contentOf([regular({ a: '1' }, 0, 15), regular({ a: '2' }, 100, 23)]))
    expect(await listBlocks(dataFolder)).toEqual([all.meta])
  })

  it('names a source once that several inputs have', async () => {
    const dataFolder = temporaryFolder()
    const [a, b, c] = await threeBlocks(dataFolder)
    const ab = await compactBlocks(dataFolder, [a.ulid, b.ulid], settings, { keepInputs: true })
    const bc = await compactBlocks(dataFolder, [b.ulid, c.ulid], settings, { keepInputs: true })
    const all = await compactBlocks(dataFolder, [ab.meta.ulid, bc.meta.ulid], settings)
    expect(all.meta.compaction.sources).toEqual([a, b, c].map(({ ulid }) => ulid).toSorted())
    expect(all.meta.compaction.level).toBe(3)
  })

  it('covers what its inputs say they cover, also where they have no samples', async () => {
    const dataFolder = temporaryFolder()
    const [a, b] = [regular({ a: '1' }, 0, 10), regular({ a: '1' }, 200, 10)]
    const metas = [await makeBlock(dataFolder, settings, [a]), await makeBlock(dataFolder, settings, [b])]
    const { meta } = await compactBlocks(
      dataFolder,
      metas.map(({ ulid }) => ulid),
      settings,
    )
    expect([meta.minTime, meta.maxTime]).toEqual([0, 210])
  })

  it('tells how many bytes its chunks have', async () => {
    const dataFolder = temporaryFolder()
    const small = settingsOf('direct', 'direct', SMALL_SEGMENT_BYTES)
    const ulids: string[] = []
    for (const start of [0, 50_000]) {
      const all = Array.from({ length: 20 }, (_, i) => regular({ a: String(i) }, start, 1000, 5))
      ulids.push((await makeBlock(dataFolder, small, all)).ulid)
    }
    const { meta, chunkBytes } = await compactBlocks(dataFolder, ulids, small)
    const segments = Object.keys(hashesOf(blockFolder(dataFolder, meta.ulid))).filter((path) =>
      path.startsWith('chunks/0'),
    )
    expect(segments.length).toBeGreaterThan(5)
    const sizes = segments.map((path) => readFileSync(`${blockFolder(dataFolder, meta.ulid)}/${path}`).byteLength)
    expect(chunkBytes).toBe(sizes.reduce((sum, size) => sum + size, 0))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(SMALL_SEGMENT_BYTES)
  })
})

describe('compactBlocks', () => {
  it.each(everyStrategy)('writes with the strategy %s, and says so', async (strategy) => {
    const dataFolder = temporaryFolder()
    const [a, b] = await threeBlocks(dataFolder)
    const { strategy: inEffect, readsWhy } = await compactBlocks(dataFolder, [a.ulid, b.ulid], settingsOf(strategy))
    expect(inEffect).toBe(strategyInEffect(strategy))
    expect(readsWhy).toBe(null)
  })

  it('deletes its inputs and nothing else', async () => {
    const dataFolder = temporaryFolder()
    const [a, b, c] = await threeBlocks(dataFolder)
    const before = hashesOf(blockFolder(dataFolder, c.ulid))
    const { meta } = await compactBlocks(dataFolder, [a.ulid, b.ulid], settings)
    expect(await listBlocks(dataFolder)).toEqual([meta, c])
    expect(Object.keys(hashesOf(dataFolder)).filter((path) => /^[^/]*\/$/.test(path))).toEqual(
      [c.ulid, meta.ulid].map((ulid) => `${ulid}/`).toSorted(),
    )
    expect(hashesOf(blockFolder(dataFolder, c.ulid))).toEqual(before)
  })

  it('leaves its inputs when they are to be kept', async () => {
    const dataFolder = temporaryFolder()
    const metas = await threeBlocks(dataFolder)
    const before = hashesOf(dataFolder)
    const { meta } = await compactBlocks(dataFolder, [metas[0].ulid, metas[2].ulid], settings, { keepInputs: true })
    const after = Object.entries(hashesOf(dataFolder)).filter(([path]) => !path.startsWith(meta.ulid))
    expect(Object.fromEntries(after)).toEqual(before)
  })

  it.each([
    ['no blocks', () => []],
    ['one block', ([a]: string[]) => [a!]],
    ['the same block twice', ([a, b]: string[]) => [a!, b!, a!]],
  ])('refuses %s', async (_, chosen) => {
    const dataFolder = temporaryFolder()
    const metas = await threeBlocks(dataFolder)
    const before = hashesOf(dataFolder)
    const ulids = chosen(metas.map(({ ulid }) => ulid))
    await expect(compactBlocks(dataFolder, ulids, settings)).rejects.toMatchObject({ code: 'ERR_TSDB_STATE' })
    expect(hashesOf(dataFolder)).toEqual(before)
  })

  it('rejects for a block that is not there, and leaves the others', async () => {
    const dataFolder = temporaryFolder()
    const [a] = await threeBlocks(dataFolder)
    const before = hashesOf(dataFolder)
    const none = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
    await expect(compactBlocks(dataFolder, [a.ulid, none], settings)).rejects.toMatchObject({
      code: 'ENOENT',
      path: expect.stringContaining(none) as string,
    })
    expect(hashesOf(dataFolder)).toEqual(before)
  })

  it('merges two pairs of blocks at the same time', async () => {
    const dataFolder = temporaryFolder()
    const pairs = [0, 1].map((pair) =>
      [0, 1].map((half) => Array.from({ length: 30 }, (_, i) => regular({ a: `${pair} ${i}` }, half, 500, 2))),
    )
    const metas: BlockMeta[][] = []
    for (const pair of pairs) {
      metas.push([await makeBlock(dataFolder, settings, pair[0]!), await makeBlock(dataFolder, settings, pair[1]!)])
    }
    const compactions = await Promise.all(
      metas.map((pair) =>
        compactBlocks(
          dataFolder,
          pair.map(({ ulid }) => ulid),
          settings,
        ),
      ),
    )
    for (const [i, { meta }] of compactions.entries()) {
      const { series: found } = await readBlock(dataFolder, meta.ulid)
      expect(contentOf(found)).toEqual(contentOf(union(...pairs[i]!)))
    }
  })
})

describe('blocks that promtool made', () => {
  const hour = 3_600_000
  const early = [
    gauge('up', [
      [T0, 1],
      [T0 + 2 * hour, Number.NaN],
      [T0 + 4 * hour, -0],
    ]),
    gauge('label', [[T0, Infinity]], '\u{1F600}'),
    gauge('label', [[T0 + hour, 5e-324]], '\uE000"\n'),
  ]

  it('are compacted as our own', async () => {
    const dataFolder = temporaryFolder()
    const theirs = await blocksOf(dataFolder, ...early)
    expect(theirs).toHaveLength(3)
    const ours = [series({ __name__: 'up' }, [T0 + 1, 2], [T0 + 2 * hour + 1, 3]), regular({ z: '1' }, T0, 500, 1000)]
    const inputs = [...theirs.map(({ ulid }) => ulid), (await makeBlock(dataFolder, settings, ours)).ulid]
    const before = await Promise.all(inputs.map(async (ulid) => (await readBlock(dataFolder, ulid)).series))
    const { meta } = await compactBlocks(dataFolder, inputs, settings)
    expect(meta).toMatchObject({ minTime: T0, maxTime: T0 + 4 * hour + 1, compaction: { level: 2 } })
    expect(meta.compaction.sources).toEqual(inputs.toSorted())
    const { series: found } = await readBlock(dataFolder, meta.ulid)
    expect(contentOf(found)).toEqual(contentOf(union(...before)))
    expect(contentOf(found).get('{__name__="up"}')).toEqual([
      `${T0} 3ff0000000000000`,
      `${T0 + 1} 4000000000000000`,
      `${T0 + 2 * hour} 7ff8000000000001`,
      `${T0 + 2 * hour + 1} 4008000000000000`,
      `${T0 + 4 * hour} 8000000000000000`,
    ])
  })
})
