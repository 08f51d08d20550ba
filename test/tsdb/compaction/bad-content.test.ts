import { describe, expect, it } from 'vitest'
import { blockFolder } from '../../../bench/tsdb/block/folders.ts'
import { ChunkReader } from '../../../bench/tsdb/chunks/chunk-reader.ts'
import { segmentPath } from '../../../bench/tsdb/chunks/segment.ts'
import { compactBlocks } from '../../../bench/tsdb/compaction/compact.ts'
import type { TsdbErrorCode } from '../../../bench/tsdb/errors.ts'
import { indexPath } from '../../../bench/tsdb/index/format.ts'
import { IndexReader } from '../../../bench/tsdb/index/index-reader.ts'
import { SeriesEntry } from '../../../bench/tsdb/index/series-entry.ts'
import type { Labels } from '../../../bench/tsdb/labels.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { type ChunkToStore, chunkOf, makeBlock, type SeriesToStore, settingsOf, storeBlock } from '../support/blocks.ts'
import { patchSeries, seriesOffset } from '../support/index-patch.ts'
import { expectRefused } from '../support/refused.ts'
import { regular, series } from '../support/series.ts'

const settings = settingsOf('direct')
const HEADER_BYTES = 8

/** A chunk whose samples are of these times, in this order. */
function chunk(...times: number[]): ChunkToStore {
  return chunkOf(times.map((timestampMs) => [timestampMs, 7n]))
}

/** The offset of the second chunk in a segment whose first one has less than 128 bytes. */
function behind({ data }: ChunkToStore): number {
  return HEADER_BYTES + 1 + 1 + data.length + 4
}

/** Chunks of one series. */
function chunks(...all: ChunkToStore[]): SeriesToStore {
  return { labels: [{ name: 'a', value: '1' }], chunks: all }
}

interface Expected {
  readonly code: TsdbErrorCode
  readonly where: 'chunks' | 'index'
  readonly offset: number
}

/**
 * Asserts that a block is refused which has a chunk of this series, in both of its ways: one that overlaps with nothing
 * is copied, one that overlaps is decoded.
 */
async function expectChunkRefused(stored: SeriesToStore, expected: Expected): Promise<void> {
  const { minTimeMs } = stored.chunks[0]!
  for (const other of [regular({ a: '1' }, 10_000, 5), series({ a: '1' }, [minTimeMs, 0])]) {
    const dataFolder = temporaryFolder()
    const bad = await storeBlock(dataFolder, settings, [stored], { maxTime: 1000 })
    const good = await makeBlock(dataFolder, settings, [{ ...other, samples: other.samples.map(([t]) => [t, 7n]) }])
    const folder = blockFolder(dataFolder, bad.ulid)
    const file = expected.where === 'chunks' ? segmentPath(folder, 0) : indexPath(folder)
    await expectRefused(dataFolder, [bad.ulid, good.ulid], { code: expected.code, file, offset: expected.offset })
    await expectRefused(dataFolder, [good.ulid, bad.ulid], { code: expected.code, file, offset: expected.offset })
  }
}

