import { describe, expect, it } from 'vitest'
import { blockFolder } from '../../../bench/tsdb/block/folders.ts'
import type { BlockMeta } from '../../../bench/tsdb/block/meta.ts'
import { compactBlocks } from '../../../bench/tsdb/compaction/compact.ts'
import { cutBlock } from '../../../bench/tsdb/head/cut-block.ts'
import type { Strategy } from '../../../bench/tsdb/settings.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { strategyInEffect } from '../../support/mode.ts'
import { everyStrategy } from '../../writer/tools.ts'
import { filesBelow, namelessHashesOf, residentBytesOf } from '../support/block-files.ts'
import { type BlockSettings, SMALL_SEGMENT_BYTES, settingsOf } from '../support/blocks.ts'
import { largeHead } from '../support/heads.ts'

const RANGE_MS = 1_000_000
const allPairs = everyStrategy.flatMap((chunks) => everyStrategy.map((index) => [chunks, index] as const))

type Amount = readonly [series: number, samples: number]

/** A block of so many series and samples from `startMs` on. */
async function cut(
  dataFolder: string,
  settings: BlockSettings,
  startMs: number,
  [series, samples]: Amount,
): Promise<BlockMeta> {
  const head = largeHead(RANGE_MS, startMs, series, samples)
  const range = head.rangeOf(startMs)
  const meta = await cutBlock(dataFolder, settings, head, range, range + RANGE_MS)
  return meta!
}

/** Two blocks that do not overlap, and a small one whose samples stand between those of the first. */
async function cutInputs(dataFolder: string, settings: BlockSettings, amount: Amount): Promise<string[]> {
  const ulids: string[] = []
  for (const [startMs, [series, samples]] of [
    [0, amount],
    [500, [10, amount[1]]],
    [RANGE_MS, amount],
  ] as const) {
    ulids.push((await cut(dataFolder, settings, startMs, [series, samples])).ulid)
  }
  return ulids
}

const amounts: [string, Amount, number][] = [
  ['many segments', [60, 250], SMALL_SEGMENT_BYTES],
  // Several of the writer's buffers of 2 MiB.
  ['one segment of 10 MB', [1500, 800], 2 ** 29],
]

describe.each(amounts)('a block of %s', (_, amount, segmentBytes) => {
  it('has the same bytes under every strategy', { timeout: 120_000 }, async () => {
    const dataFolder = temporaryFolder()
    const expected = await cut(dataFolder, settingsOf('direct', 'direct', segmentBytes), 0, amount)
    const segments = filesBelow(blockFolder(dataFolder, expected.ulid)).filter((path) => path.startsWith('chunks'))
    expect(segments.length > 1).toBe(segmentBytes === SMALL_SEGMENT_BYTES)
    for (const [chunks, index] of allPairs) {
      const { ulid } = await cut(dataFolder, settingsOf(chunks, index, segmentBytes), 0, amount)
      expect(namelessHashesOf(dataFolder, ulid), `${chunks}, ${index}`).toEqual(
        namelessHashesOf(dataFolder, expected.ulid),
      )
    }
  })

  it('made of others has the same bytes under every strategy', { timeout: 120_000 }, async () => {
    const dataFolder = temporaryFolder()
    const ulids = await cutInputs(dataFolder, settingsOf('direct', 'direct', segmentBytes), amount)
    let expected: Record<string, string> | undefined
    for (const [chunks, index] of allPairs) {
      const settings = settingsOf(chunks, index, segmentBytes)
      const { meta, strategy } = await compactBlocks(dataFolder, ulids, settings, { keepInputs: true })
      expect(strategy).toBe(strategyInEffect(chunks))
      const found = namelessHashesOf(dataFolder, meta.ulid)
      expected ??= found
      expect(found, `${chunks}, ${index}`).toEqual(expected)
    }
    expect(Object.keys(expected!).filter((path) => path.startsWith('chunks/0')).length > 1).toBe(
      segmentBytes === SMALL_SEGMENT_BYTES,
    )
  })
})

/** Bytes that stay of the larger kind of files are told apart from a page of the smaller one. */
function expectResident(resident: Record<string, number>, strategy: Strategy, kind: 'chunks' | 'index'): void {
  const sum = Object.entries(resident)
    .filter(([path]) => path.startsWith(kind))
    .reduce((bytes, [, more]) => bytes + more, 0)
  const inEffect = strategyInEffect(strategy)
  if (inEffect === 'direct') expect(sum).toBe(0)
  else if (inEffect === 'buffered') expect(sum).toBeGreaterThan(kind === 'chunks' ? 8_000_000 : 50_000)
  else expect(sum).toBeLessThan(kind === 'chunks' ? 500_000 : 50_000)
}

describe('in the page cache', () => {
  const amount: Amount = [1500, 800]

  it.each(allPairs)('chunks under %s and index under %s leave what the strategy says', async (chunks, index) => {
    const dataFolder = temporaryFolder()
    const { ulid } = await cut(dataFolder, settingsOf(chunks, index), 0, amount)
    const resident = await residentBytesOf(dataFolder, ulid)
    expectResident(resident, chunks, 'chunks')
    expectResident(resident, index, 'index')
  })

  it.each(everyStrategy)(
    'a compaction under %s leaves of inputs and output what the strategy says',
    async (strategy) => {
      const dataFolder = temporaryFolder()
      const ulids = await cutInputs(dataFolder, settingsOf('direct'), amount)
      const { meta } = await compactBlocks(dataFolder, ulids, settingsOf(strategy), { keepInputs: true })
      for (const ulid of ulids) {
        const resident = await residentBytesOf(dataFolder, ulid)
        // Inputs are read by O_DIRECT, or through the cache; the postings of an index are not read at all.
        if (strategyInEffect(strategy) !== 'buffered') expect(Object.values(resident)).toEqual([0, 0])
        else expect(resident['chunks/000001']).toBeGreaterThan(0)
      }
      const resident = await residentBytesOf(dataFolder, meta.ulid)
      expectResident(resident, strategy, 'chunks')
      expectResident(resident, strategy, 'index')
      if (strategyInEffect(strategy) === 'direct') expect(Object.values(resident)).toEqual([0, 0])
    },
  )

  it('a compaction into many segments leaves nothing', async () => {
    const dataFolder = temporaryFolder()
    const direct = settingsOf('direct', 'direct', SMALL_SEGMENT_BYTES)
    const ulids = await cutInputs(dataFolder, direct, [60, 250])
    const { meta } = await compactBlocks(dataFolder, ulids, direct, { keepInputs: true })
    expect(Object.keys(await residentBytesOf(dataFolder, meta.ulid)).length).toBeGreaterThan(10)
    for (const ulid of [...ulids, meta.ulid]) {
      const resident = Object.entries(await residentBytesOf(dataFolder, ulid))
      expect(resident.filter(([, bytes]) => bytes > 0)).toEqual([])
    }
  })
})
