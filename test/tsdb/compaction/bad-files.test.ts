import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { blockFolder } from '../../../bench/tsdb/block/folders.ts'
import { type BlockMeta, formatMeta, metaPath } from '../../../bench/tsdb/block/meta.ts'
import { segmentPath } from '../../../bench/tsdb/chunks/segment.ts'
import { compactBlocks } from '../../../bench/tsdb/compaction/compact.ts'
import { TsdbError } from '../../../bench/tsdb/errors.ts'
import { indexPath } from '../../../bench/tsdb/index/format.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { filesBelow } from '../support/block-files.ts'
import { makeBlock, readBlock, settingsOf } from '../support/blocks.ts'
import { patchSymbols, seriesOffset } from '../support/index-patch.ts'
import { expectRefused } from '../support/refused.ts'
import { damage } from '../support/samples.ts'
import { contentOf, regular, union } from '../support/series.ts'

const settings = settingsOf('direct')
/** Two chunks a segment, so that the damaged block has three segments. */
const severalSegments = settingsOf('direct', 'direct', 150)

/** Magic number and version, and the checksum of nothing: what Prometheus writes when nothing is deleted. */
const TOMBSTONES_HEADER = '0130ba3001'
const NO_CHECKSUM = '00000000'

const badSeries = [regular({ a: '1' }, 0, 20), regular({ a: '2', long: 'x'.repeat(50) }, 0, 20)]
const goodSeries = [regular({ a: '1' }, 100, 20)]

let dataFolder: string
let bad: BlockMeta
let good: BlockMeta
let folder: string
let first: string
let index: string

beforeEach(async () => {
  dataFolder = temporaryFolder()
  bad = await makeBlock(dataFolder, severalSegments, badSeries, 7)
  good = await makeBlock(dataFolder, settings, goodSeries)
  folder = blockFolder(dataFolder, bad.ulid)
  first = segmentPath(folder, 0)
  index = indexPath(folder)
  expect(filesBelow(join(folder, 'chunks'))).toEqual(['000001', '000002', '000003'])
})

/** Whichever of the two comes first. */
async function refused(expected: Partial<TsdbError>): Promise<void> {
  await expectRefused(dataFolder, [bad.ulid, good.ulid], expected)
  await expectRefused(dataFolder, [good.ulid, bad.ulid], expected)
}

describe('a segment of chunks is refused', () => {
  it('that begins with another magic number', async () => {
    damage(first, 0)
    await refused({ code: 'ERR_TSDB_BAD_MAGIC', file: first, offset: 0 })
  })

  it('of another version', async () => {
    damage(first, 4)
    await refused({ code: 'ERR_TSDB_BAD_VERSION', file: first, offset: 4 })
  })

  it.each([
    ['its encoding', 1],
    ['its data', 5],
  ])('with a chunk that is damaged in %s', async (_, at) => {
    damage(first, 8 + at)
    await refused({ code: 'ERR_TSDB_BAD_CHECKSUM', file: first, offset: 8 })
  })

  it('with a chunk whose checksum is damaged', async () => {
    const last = segmentPath(folder, 2)
    const secondChunk = 8 + 1 + 1 + readFileSync(last)[8]! + 4
    damage(last, -1)
    await refused({ code: 'ERR_TSDB_BAD_CHECKSUM', file: last, offset: secondChunk })
  })

  it('with a chunk of no length', async () => {
    const bytes = readFileSync(first)
    bytes[8] = 0
    writeFileSync(first, bytes)
    await refused({ code: 'ERR_TSDB_MALFORMED', file: first, offset: 8 })
  })

  it('with a chunk whose length does not end', async () => {
    const bytes = readFileSync(first)
    bytes.fill(0xff, 8, 14)
    writeFileSync(first, bytes)
    await refused({ code: 'ERR_TSDB_MALFORMED', file: first, offset: 8 })
  })

  it.each([
    [2 ** 21 - 1, [0xff, 0xff, 0x7f]],
    [2 ** 28 - 1, [0xff, 0xff, 0xff, 0x7f]],
    [2 ** 35 - 1, [0xff, 0xff, 0xff, 0xff, 0x7f]],
  ])('with a chunk of %i bytes, longer than the file', async (_, length) => {
    const bytes = readFileSync(first)
    bytes.set(length, 8)
    writeFileSync(first, bytes)
    await refused({ code: 'ERR_TSDB_TRUNCATED', file: first, offset: 8 })
  })

  it.each([0, 7])('of %i bytes', async (byteLength) => {
    truncateSync(first, byteLength)
    await refused({ code: 'ERR_TSDB_TRUNCATED', file: first, offset: 0 })
  })

  it.each([8, 9, 20])('that ends at byte %i', async (byteLength) => {
    truncateSync(first, byteLength)
    await refused({ code: 'ERR_TSDB_TRUNCATED', file: first, offset: 8 })
  })

  it('whose last byte is missing', async () => {
    const last = segmentPath(folder, 2)
    const bytes = readFileSync(last)
    truncateSync(last, bytes.length - 1)
    await refused({ code: 'ERR_TSDB_TRUNCATED', file: last, offset: 8 + 1 + 1 + bytes[8]! + 4 })
  })

  it.each([0, 1])('that is missing before another one (%i)', async (number) => {
    rmSync(segmentPath(folder, number))
    await refused({ code: 'ERR_TSDB_MALFORMED', file: segmentPath(folder, number) })
  })

  it('that is missing as the last one', async () => {
    rmSync(segmentPath(folder, 2))
    await refused({ code: 'ERR_TSDB_MALFORMED', offset: 8 })
  })
})

