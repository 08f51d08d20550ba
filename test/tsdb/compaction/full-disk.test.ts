import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { listBlocks } from '../../../bench/tsdb/block/folders.ts'
import { compactBlocks } from '../../../bench/tsdb/compaction/compact.ts'
import { cutBlock } from '../../../bench/tsdb/head/cut-block.ts'
import type { Head } from '../../../bench/tsdb/head/head.ts'
import { demandFileSystemsInCI, named, whyNot } from '../../filesystem/file-systems.ts'
import { smallDisk } from '../../filesystem/small-disk.ts'
import { strategyInEffect } from '../../support/mode.ts'
import { everyStrategy } from '../../writer/tools.ts'
import { hashesOf } from '../support/block-files.ts'
import { readBlock, settingsOf } from '../support/blocks.ts'
import { headOf, largeHead } from '../support/heads.ts'
import { contentOf, regular, union } from '../support/series.ts'

demandFileSystemsInCI()

const MIB = 1024 * 1024
const RANGE_MS = 1_000_000
/** Of long labels: an index of about 1.5 MiB, and 50 kB of chunks. */
const largeIndex = Array.from({ length: 1500 }, (_, i) => regular({ long: `${i} ${'x'.repeat(900)}` }, 0, 2))

interface Case {
  /** What does not fit. */
  readonly name: string
  /** Of the file that it is. */
  readonly path: RegExp
  readonly heads: () => Head[]
  readonly segmentBytes: number
  readonly leftBytes: number
}

const large = () => [0, RANGE_MS].map((startMs) => largeHead(RANGE_MS, startMs, 250, 400))
const cases: Case[] = [
  {
    name: 'the first segment',
    path: /\/chunks\/000001$/,
    heads: large,
    segmentBytes: 512 * MIB,
    leftBytes: 0.5 * MIB,
  },
  { name: 'a later segment', path: /\/chunks\/00000[2-9]$/, heads: large, segmentBytes: MIB / 4, leftBytes: 0.8 * MIB },
  {
    name: 'the index',
    path: /\/index$/,
    heads: () => [headOf(RANGE_MS, largeIndex), headOf(RANGE_MS, [regular({ a: '1' }, 100, 2)])],
    segmentBytes: 512 * MIB,
    leftBytes: MIB,
  },
]

describe.skipIf(whyNot !== null)(named('on an ext4 that is nearly full'), () => {
  const disk = smallDisk()
  let dataFolder: string
  beforeAll(() => {
    dataFolder = join(disk.folder, 'data')
  })

  /** A block of each head, whose samples are all of one range. */
  async function blocksOf(heads: readonly Head[], segmentBytes: number): Promise<string[]> {
    const settings = settingsOf('direct', 'direct', segmentBytes)
    const ulids: string[] = []
    for (const head of heads) {
      const [range] = head.ranges()
      ulids.push((await cutBlock(dataFolder, settings, head, range!, range! + RANGE_MS))!.ulid)
    }
    return ulids
  }

  describe.each(everyStrategy)('%s', (strategy) => {
    test.each(cases)('there is no room for $name of a compaction', async ({ heads, segmentBytes, leftBytes, path }) => {
      const ulids = await blocksOf(heads(), segmentBytes)
      const expected = contentOf(
        union(...(await Promise.all(ulids.map(async (ulid) => (await readBlock(dataFolder, ulid)).series)))),
      )
      const before = hashesOf(dataFolder)
      disk.takeSpace(leftBytes)
      const settings = settingsOf(strategy, strategy, segmentBytes)
      await expect(compactBlocks(dataFolder, ulids, settings)).rejects.toMatchObject({
        code: 'ENOSPC',
        path: expect.stringMatching(path),
      })
      expect(hashesOf(dataFolder)).toEqual(before)
      disk.giveSpace()
      const compaction = await compactBlocks(dataFolder, ulids, settings)
      expect(compaction.strategy).toBe(strategyInEffect(strategy))
      expect(contentOf((await readBlock(dataFolder, compaction.meta.ulid)).series)).toEqual(expected)
      expect(await listBlocks(dataFolder)).toEqual([compaction.meta])
    })

    test.each(cases)('there is no room for $name of a new block', async ({ heads, segmentBytes, leftBytes, path }) => {
      // Of the first head alone, which is about half.
      const head = heads()[0]!
      const expected = await blocksOf(heads().slice(0, 1), segmentBytes)
      const before = hashesOf(dataFolder)
      disk.takeSpace(segmentBytes === 512 * MIB ? leftBytes : leftBytes / 2)
      const settings = settingsOf(strategy, strategy, segmentBytes)
      await expect(cutBlock(dataFolder, settings, head, 0, RANGE_MS)).rejects.toMatchObject({
        code: 'ENOSPC',
        path: expect.stringMatching(path),
      })
      expect(hashesOf(dataFolder)).toEqual(before)
      disk.giveSpace()
      const meta = await cutBlock(dataFolder, settings, head, 0, RANGE_MS)
      expect(contentOf((await readBlock(dataFolder, meta!.ulid)).series)).toEqual(
        contentOf((await readBlock(dataFolder, expected[0]!)).series),
      )
    })
  })
})
