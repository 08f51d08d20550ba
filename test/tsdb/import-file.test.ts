import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { Database } from '../../bench/tsdb/database/database.ts'
import { type Labels, labelsOf } from '../../bench/tsdb/labels.ts'
import { importFile } from '../../bench/tsdb/samples/import-file.ts'
import { defaultSettings, type Settings, type Strategy } from '../../bench/tsdb/settings.ts'
import { openWriter, pageCacheOf } from '../../src/index.ts'
import { demandFileSystemsInCI, named, whyNot } from '../filesystem/file-systems.ts'
import { smallDisk } from '../filesystem/small-disk.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { strategyInEffect } from '../support/mode.ts'
import { codeFrom, errorFrom, everyStrategy } from '../writer/tools.ts'
import { fullDisk } from './support/bad-disk.ts'
import { hashesOf, namelessHashesOf, residentBytesOf } from './support/block-files.ts'
import { makeBlock, readBlock, settingsOf } from './support/blocks.ts'
import { labelText, numberText, someLabelValue, textOf } from './support/open-metrics.ts'
import { dump } from './support/promtool.ts'
import { bitsOf, dumpOfSeries, regular, type Series, union } from './support/series.ts'

const folder = temporaryFolder()
const HOUR_MS = 3_600_000
const RANGE_MS = 2 * HOUR_MS
/** The beginning of a block range. */
const T0 = 1_700_006_400_000

function settings(strategy: Strategy): Settings {
  return { ...defaultSettings, strategies: { chunks: strategy, index: strategy, wal: strategy } }
}

/** A file of this text. */
function fileOf(text: string, path = freshPath(folder, 'samples.om')): string {
  writeFileSync(path, text)
  return path
}

function lineOf(labels: Labels, timestampMs: number, value: number): string {
  const text = labelText(labels.filter(({ name }) => name !== '__name__').map(({ name, value: of }) => [name, of]))
  return `metric{${text}} ${numberText(value)} ${timestampMs / 1000}`
}

interface Scraped {
  readonly series: number
  readonly timestampMs: number
  readonly value: number
}

/** Samples over some block ranges, before 1970, too, in the order of a file: mostly of time, but of many series. */
const someScrapes: fc.Arbitrary<Scraped[]> = fc
  .array(
    fc.record({
      series: fc.nat(5),
      // Eighths of a second are the same in promtool and here; many of a range are near its borders.
      timestampMs: fc
        .tuple(fc.constantFrom(-2, 0, 1, 3), fc.oneof(fc.nat(16), fc.nat(2 * 3600 * 8 - 1), fc.constant(57_599)))
        .map(([range, eighths]) => T0 + range * RANGE_MS + eighths * 125),
      value: fc.oneof(fc.double(), fc.constantFrom(-0, Number.NaN, Infinity, 5e-324)),
    }),
    { minLength: 1, maxLength: 150, size: 'max' },
  )
  .map((all) => {
    const once = new Map(all.map((one) => [`${one.series} ${one.timestampMs}`, one]))
    return [...once.values()].toSorted((a, b) => a.timestampMs - b.timestampMs || a.series - b.series)
  })

function seriesFrom(scrapes: readonly Scraped[], all: readonly Labels[]): Series[] {
  return union(
    scrapes.map(({ series, timestampMs, value }) => ({
      labels: all[series]!,
      samples: [[timestampMs, bitsOf(value)] as const],
    })),
  )
}

