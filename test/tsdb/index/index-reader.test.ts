import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { IndexReader } from '../../../bench/tsdb/index/index-reader.ts'
import { SeriesEntry } from '../../../bench/tsdb/index/series-entry.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { codeFrom } from '../../writer/tools.ts'
import { INDEX_HEADER, indexOf, parseIndex } from '../support/index-file.ts'
import { type IndexedSeries, inIndexOrder, readIndex, symbolsOf, writeIndex } from '../support/index-series.ts'
import { openFilesIn } from '../support/open-files.ts'

/** A folder with this index. */
function blockOf(index: Uint8Array): string {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'index'), index)
  return folder
}

/** One label, no chunks. */
const entry = (name: number, value: number): Buffer => Buffer.from([1, name, value, 0])

describe('an index', () => {
  const symbols = ['', 'a', 'b']
  const whole = indexOf({ symbols, series: [entry(1, 2), entry(2, 1)] })

  it('may come from elsewhere', async () => {
    expect(await readIndex(blockOf(whole), 'direct')).toEqual({
      symbols,
      series: [
        { labels: [['a', 'b']], chunks: [] },
        { labels: [['b', 'a']], chunks: [] },
      ],
    })
  })

  const patched = (offset: number, byte: number): Buffer => {
    const bytes = Buffer.from(whole)
    bytes[offset] = byte
    return bytes
  }
  const toc = whole.length - 52

  it.each([
    ['nothing is there', Buffer.alloc(0), 'ERR_TSDB_TRUNCATED', 0],
    ['it begins as another file', patched(0, 0), 'ERR_TSDB_BAD_MAGIC', 0],
    ['it is of version 1', patched(4, 1), 'ERR_TSDB_BAD_VERSION', 4],
    ['nothing is behind its header', INDEX_HEADER, 'ERR_TSDB_TRUNCATED', 5],
    ['its contents have another checksum', patched(toc + 3, 9), 'ERR_TSDB_BAD_CHECKSUM', toc],
    ['its symbols have another checksum', patched(16, 0x78), 'ERR_TSDB_BAD_CHECKSUM', 9],
    ['its symbols are longer than the file', patched(5, 0x7f), 'ERR_TSDB_TRUNCATED', 5],
    ['its symbols are not in order', indexOf({ symbols: ['b', 'a'] }), 'ERR_TSDB_BAD_LABELS', 15],
    ['a symbol is there twice', indexOf({ symbols: ['a', 'a'] }), 'ERR_TSDB_BAD_LABELS', 15],
    ['a symbol is not UTF-8', indexOf({ symbols: ['a', Buffer.of(0xff)] }), 'ERR_TSDB_BAD_LABELS', 15],
    ['a section is behind its contents', indexOf({ contents: { postings: 99_999 } }), 'ERR_TSDB_MALFORMED', 29],
    ['no section is behind its series', indexOf({ contents: { series: 29 } }), 'ERR_TSDB_MALFORMED', 29],
  ])('is not opened when %s', async (_, bytes, code, offset) => {
    for (const way of ['direct', 'buffered'] as const) {
      const folder = blockOf(bytes)
      const wrong = { name: 'TsdbError', code, file: join(folder, 'index'), offset }
      await expect(IndexReader.open(folder, way)).rejects.toMatchObject(wrong)
      expect(openFilesIn(folder)).toEqual([])
    }
  })

  it('is not opened when it is not there', async () => {
    expect(await codeFrom(() => IndexReader.open(temporaryFolder(), 'direct'))).toBe('ENOENT')
  })

  it('may announce no series at all', async () => {
    expect(await readIndex(blockOf(indexOf({ symbols, contents: { series: 0 } })), 'direct')).toEqual({
      symbols,
      series: [],
    })
  })

  it('has no file open when it is closed, also in the middle of the series', async () => {
    const folder = blockOf(whole)
    const reader = await IndexReader.open(folder, 'direct')
    expect(reader.path).toBe(join(folder, 'index'))
    await reader.next(new SeriesEntry())
    expect(openFilesIn(folder)).toHaveLength(1)
    await reader.close()
    expect(openFilesIn(folder)).toEqual([])
  })
})

