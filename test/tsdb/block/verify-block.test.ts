import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { blockFolder } from '../../../bench/tsdb/block/folders.ts'
import { type BlockMeta, formatMeta, metaPath } from '../../../bench/tsdb/block/meta.ts'
import { verifyBlock } from '../../../bench/tsdb/block/verify-block.ts'
import { segmentPath } from '../../../bench/tsdb/chunks/segment.ts'
import { indexPath } from '../../../bench/tsdb/index/format.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { residentBytesOf } from '../support/block-files.ts'
import { chunkOf, makeBlock, SMALL_SEGMENT_BYTES, settingsOf, storeBlock } from '../support/blocks.ts'
import { seriesOffset } from '../support/index-patch.ts'
import { blocksOf, damage, gauge } from '../support/samples.ts'
import { regular } from '../support/series.ts'

const settings = settingsOf('direct', 'direct', SMALL_SEGMENT_BYTES)

let dataFolder: string
let meta: BlockMeta
let folder: string

beforeEach(async () => {
  dataFolder = temporaryFolder()
  const all = Array.from({ length: 30 }, (_, i) => regular({ a: String(i) }, 0, 300, 11))
  meta = await makeBlock(dataFolder, settings, all)
  folder = blockFolder(dataFolder, meta.ulid)
})

describe('a block that is verified', () => {
  it('gives its description, and nothing of it gets into the page cache', async () => {
    expect(await verifyBlock(folder, 'direct')).toEqual(meta)
    const resident = await residentBytesOf(dataFolder, meta.ulid)
    expect(Object.keys(resident).length).toBeGreaterThan(3)
    expect(Object.values(resident).filter((bytes) => bytes > 0)).toEqual([])
  })

  it('can be read through the page cache', async () => {
    expect(await verifyBlock(folder, 'buffered')).toEqual(meta)
  })

  it('may be of promtool', async () => {
    const theirs = temporaryFolder()
    const [block] = await blocksOf(theirs, gauge('up', [[1, 1]]), gauge('down', [[2, 2]]))
    const { stats } = await verifyBlock(blockFolder(theirs, block!.ulid), 'direct')
    expect(stats).toEqual({ numSamples: 2, numSeries: 2, numChunks: 2 })
  })

  it.each(['numSamples', 'numSeries', 'numChunks'] as const)('is refused for a wrong %s', async (name) => {
    const stats = { ...meta.stats, [name]: meta.stats[name] + 1 }
    writeFileSync(metaPath(folder), formatMeta({ ...meta, stats }))
    await expect(verifyBlock(folder, 'direct')).rejects.toMatchObject({ code: 'ERR_TSDB_MALFORMED', file: folder })
  })

  it('is refused for a damaged chunk in any segment', async () => {
    const file = segmentPath(folder, 2)
    damage(file, 20)
    await expect(verifyBlock(folder, 'direct')).rejects.toMatchObject({
      code: 'ERR_TSDB_BAD_CHECKSUM',
      file,
      offset: 8,
    })
  })

  it('is refused for a damaged series', async () => {
    const [file, offset] = [indexPath(folder), seriesOffset(folder, 7) + 1]
    damage(file, offset)
    await expect(verifyBlock(folder, 'direct')).rejects.toMatchObject({ code: 'ERR_TSDB_BAD_CHECKSUM', file, offset })
  })

  it('is refused for samples that are not in order', async () => {
    const times = [1, 5, 3].map((timestampMs) => [timestampMs, 0n] as const)
    const stored = [{ labels: [{ name: 'a', value: '1' }], chunks: [{ ...chunkOf(times), maxTimeMs: 5 }] }]
    const { ulid } = await storeBlock(dataFolder, settings, stored)
    const file = segmentPath(blockFolder(dataFolder, ulid), 0)
    await expect(verifyBlock(blockFolder(dataFolder, ulid), 'direct')).rejects.toMatchObject({
      code: 'ERR_TSDB_OUT_OF_ORDER',
      file,
      offset: 8,
    })
  })

  it('that is not there gives the error of the kernel', async () => {
    await expect(verifyBlock(join(dataFolder, 'none'), 'direct')).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