describe('a chunk is refused', () => {
  const ok = chunk(1, 2, 3)

  it('whose samples are not in order', async () => {
    const bad = { ...chunk(10, 20, 15), maxTimeMs: 20 }
    await expectChunkRefused(chunks(bad), { code: 'ERR_TSDB_OUT_OF_ORDER', where: 'chunks', offset: HEADER_BYTES })
  })

  it.each([
    ['at its beginning', [10, 10, 15]],
    ['at its end', [10, 15, 15]],
    ['in the middle', [10, 15, 15, 16]],
  ])('with a time twice, %s', async (_, times) => {
    const expected = { code: 'ERR_TSDB_DUPLICATE_SAMPLE', where: 'chunks', offset: behind(ok) } as const
    await expectChunkRefused(chunks(ok, chunk(...times)), expected)
  })

  it.each([
    ['no samples', (data: Uint8Array) => data.fill(0, 0, 2)],
    ['more samples than it has room for', (data: Uint8Array) => data.fill(0xff, 0, 2)],
    ['fewer bytes than its samples need', (data: Uint8Array) => data.subarray(0, -1)],
    ['nothing but a number of samples', (data: Uint8Array) => data.subarray(0, 2)],
  ])('with %s', async (_, change) => {
    const whole = chunk(10, 20, 500)
    const bad = { ...whole, data: change(Uint8Array.from(whole.data)) }
    await expectChunkRefused(chunks(bad), { code: 'ERR_TSDB_MALFORMED', where: 'chunks', offset: HEADER_BYTES })
  })

  it.each([
    ['earlier', { minTimeMs: 9 }],
    ['later', { minTimeMs: 11 }],
  ])('that begins %s than its index says', async (_, times) => {
    const bad = { ...chunk(10, 20, 30), ...times }
    await expectChunkRefused(chunks(bad), { code: 'ERR_TSDB_MALFORMED', where: 'chunks', offset: HEADER_BYTES })
  })

  it.each([
    ['earlier', { maxTimeMs: 31 }],
    ['later', { maxTimeMs: 29 }],
  ])('that ends %s than its index says', async (_, times) => {
    const bad = { ...chunk(10, 20, 30), ...times }
    await expectChunkRefused(chunks(bad), { code: 'ERR_TSDB_MALFORMED', where: 'chunks', offset: HEADER_BYTES })
  })

  it('that overlaps the next one of its series, behind the back of the index', async () => {
    const bad = { ...chunk(10, 20, 30), maxTimeMs: 20 }
    const expected = { code: 'ERR_TSDB_MALFORMED', where: 'chunks', offset: HEADER_BYTES } as const
    await expectChunkRefused(chunks(bad, chunk(25, 40)), expected)
  })

  it.each([2, 3, 77])('of encoding %i that overlaps one of another block', async (encoding) => {
    const dataFolder = temporaryFolder()
    const bad = await storeBlock(dataFolder, settings, [chunks(ok, { ...chunk(10, 20), encoding })])
    const good = await makeBlock(dataFolder, settings, [regular({ a: '1' }, 15, 20)])
    const file = segmentPath(blockFolder(dataFolder, bad.ulid), 0)
    const expected = { code: 'ERR_TSDB_UNSUPPORTED', file, offset: behind(ok) }
    await expectRefused(dataFolder, [bad.ulid, good.ulid], expected)
    await expectRefused(dataFolder, [good.ulid, bad.ulid], expected)
  })

  it('of another encoding not when it overlaps nothing: it is copied, byte by byte', async () => {
    const dataFolder = temporaryFolder()
    const data = Uint8Array.of(0, 3, 0xde, 0xad, 0xbe, 0xef)
    const histograms = chunks({ minTimeMs: 10, maxTimeMs: 20, count: 3, encoding: 2, data })
    const metas = [
      await storeBlock(dataFolder, settings, [histograms]),
      await makeBlock(dataFolder, settings, [regular({ a: '1' }, 0, 10), regular({ a: '0' }, 21, 10)]),
    ]
    const ulids = metas.map(({ ulid }) => ulid)
    const { meta } = await compactBlocks(dataFolder, ulids, settings)
    expect(meta.stats).toEqual({ numSeries: 2, numChunks: 3, numSamples: 23 })
    const folder = blockFolder(dataFolder, meta.ulid)
    const [index, reader] = [await IndexReader.open(folder, 'direct'), await ChunkReader.open(folder, 'direct')]
    const entry = new SeriesEntry()
    await index.next(entry)
    await index.next(entry)
    expect([entry.chunkCount, entry.minTimesMs[1], entry.maxTimesMs[1]]).toEqual([2, 10, 20])
    const stored = await reader.load(entry.references[1]!)
    expect([stored.encoding, ...stored.data]).toEqual([2, ...data])
    await index.close()
    await reader.close()
  })
})