describe('an index is refused', () => {
  it('that begins with another magic number', async () => {
    damage(index, 0)
    await refused({ code: 'ERR_TSDB_BAD_MAGIC', file: index, offset: 0 })
  })

  it('of another version', async () => {
    damage(index, 4)
    await refused({ code: 'ERR_TSDB_BAD_VERSION', file: index, offset: 4 })
  })

  it('whose symbols are damaged', async () => {
    damage(index, 13)
    await refused({ code: 'ERR_TSDB_BAD_CHECKSUM', file: index, offset: 9 })
  })

  it.each([0, 1])('with series %i damaged', async (number) => {
    const offset = seriesOffset(folder, number)
    damage(index, offset + 3)
    await refused({ code: 'ERR_TSDB_BAD_CHECKSUM', file: index, offset: offset + 1 })
  })

  it('whose table of contents is damaged', async () => {
    damage(index, -20)
    await refused({ code: 'ERR_TSDB_BAD_CHECKSUM', file: index, offset: readFileSync(index).length - 52 })
  })

  it.each([0, 4, 5, 30, 56])('of %i bytes', async (byteLength) => {
    truncateSync(index, byteLength)
    await refused({ code: 'ERR_TSDB_TRUNCATED', file: index, offset: byteLength < 5 ? 0 : byteLength })
  })

  it('that is cut off anywhere', async () => {
    truncateSync(index, readFileSync(index).length - 1)
    await refused({ code: 'ERR_TSDB_BAD_CHECKSUM', file: index })
  })

  it('with symbols that are not sorted', async () => {
    patchSymbols(folder, Buffer.from('\x011\x012'), Buffer.from('\x012\x011'))
    await refused({ code: 'ERR_TSDB_BAD_LABELS', file: index, offset: 9 + 4 + 2 })
  })

  it('with a symbol that is there twice', async () => {
    patchSymbols(folder, Buffer.from('\x011\x012'), Buffer.from('\x011\x011'))
    await refused({ code: 'ERR_TSDB_BAD_LABELS', file: index, offset: 9 + 4 + 2 })
  })

  it('with a symbol that is not UTF-8', async () => {
    patchSymbols(folder, Buffer.from('\x012'), Uint8Array.of(1, 0xff))
    await refused({ code: 'ERR_TSDB_BAD_LABELS', file: index, offset: 9 + 4 + 2 })
  })
})

describe('a block is refused', () => {
  it.each<[string, (meta: BlockMeta) => string, TsdbError['code']]>([
    ['whose meta.json is cut off', (meta) => formatMeta(meta).slice(0, 50), 'ERR_TSDB_MALFORMED'],
    ['of another version', (meta) => JSON.stringify({ ...meta, version: 2 }), 'ERR_TSDB_BAD_VERSION'],
    [
      'whose meta.json is that of another one',
      (meta) => formatMeta({ ...meta, ulid: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }),
      'ERR_TSDB_MALFORMED',
    ],
  ])('%s', async (_, text, code) => {
    writeFileSync(metaPath(folder), text(bad))
    await refused({ code, file: metaPath(folder) })
  })

  it.each(['meta.json', 'index', 'chunks'])('whose %s is missing', async (name) => {
    rmSync(join(folder, name), { recursive: true })
    await expectRefused(dataFolder, [bad.ulid, good.ulid], { code: 'ENOENT', path: join(folder, name) })
  })

  it('with deleted samples', async () => {
    const file = join(folder, 'tombstones')
    writeFileSync(file, Buffer.from(`${TOMBSTONES_HEADER}010203${NO_CHECKSUM}`, 'hex'))
    await refused({ code: 'ERR_TSDB_UNSUPPORTED', file })
  })

  it('with deleted samples, but not with an empty list of them', async () => {
    writeFileSync(join(folder, 'tombstones'), Buffer.from(TOMBSTONES_HEADER + NO_CHECKSUM, 'hex'))
    const { meta } = await compactBlocks(dataFolder, [bad.ulid, good.ulid], settings)
    expect(contentOf((await readBlock(dataFolder, meta.ulid)).series)).toEqual(contentOf(union(badSeries, goodSeries)))
  })
})

describe('one wrong byte, or one that is missing,', () => {
  /** Where a change is: a file, and how far into it. */
  const anywhere = fc.record({
    file: fc.constantFrom('index', 'chunks/000001', 'chunks/000003'),
    share: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    bits: fc.integer({ min: 1, max: 255 }),
    cut: fc.boolean(),
  })

  it('is noticed, or makes no difference', { timeout: 120_000 }, async () => {
    let noticed = 0
    const property = fc.asyncProperty(anywhere, async ({ file, share, bits, cut }) => {
      const path = join(folder, file)
      const bytes = readFileSync(path)
      const at = Math.floor(share * bytes.length)
      const changed = Buffer.from(cut ? bytes.subarray(0, at) : bytes)
      if (!cut) changed[at]! ^= bits
      writeFileSync(path, changed)
      const compaction = compactBlocks(dataFolder, [bad.ulid, good.ulid], settings, { keepInputs: true })
      const result: unknown = await compaction.catch((error: unknown) => error)
      writeFileSync(path, bytes)
      if (result instanceof TsdbError) {
        noticed++
        expect(result.file).toBe(path)
        return
      }
      const { meta } = await compaction
      expect(contentOf((await readBlock(dataFolder, meta.ulid)).series)).toEqual(
        contentOf(union(badSeries, goodSeries)),
      )
      rmSync(blockFolder(dataFolder, meta.ulid), { recursive: true })
    })
    await fc.assert(property, { numRuns: 100 })
    expect(noticed).toBeGreaterThan(30)
  })
})