describe('an OpenMetrics file', () => {
  test.prop(
    [someScrapes, fc.array(someLabelValue, { minLength: 6, maxLength: 6 }), fc.constantFrom(...everyStrategy)],
    {
      numRuns: 12,
    },
  )('becomes blocks of two hours, of which promtool finds what stands in it', async (scrapes, values, strategy) => {
    const all = values.map((value, i) =>
      labelsOf([
        ['__name__', 'metric'],
        ['number', String(i)],
        ['value', value],
      ]),
    )
    const file = fileOf(
      textOf(...scrapes.map(({ series, timestampMs, value }) => lineOf(all[series]!, timestampMs, value))),
    )
    const dir = freshPath(folder, 'data')
    const blocks = await importFile(file, dir, settings(strategy))
    expect(await dump(dir)).toEqual(dumpOfSeries(seriesFrom(scrapes, all)))
    const ranges = new Set(scrapes.map(({ timestampMs }) => Math.floor(timestampMs / RANGE_MS) * RANGE_MS))
    expect(blocks.map(({ minTime, maxTime }) => [minTime, maxTime])).toEqual(
      [...ranges].toSorted((a, b) => a - b).map((start) => [start, start + RANGE_MS]),
    )
    for (const { ulid, compaction } of blocks) {
      expect(compaction).toEqual({ level: 1, sources: [ulid] })
      await readBlock(dir, ulid)
    }
    expect(readdirSync(dir).toSorted()).toEqual(blocks.map(({ ulid }) => ulid).toSorted())
    rmSync(dir, { recursive: true })
  })

  it('gives the same bytes under every strategy', async () => {
    const all = regularText(20, 3 * 240)
    const found: Record<string, string>[][] = []
    for (const strategy of everyStrategy) {
      const dir = freshPath(folder, 'data')
      const blocks = await importFile(fileOf(all), dir, settings(strategy))
      expect(blocks).toHaveLength(3)
      found.push(blocks.map(({ ulid }) => namelessHashesOf(dir, ulid)))
    }
    for (const hashes of found.slice(1)) expect(hashes).toEqual(found[0])
  })

  it('without samples gives no block', async () => {
    const dir = freshPath(folder, 'data')
    expect(await importFile(fileOf('# EOF\n'), dir, settings('direct'))).toEqual([])
    expect(readdirSync(dir)).toEqual([])
  })

  it('leaves nothing in the page cache, neither of itself nor of the blocks, when it is imported directly', async () => {
    const file = freshPath(folder, 'samples.om')
    const writer = await openWriter(file, { strategy: 'direct' })
    await writer.write(Buffer.from(regularText(50, 480)))
    await writer.end()
    const dir = freshPath(folder, 'data')
    for (const { ulid } of await importFile(file, dir, settings('direct'))) {
      expect(Object.values(await residentBytesOf(dir, ulid))).toEqual([0, 0])
    }
    expect((await pageCacheOf(file)).residentBytes).toBe(0)
    await importFile(file, freshPath(folder, 'data'), settings('buffered'))
    const stays = strategyInEffect('buffered') === 'buffered'
    expect((await pageCacheOf(file)).residentBytes > 0 || !stays).toBe(true)
  })

  it('adds its blocks to those that are there', async () => {
    const dir = freshPath(folder, 'data')
    const other = await makeBlock(dir, settingsOf('direct'), [regular({ other: '1' }, T0, 10)])
    const before = hashesOf(join(dir, other.ulid))
    const [block] = await importFile(fileOf(textOf('a 1 1700006400')), dir, settings('direct'))
    expect(readdirSync(dir).toSorted()).toEqual([block!.ulid, other.ulid].toSorted())
    expect(hashesOf(join(dir, other.ulid))).toEqual(before)
  })
})

/** So many series with a sample each 30 s, in the order of time. */
function regularText(seriesCount: number, sampleCount: number): string {
  const lines: string[] = []
  for (let i = 0; i < sampleCount; i++) {
    for (let series = 0; series < seriesCount; series++) {
      lines.push(`metric{number="${series}"} ${Math.sin(i * (series + 1))} ${T0 / 1000 + 30 * i}`)
    }
  }
  return `${lines.join('\n')}\n# EOF\n`
}