describe('a series', () => {
  /** Where its entry is: behind header, symbols and padding. */
  const first = 32

  async function errorOf(content: Buffer, contents: Parameters<typeof indexOf>[0]['contents'] = {}): Promise<unknown> {
    const folder = blockOf(indexOf({ symbols: ['a', 'b'], series: [entry(0, 1), content, entry(1, 0)], contents }))
    const reader = await IndexReader.open(folder, 'direct')
    const read = new SeriesEntry()
    expect(await reader.next(read)).toBe(true)
    try {
      return await reader.next(read).then(
        () => null,
        (error: unknown) => error,
      )
    } finally {
      await reader.close()
    }
  }

  it.each([
    ['names a symbol that is not there', entry(0, 2), 'ERR_TSDB_MALFORMED', first + 16],
    ['has more labels than it is long', Buffer.from([9, 0, 1, 0]), 'ERR_TSDB_MALFORMED', first + 18],
    ['ends among its labels', Buffer.from([1, 0]), 'ERR_TSDB_MALFORMED', first + 18],
    ['ends before its chunks', Buffer.from([1, 0, 1, 2, 0]), 'ERR_TSDB_TRUNCATED', first + 22],
    ['is empty', Buffer.alloc(0), 'ERR_TSDB_TRUNCATED', first + 17],
    [
      'has a number that is too large',
      Buffer.from([1, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 0]),
      'ERR_TSDB_UNSUPPORTED',
      first + 27,
    ],
  ])('is refused when it %s', async (_, content, code, offset) => {
    expect(await errorOf(content)).toMatchObject({ name: 'TsdbError', code, offset })
  })

  it('is refused when it is longer than its section', async () => {
    const wrong = { code: 'ERR_TSDB_MALFORMED', offset: first + 16 }
    expect(await errorOf(entry(0, 1), { labelIndexTable: first + 16 + 8 })).toMatchObject(wrong)
  })

  it('is refused when its length does not end', async () => {
    const bytes = indexOf({ symbols: ['a', 'b'], series: [Buffer.alloc(60)] })
    bytes.fill(0x80, first, first + 20)
    const reader = await IndexReader.open(blockOf(bytes), 'direct')
    await expect(reader.next(new SeriesEntry())).rejects.toMatchObject({
      code: 'ERR_TSDB_MALFORMED',
      offset: first + 10,
    })
    await reader.close()
  })
})

describe('damage to an index', () => {
  const series: IndexedSeries[] = inIndexOrder([
    {
      labels: [
        ['__name__', 'up'],
        ['job', 'a'],
      ],
      chunks: [{ minTimeMs: -5, maxTimeMs: 1000, reference: 8 }],
    },
    {
      labels: [
        ['__name__', 'up'],
        ['job', 'ü'],
      ],
      chunks: [],
    },
    {
      labels: [['__name__', 'x']],
      chunks: Array.from({ length: 12 }, (_, i) => ({
        minTimeMs: 9000 * i,
        maxTimeMs: 9000 * i + 777,
        reference: 300 * i,
      })),
    },
  ])
  const expected = JSON.stringify({ symbols: symbolsOf(series), series })
  const folder = temporaryFolder()
  const path = join(folder, 'index')
  let whole: Buffer
  beforeAll(async () => {
    await writeIndex(folder, 'direct', series)
    whole = readFileSync(path)
  })

  /** Whether the damage is told. If not, what is read is what was written. */
  async function isTold(bytes: Uint8Array): Promise<boolean> {
    // In a file of its own: who reads ahead may be reading the other one still.
    rmSync(path)
    writeFileSync(path, bytes)
    try {
      expect(JSON.stringify(await readIndex(folder, 'buffered'))).toBe(expected)
      return false
    } catch (error) {
      expect(error).toMatchObject({ name: 'TsdbError', file: path })
      expect(openFilesIn(folder)).toEqual([])
      return true
    }
  }

  /** Whether a byte is read: those of padding, of postings and of tables are not. */
  function isRead(at: number): boolean {
    const { contents, series: parsed } = parseIndex(whole)
    if (at < contents.series || at >= whole.length - 52) return true
    const starts = parsed.map(({ reference }) => 16 * reference)
    // Length, content and checksum.
    return starts.some((start) => at >= start && at < start + 1 + whole[start]! + 4)
  }

  it('is told at every byte that is read', async () => {
    expect(await isTold(whole)).toBe(false)
    for (let at = 0; at < whole.length; at++) {
      // The lowest bit, the one that makes a length go on, and all.
      for (const bits of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(whole)
        damaged[at]! ^= bits
        expect(await isTold(damaged), `byte ${at} ^ ${bits}`).toBe(isRead(at))
      }
    }
  })

  it('is told wherever the file is cut', async () => {
    for (let length = 0; length < whole.length; length++) {
      expect(await isTold(whole.subarray(0, length)), `${length} bytes`).toBe(true)
    }
  })

  it('is told, or changes nothing, when bytes are missing or are there twice', async () => {
    for (let at = 0; at < whole.length; at += 3) {
      for (const count of [1, 16]) {
        const without = Buffer.concat([whole.subarray(0, at), whole.subarray(at + count)])
        const twice = Buffer.concat([whole.subarray(0, at + count), whole.subarray(at)])
        for (const damaged of [without, twice]) await isTold(damaged)
      }
    }
  })
})
