import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { blockFolder } from '../../bench/tsdb/block/folders.ts'
import { type BlockMeta, formatMeta, metaPath } from '../../bench/tsdb/block/meta.ts'
import { verifyBlock } from '../../bench/tsdb/block/verify-block.ts'
import { indexPath, paddingBytes } from '../../bench/tsdb/index/format.ts'
import { temporaryFolder } from '../support/folders.ts'
import { codeFrom, errorFrom, everyStrategy } from '../writer/tools.ts'
import { filesBelow, residentBytesOf } from './support/block-files.ts'
import { chunkOf, inChunks, makeBlock, settingsOf, storeBlock } from './support/blocks.ts'
import { parseIndex } from './support/index-file.ts'
import { openFilesIn } from './support/open-files.ts'
import { createBlocks } from './support/promtool-data.ts'
import { inOrder, regular, type Series } from './support/series.ts'

/** Two series of several chunks. */
const all: Series[] = [1, 2].map((i) => regular({ __name__: 'up', a: String(i) }, i, 16, 1000 * i))

async function smallBlock(): Promise<{ folder: string; meta: BlockMeta }> {
  const dataFolder = temporaryFolder()
  // Of so few bytes that there are two segments.
  const meta = await makeBlock(dataFolder, settingsOf('direct', 'direct', 180), all, 8)
  return { folder: blockFolder(dataFolder, meta.ulid), meta }
}

describe('a block that is as it should be', () => {
  it.each(everyStrategy)('gives its description (%s)', async (strategy) => {
    const dataFolder = temporaryFolder()
    const meta = await makeBlock(dataFolder, settingsOf(strategy), all)
    for (const way of ['direct', 'buffered'] as const) {
      expect(await verifyBlock(blockFolder(dataFolder, meta.ulid), way)).toEqual(meta)
    }
    expect(openFilesIn(dataFolder)).toEqual([])
  })

  it('may be made by Prometheus', async () => {
    const dataFolder = temporaryFolder()
    const lines = Array.from(
      { length: 3000 },
      (_, i) => `up{a="${i % 70}",b="${i % 3}"} ${i / 7} ${1_700_000_000 + i}\n`,
    )
    for (const { ulid } of await createBlocks(`${lines.join('')}# EOF\n`, dataFolder)) {
      expect(await verifyBlock(blockFolder(dataFolder, ulid), 'direct')).toMatchObject({ stats: { numSamples: 3000 } })
    }
  })

  it('leaves nothing in the page cache when it is read directly', async () => {
    const dataFolder = temporaryFolder()
    const many = Array.from({ length: 300 }, (_, i) => regular({ a: String(i) }, 0, 500))
    const { ulid } = await makeBlock(dataFolder, settingsOf('direct'), many)
    await verifyBlock(blockFolder(dataFolder, ulid), 'direct')
    expect(Object.values(await residentBytesOf(dataFolder, ulid))).toEqual([0, 0])
    await verifyBlock(blockFolder(dataFolder, ulid), 'buffered')
    for (const bytes of Object.values(await residentBytesOf(dataFolder, ulid))) expect(bytes).toBeGreaterThan(0)
  })
})

/** Offsets of bytes that say nothing: what fills up to where something begins. */
function paddingIn(name: string, index: Buffer): number[] {
  if (name !== 'index') return [5, 6, 7]
  const { series, contents } = parseIndex(index)
  const found: number[] = []
  const fill = (from: number, alignment: number) => {
    for (let i = 0; i < paddingBytes(from, alignment); i++) found.push(from + i)
  }
  fill(9 + index.readUInt32BE(5) + 4, 16)
  for (const [i, { reference }] of series.entries()) {
    const at = reference * 16
    fill(at + 1 + index[at]! + 4, i === series.length - 1 ? 4 : 16)
  }
  expect(contents.labelIndices).toBe(0)
  return found
}

