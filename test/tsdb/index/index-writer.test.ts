import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { IndexWriter } from '../../../bench/tsdb/index/index-writer.ts'
import type { Strategy } from '../../../bench/tsdb/settings.ts'
import { pageCacheOf } from '../../../src/index.ts'
import { someBytes } from '../../support/bytes.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { codeFrom, everyStrategy, expectBytes } from '../../writer/tools.ts'
import { type ParsedIndex, parseIndex } from '../support/index-file.ts'
import {
  byBytes,
  type IndexedSeries,
  inIndexOrder,
  readIndex,
  someIndexedSeries,
  symbolsOf,
  writeIndex,
} from '../support/index-series.ts'
import { openFilesIn } from '../support/open-files.ts'

/** The lists of postings that an index of these series has to have, in their order. */
function postingsOf({ series }: ParsedIndex): { name: string; value: string; references: number[] }[] {
  const lists = new Map<string, { name: string; value: string; references: number[] }>()
  for (const { reference, labels } of series) {
    for (const [name, value] of labels) {
      const key = JSON.stringify([name, value])
      if (!lists.has(key)) lists.set(key, { name, value, references: [] })
      lists.get(key)!.references.push(reference)
    }
  }
  const all = { name: '', value: '', references: series.map(({ reference }) => reference) }
  return [all, ...[...lists.values()].toSorted((a, b) => byBytes(a.name, b.name) || byBytes(a.value, b.value))]
}

/** Texts are compared quickly, however much there is. */
function expectSeries(actual: readonly IndexedSeries[], expected: readonly IndexedSeries[]): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual).toEqual(expected)
}

/** Writes the series, takes the file apart and compares all of it with them. */
async function expectIndex(
  strategy: Strategy,
  series: readonly IndexedSeries[],
): Promise<{ folder: string; bytes: Buffer }> {
  const folder = temporaryFolder()
  const length = await writeIndex(folder, strategy, series)
  const bytes = readFileSync(join(folder, 'index'))
  expect(length).toBe(bytes.length)
  const parsed = parseIndex(bytes)
  expect(parsed.symbols).toEqual(symbolsOf(series))
  expectSeries(
    parsed.series.map(({ labels, chunks }) => ({ labels, chunks })),
    series,
  )
  expect(parsed.postings.map(({ name, value, references }) => ({ name, value, references }))).toEqual(
    postingsOf(parsed),
  )
  return { folder, bytes }
}

const chunk = (i: number) => ({ minTimeMs: 1000 * i, maxTimeMs: 1000 * i + 999, reference: 8 + 100 * i })
const chunksUpTo = (count: number) => Array.from({ length: count }, (_, i) => chunk(i))

/** Entries of more than 64 KiB and of more than 1 MiB, between small ones. */
const longEntries = inIndexOrder(
  [1, 14_000, 2, 250_000, 3, 60_000, 1].map((count, i) => ({
    labels: [
      ['__name__', 'long'],
      ['n', String(i)],
    ] as const,
    chunks: chunksUpTo(count),
  })),
)

/** More than 64 KiB of symbols, and a table of postings of that size, too; of series more than 1 MiB. */
const manySeries = inIndexOrder(
  Array.from({ length: 7000 }, (_, i) => ({
    labels: [
      ['__name__', `metric_${i % 7}`],
      ['instance', `10.0.${i >> 8}.${i & 255}`],
      ['job', 'ü'.repeat(1 + (i % 3))],
    ] as const,
    chunks: chunksUpTo(40),
  })),
)

describe('an index', () => {
  test.prop([someIndexedSeries, fc.constantFrom(...everyStrategy)], { numRuns: 60 })(
    'of any series has what the format says, and is read again',
    async (series, strategy) => {
      const { folder } = await expectIndex(strategy, series)
      expect(await readIndex(folder, 'direct')).toEqual({ symbols: symbolsOf(series), series })
    },
  )

  it.each(everyStrategy)('of very long entries has what the format says, and is read again: %s', async (strategy) => {
    const { folder, bytes } = await expectIndex(strategy, longEntries)
    expect(bytes.length).toBeGreaterThan(1.5 * 1024 * 1024)
    expectSeries((await readIndex(folder, 'direct')).series, longEntries)
  })

  it('of many series is the same to the byte, however it is written, and is read again', async () => {
    const { folder, bytes } = await expectIndex('direct', manySeries)
    const { series, postings, postingsTable } = parseIndex(bytes).contents
    const sizes = [series, postings - series, bytes.length - postingsTable]
    expect(sizes.map((size, i) => size > [64 * 1024, 1024 * 1024, 64 * 1024][i]!)).toEqual([true, true, true])
    for (const strategy of everyStrategy) {
      const other = temporaryFolder()
      await writeIndex(other, strategy, manySeries)
      expectBytes(readFileSync(join(other, 'index')), bytes)
    }
    for (const way of ['direct', 'buffered'] as const) expectSeries((await readIndex(folder, way)).series, manySeries)
  })

  it('may have no series', async () => {
    const { folder } = await expectIndex('direct', [])
    expect(await readIndex(folder, 'direct')).toEqual({ symbols: [], series: [] })
  })

  it('leaves nothing in the page cache when it is written and read past it', async () => {
    const folder = temporaryFolder()
    await writeIndex(folder, 'direct', longEntries)
    await readIndex(folder, 'direct')
    expect((await pageCacheOf(join(folder, 'index'))).residentBytes).toBe(0)
  })

  it('has nothing of what a crash has left in its place', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'index'), someBytes(100_000))
    await writeIndex(folder, 'direct', longEntries.slice(0, 1))
    expect((await readIndex(folder, 'direct')).series).toEqual(longEntries.slice(0, 1))
  })
})

describe('a writer of an index', () => {
  it.each([
    ['b', 'a'],
    ['a', 'a'],
    // In the order of code units this one would be right.
    ['\u{10000}', '\uFFFF'],
  ])('refuses a symbol that is not behind the one before: %j, %j', async (first, second) => {
    const folder = temporaryFolder()
    const writer = await IndexWriter.open(folder, 'direct')
    await writer.addSymbol(first)
    await expect(async () => writer.addSymbol(second)).rejects.toMatchObject({
      code: 'ERR_TSDB_BAD_LABELS',
      file: join(folder, 'index'),
    })
    await writer.drop()
    expect(openFilesIn(folder)).toEqual([])
  })

  it('has no file open when it has ended', async () => {
    const folder = temporaryFolder()
    await writeIndex(folder, 'direct', longEntries)
    expect(openFilesIn(folder)).toEqual([])
  })

  it('needs a folder', async () => {
    expect(await codeFrom(() => IndexWriter.open(join(temporaryFolder(), 'missing'), 'direct'))).toBe('ENOENT')
  })
})