describe('an index is refused', () => {
  /** Behind another series there is room for a longer entry. */
  const last: SeriesToStore = { labels: [{ name: 'z', value: '1' }], chunks: [chunk(1)] }

  it('with two chunks of a series that meet in one time', async () => {
    const dataFolder = temporaryFolder()
    const bad = await storeBlock(dataFolder, settings, [chunks(chunk(1, 2, 3), chunk(3, 4))])
    const good = await makeBlock(dataFolder, settings, [regular({ a: '1' }, 100, 20)])
    const file = indexPath(blockFolder(dataFolder, bad.ulid))
    const expected = {
      code: 'ERR_TSDB_DUPLICATE_SAMPLE',
      file,
      offset: seriesOffset(blockFolder(dataFolder, bad.ulid), 0),
    }
    await expectRefused(dataFolder, [bad.ulid, good.ulid], expected)
  })

  it('with a chunk that begins before the end of the one before it', async () => {
    const dataFolder = temporaryFolder()
    const bad = await storeBlock(dataFolder, settings, [chunks(chunk(1, 9), chunk(10, 20), chunk(30)), last])
    const good = await makeBlock(dataFolder, settings, [regular({ a: '1' }, 100, 20)])
    const folder = blockFolder(dataFolder, bad.ulid)
    // What Go makes of a difference of -2 as an integer without a sign: 2^64 - 2.
    const minusTwo = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
    patchSeries(folder, 0, (content) => {
      expect([...content.subarray(0, 9)]).toEqual([1, 1, 0, 3, 2, 8, HEADER_BYTES, 1, 10])
      return Uint8Array.of(...content.subarray(0, 7), ...minusTwo, ...content.subarray(8))
    })
    const expected = { name: 'TsdbError', code: 'ERR_TSDB_UNSUPPORTED', file: indexPath(folder) }
    await expectRefused(dataFolder, [bad.ulid, good.ulid], expected)
  })

  it.each<[string, number, object]>([
    ['in no segment that is there', 2 ** 32 + HEADER_BYTES, { code: 'ERR_TSDB_MALFORMED', offset: HEADER_BYTES }],
    ['in the header of a segment', 7, { code: 'ERR_TSDB_MALFORMED', offset: 7 }],
    ['in the middle of a chunk', HEADER_BYTES + 1, { name: 'TsdbError', offset: HEADER_BYTES + 1 }],
    ['behind the end of a segment', 10_000, { code: 'ERR_TSDB_TRUNCATED', offset: 10_000 }],
  ])('with a chunk %s', async (_, reference, expected) => {
    const dataFolder = temporaryFolder()
    const bad = await storeBlock(dataFolder, settings, [chunks(chunk(1, 9)), last])
    const good = await makeBlock(dataFolder, settings, [regular({ a: '1' }, 100, 20)])
    patchSeries(blockFolder(dataFolder, bad.ulid), 0, (content) => {
      const bytes: number[] = []
      for (let rest = reference; ; rest = Math.floor(rest / 128)) {
        bytes.push(rest >= 128 ? (rest % 128) | 128 : rest)
        if (rest < 128) return Uint8Array.of(...content.subarray(0, -1), ...bytes)
      }
    })
    await expectRefused(dataFolder, [bad.ulid, good.ulid], expected)
  })

  const one = { name: 'a', value: '1' }
  const two = { name: 'b', value: '2' }
  it.each<[string, Labels[], number]>([
    ['labels that are not sorted', [[two, one]], 0],
    ['a label twice', [[one, { name: 'a', value: '2' }]], 0],
    ['a series without labels', [[]], 0],
    ['series that are not sorted', [[two], [one]], 1],
    ['a series whose labels are not sorted behind another one', [[one], [one, two], [two, one]], 2],
    ['a series behind one that begins as it does', [[one, two], [one]], 1],
    ['a series twice', [[one], [two], [two]], 2],
  ])('with %s', async (_, labels, number) => {
    const dataFolder = temporaryFolder()
    const stored = labels.map((some) => ({ labels: some, chunks: [chunk(1, 2)] }))
    const bad = await storeBlock(dataFolder, settings, stored)
    const good = await makeBlock(dataFolder, settings, [regular({ a: '1' }, 100, 20)])
    const folder = blockFolder(dataFolder, bad.ulid)
    const expected = { code: 'ERR_TSDB_BAD_LABELS', file: indexPath(folder), offset: seriesOffset(folder, number) }
    await expectRefused(dataFolder, [bad.ulid, good.ulid], expected)
    await expectRefused(dataFolder, [good.ulid, bad.ulid], expected)
  })

  it('with a symbol that is not there', async () => {
    const dataFolder = temporaryFolder()
    const bad = await storeBlock(dataFolder, settings, [chunks(chunk(1, 2))])
    const good = await makeBlock(dataFolder, settings, [regular({ a: '1' }, 100, 20)])
    const folder = blockFolder(dataFolder, bad.ulid)
    patchSeries(folder, 0, (content) => content.fill(2, 1, 2))
    const expected = { code: 'ERR_TSDB_MALFORMED', file: indexPath(folder), offset: seriesOffset(folder, 0) }
    await expectRefused(dataFolder, [bad.ulid, good.ulid], expected)
  })

  it('with a series without chunks', async () => {
    const dataFolder = temporaryFolder()
    const bad = await storeBlock(dataFolder, settings, [chunks(chunk(1, 2))])
    const good = await makeBlock(dataFolder, settings, [regular({ a: '1' }, 100, 20)])
    const folder = blockFolder(dataFolder, bad.ulid)
    patchSeries(folder, 0, (content) => Uint8Array.of(...content.subarray(0, 3), 0))
    const expected = { code: 'ERR_TSDB_MALFORMED', file: indexPath(folder), offset: seriesOffset(folder, 0) }
    await expectRefused(dataFolder, [bad.ulid, good.ulid], expected)
  })
})