describe('a changed bit is found', () => {
  it.each(['index', 'chunks/000001', 'chunks/000002'])('wherever it is in %s', { timeout: 120_000 }, async (name) => {
    const { folder } = await smallBlock()
    expect(filesBelow(folder)).toContain(name)
    const path = join(folder, name)
    const whole = readFileSync(path)
    const overlooked: number[] = []
    for (let offset = 0; offset < whole.length; offset++) {
      const changed = Buffer.from(whole)
      changed[offset]! ^= 1 << (offset % 8)
      writeFileSync(path, changed)
      const error = await verifyBlock(folder, 'buffered').then(
        () => null,
        (reason: unknown) => reason,
      )
      if (error === null) overlooked.push(offset)
      else expect(error).toMatchObject({ name: 'TsdbError', file: path, offset: expect.any(Number) as number })
    }
    expect(overlooked).toEqual(paddingIn(name, whole))
    expect(openFilesIn(folder)).toEqual([])
    writeFileSync(path, whole)
    await verifyBlock(folder, 'buffered')
  })

  it('at the chunk or the series that it is in', async () => {
    const { folder } = await smallBlock()
    const { series, postings } = parseIndex(readFileSync(indexPath(folder)))
    const { reference } = series[0]!.chunks[1]!
    const places = [
      { path: join(folder, 'chunks', '000001'), offset: reference, at: 20 },
      { path: indexPath(folder), offset: series[1]!.reference * 16 + 1, at: 4 },
      { path: indexPath(folder), offset: postings[1]!.offset, at: 5 },
    ]
    for (const { path, offset, at } of places) {
      const whole = readFileSync(path)
      const changed = Buffer.from(whole)
      changed[offset + at]! ^= 0x10
      writeFileSync(path, changed)
      expect(await errorFrom(() => verifyBlock(folder, 'direct'))).toMatchObject({
        code: 'ERR_TSDB_BAD_CHECKSUM',
        file: path,
        offset,
      })
      writeFileSync(path, whole)
    }
  })

  it('when a file ends early, wherever', async () => {
    const { folder } = await smallBlock()
    for (const name of ['index', 'chunks/000001', 'chunks/000002']) {
      const path = join(folder, name)
      const whole = readFileSync(path)
      for (let length = 0; length < whole.length; length += 7) {
        writeFileSync(path, whole.subarray(0, length))
        expect(await errorFrom(() => verifyBlock(folder, 'buffered'))).toMatchObject({ name: 'TsdbError', file: path })
      }
      writeFileSync(path, whole)
    }
  })
})

describe('a description is refused', () => {
  it.each(['numSeries', 'numChunks', 'numSamples'] as const)('whose %s is another one', async (name) => {
    const { folder, meta } = await smallBlock()
    const wrong = { ...meta, stats: { ...meta.stats, [name]: meta.stats[name] + 1 } }
    writeFileSync(metaPath(folder), formatMeta(wrong))
    const error = await errorFrom(() => verifyBlock(folder, 'direct'))
    expect(error).toMatchObject({ code: 'ERR_TSDB_MALFORMED', file: folder })
    expect(error.message).toBe(
      `${folder}: ${name} is ${meta.stats[name] + 1} in meta.json, and ${meta.stats[name]} are there`,
    )
    expect(openFilesIn(folder)).toEqual([])
  })

  it.each([
    ['minTime', 1],
    ['maxTime', -1],
  ] as const)('whose %s leaves samples out', async (name, change) => {
    const { folder, meta } = await smallBlock()
    writeFileSync(metaPath(folder), formatMeta({ ...meta, [name]: meta[name] + change }))
    expect(await errorFrom(() => verifyBlock(folder, 'direct'))).toMatchObject({ code: 'ERR_TSDB_MALFORMED' })
  })

  it('that is not there', async () => {
    const { folder } = await smallBlock()
    writeFileSync(metaPath(folder), '')
    expect(await codeFrom(() => verifyBlock(folder, 'direct'))).toBe('ERR_TSDB_MALFORMED')
    expect(await codeFrom(() => verifyBlock(join(folder, 'none'), 'direct'))).toBe('ENOENT')
  })
})

describe('a chunk is refused, with its place', () => {
  const [series] = inOrder(all)

  it.each([
    [
      'whose samples are not in order',
      { ...chunkOf([0, 2, 1].map((i) => series!.samples[i]!)), maxTimeMs: 2001 },
      'ERR_TSDB_OUT_OF_ORDER',
    ],
    [
      'whose index says that it begins earlier',
      { ...inChunks(series!).chunks[0]!, minTimeMs: 0 },
      'ERR_TSDB_MALFORMED',
    ],
    [
      'whose index says that it ends later',
      { ...inChunks(series!).chunks[0]!, maxTimeMs: 15_002 },
      'ERR_TSDB_MALFORMED',
    ],
  ])('%s', async (_, chunk, code) => {
    const dataFolder = temporaryFolder()
    const stored = [{ labels: series!.labels, chunks: [chunk] }]
    const { ulid } = await storeBlock(dataFolder, settingsOf('direct'), stored, { minTime: 0, maxTime: 20_000 })
    const folder = blockFolder(dataFolder, ulid)
    expect(await errorFrom(() => verifyBlock(folder, 'direct'))).toMatchObject({
      code,
      file: join(folder, 'chunks', '000001'),
      offset: 8,
    })
  })
})