describe('a file that is refused', () => {
  const good = ['a{b="1"} 1 1700006400', 'a{b="2"} 1 1700006400', 'a{b="1"} 2 1700020800']

  it.each([
    ['for its syntax', 'a{b="1"} x 1700020801', 'ERR_TSDB_SYNTAX', '"x" is no number'],
    ['for a label', 'a{b="1",b="2"} 1 1700020801', 'ERR_TSDB_BAD_LABELS', 'label b is there twice'],
    [
      'for the order',
      'a{b="1"} 1 1700020799.999',
      'ERR_TSDB_OUT_OF_ORDER',
      '{__name__="a", b="1"} is at 1700020800000: a sample of 1700020799999 is too old',
    ],
    [
      'for a sample that is there twice',
      'a{b="1"} 2 1700020800',
      'ERR_TSDB_DUPLICATE_SAMPLE',
      '{__name__="a", b="1"} has a sample of 1700020800000 already',
    ],
    ['for a time', 'a{b="1"} 1 99999999999999999', 'ERR_TSDB_UNSUPPORTED', ''],
  ])('%s is told with its line, and nothing is left of it', async (_, line, code, message) => {
    const dir = freshPath(folder, 'data')
    const other = await makeBlock(dir, settingsOf('direct'), [regular({ other: '1' }, T0, 10)])
    const before = hashesOf(dir)
    const file = fileOf(textOf(...good, line, 'c 1 1700020800'))
    const error = await errorFrom(() => importFile(file, dir, settings('direct')))
    expect(error).toMatchObject({ name: 'TsdbError', code, file, line: 4 })
    if (message === '') expect(error.message.startsWith(`${file}:4: `)).toBe(true)
    else expect(error.message).toBe(`${file}:4: ${message}`)
    expect(hashesOf(dir)).toEqual(before)
    expect(readdirSync(dir)).toEqual([other.ulid])
  })

  it('because it has no end is told with its last line', async () => {
    const dir = freshPath(folder, 'data')
    const file = fileOf('a 1 1\na 1 2\n')
    const error = await errorFrom(() => importFile(file, dir, settings('direct')))
    expect(error).toMatchObject({ code: 'ERR_TSDB_SYNTAX', file, line: 2 })
    expect(existsSync(dir)).toBe(false)
  })

  it.each(everyStrategy)('because it is not there leaves no folder (%s)', async (strategy) => {
    const dir = freshPath(folder, 'data')
    const file = freshPath(folder, 'none')
    expect(await errorFrom(() => importFile(file, dir, settings(strategy)))).toMatchObject({
      code: 'ENOENT',
      path: file,
    })
    expect(existsSync(dir)).toBe(false)
  })

  it.each(everyStrategy)('because it is a folder leaves no folder (%s)', async (strategy) => {
    const dir = freshPath(folder, 'data')
    expect(await codeFrom(() => importFile(folder, dir, settings(strategy)))).toBe('EISDIR')
    expect(existsSync(dir)).toBe(false)
  })

  it('because the disk fails at any call leaves nothing', async () => {
    const disk = fullDisk()
    const file = fileOf(textOf(...good))
    let calls = 0
    for (; ; calls++) {
      const dir = freshPath(folder, 'data')
      disk.failAfter(calls)
      const code = await importFile(file, dir, settings('direct')).then(
        () => null,
        (error: { code: string }) => error.code,
      )
      if (code === null) break
      expect(code).toBe('ENOSPC')
      expect(readdirSync(dir)).toEqual([])
    }
    // Chunks, index and description of two blocks.
    expect(calls).toBeGreaterThanOrEqual(6)
  })
})

demandFileSystemsInCI()

describe.skipIf(whyNot !== null)(named('on a full ext4'), () => {
  const disk = smallDisk()

  it.each(everyStrategy)('an import that finds no space for its last block leaves nothing (%s)', async (strategy) => {
    // Four blocks of some 400 KB.
    const file = fileOf(regularText(200, 960))
    const dir = join(disk.folder, 'data')
    mkdirSync(dir)
    disk.takeSpace(1_500_000)
    const free = statfsSync(disk.folder).bavail
    const error = await errorFrom(() => importFile(file, dir, settings(strategy)))
    expect(error).toMatchObject({ code: 'ENOSPC' })
    expect(readdirSync(dir)).toEqual([])
    expect(statfsSync(disk.folder).bavail).toBeGreaterThanOrEqual(free - 8)
    disk.giveSpace()
    const blocks = await importFile(file, dir, settings(strategy))
    expect(blocks).toHaveLength(4)
    expect(blocks.map(({ stats }) => stats.numSamples)).toEqual([48_000, 48_000, 48_000, 48_000])
    rmSync(dir, { recursive: true })
    rmSync(file)
  })
})

describe('a data folder with a log', () => {
  it('is refused when the log holds samples, which the blocks would hide', async () => {
    const dir = freshPath(folder, 'logged')
    const database = await Database.open(dir)
    database.append(database.seriesOf(labelsOf([['a', 'b']])), 1_700_006_400_000, 1)
    await database.close()
    const before = hashesOf(dir)
    expect(await errorFrom(() => importFile(fileOf(textOf('a 1 1700006400')), dir, defaultSettings))).toMatchObject({
      code: 'ERR_TSDB_STATE',
      file: join(dir, 'wal'),
    })
    expect(hashesOf(dir)).toEqual(before)
  })

  it('takes blocks when there is nothing in the log', async () => {
    const dir = freshPath(folder, 'logged')
    await (await Database.open(dir)).close()
    expect(await importFile(fileOf(textOf('a 1 1700006400')), dir, defaultSettings)).toHaveLength(1)
  })
})
