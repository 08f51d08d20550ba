import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { blockFolder, listBlocks } from '../../bench/tsdb/block/folders.ts'
import { type BlockMeta, formatMeta, metaPath } from '../../bench/tsdb/block/meta.ts'
import { tsdbHelpText } from '../../bench/tsdb/help.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { hashesOf, namelessHashesOf, residentBytesOf } from './support/block-files.ts'
import { makeBlock, readBlock, settingsOf } from './support/blocks.ts'
import { textOf } from './support/open-metrics.ts'
import { dump } from './support/promtool.ts'
import { damage } from './support/samples.ts'
import { dumpOfSeries, regular, series, union } from './support/series.ts'
import { linesOf, tsdb, WIDTH_MAX } from './support/tsdb-command.ts'

const folder = temporaryFolder()
/** The beginning of a block range, 2024-01-01 02:00. */
const T0 = 1_704_074_400_000
const HOUR_MS = 3_600_000

/** As far as years have four digits. */
function timeOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')
}

/** A row for each block: its name, times and numbers. */
function rowsOf(blocks: readonly BlockMeta[]): unknown[] {
  return blocks.map(({ ulid, minTime, maxTime, stats: { numSamples, numSeries, numChunks } }) =>
    expect.stringMatching(
      new RegExp(`^${ulid}  ${timeOf(minTime)}  ${timeOf(maxTime)} +${numSamples} +${numSeries} +${numChunks}$`),
    ),
  )
}

const heading = expect.stringMatching(/^block +from +until +samples +series +chunks$/) as string

const fresh = (name = 'data') => freshPath(folder, name)

/** A data folder with two blocks of two hours and one of an hour more. */
async function threeBlocks(): Promise<{ dir: string; blocks: BlockMeta[]; all: ReturnType<typeof regular>[] }> {
  const dir = fresh()
  const parts = [0, 2, 4].map((hour) => [regular({ __name__: 'up', a: '1' }, T0 + hour * HOUR_MS, 100, 30_000)])
  for (const part of parts) await makeBlock(dir, settingsOf('direct'), part)
  return { dir, blocks: await listBlocks(dir), all: union(...parts) }
}

describe('import', () => {
  it('writes blocks of two hours, and tells which', async () => {
    const file = fresh('samples.om')
    writeFileSync(
      file,
      textOf(`a{b="1"} 1 ${T0 / 1000}`, `a{b="2"} 2.5 ${T0 / 1000}`, `a{b="1"} 3 ${T0 / 1000 + 7200}`),
    )
    const dir = fresh()
    const lines = await linesOf('import', file, dir, '--strategy', 'evict')
    const blocks = await listBlocks(dir)
    expect(blocks).toHaveLength(2)
    expect(lines).toEqual([heading, ...rowsOf(blocks)])
    expect(await dump(dir)).toEqual(
      dumpOfSeries([
        series({ __name__: 'a', b: '1' }, [T0, 1], [T0 + 2 * HOUR_MS, 3]),
        series({ __name__: 'a', b: '2' }, [T0, 2.5]),
      ]),
    )
  })

  it('tells what is wrong with the file in a line that names file and line, and leaves nothing', async () => {
    for (const [line, message] of [
      ['a x 1', '"x" is no number'],
      ['a{b="1",b="1"} 1 1', 'label b is there twice'],
      ['a 1 1', '{__name__="a"} is at 2000: a sample of 1000 is too old'],
      ['a 1 2', '{__name__="a"} has a sample of 2000 already'],
    ]) {
      const file = fresh('samples.om')
      writeFileSync(file, textOf('a 1 2', line!))
      const dir = fresh()
      const { code, stdout, stderr } = await tsdb('import', file, dir)
      expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: `tsdb: ${file}:2: ${message}\n` })
      expect(existsSync(dir)).toBe(false)
    }
  })

  it('says that the file is not there', async () => {
    const { code, stderr } = await tsdb('import', fresh('none'), fresh())
    expect(code).toBe(1)
    expect(stderr).toMatch(/^tsdb: ENOENT: no such file or directory, open '.*none-\d+'\n$/)
  })

  it('tells times of any year', async () => {
    const file = fresh('samples.om')
    const years = [-62_200_000_000, -1, 0, 253_402_300_800, 2 ** 41]
    writeFileSync(file, textOf(...years.map((seconds) => `a 1 ${seconds}`)))
    const lines = await linesOf('import', file, fresh())
    expect(lines.slice(1).map((line) => line.slice(28).split('  ')[0])).toEqual([
      '-000002-12-17 14:00',
      '1969-12-31 22:00',
      '1970-01-01 00:00',
      '+010000-01-01 00:00',
      '+071654-04-10 00:00',
    ])
  })
})

describe('generate', () => {
  const few = ['--series', '70', '--interval', '600']

  it('writes samples of so many hours, the same for the same seed', async () => {
    const dirs = [fresh(), fresh(), fresh()]
    const hashes: Record<string, string>[][] = []
    for (const [i, dir] of dirs.entries()) {
      const lines = await linesOf('generate', dir, ...few, '--hours', '3', '--seed', i === 2 ? '8' : '7')
      const blocks = await listBlocks(dir)
      expect(lines).toEqual([heading, ...rowsOf(blocks)])
      expect(blocks.map(({ minTime }) => minTime)).toEqual([T0 - 2 * HOUR_MS, T0])
      for (const { stats } of blocks) expect(stats.numSamples).toBeGreaterThan(70 * 11)
      hashes.push(blocks.map(({ ulid }) => namelessHashesOf(dir, ulid)))
    }
    expect(hashes[1]).toEqual(hashes[0])
    expect(hashes[2]).not.toEqual(hashes[0])
  })

  it('covers all of them, also when it does not start with a block', async () => {
    const dir = fresh()
    await linesOf('generate', dir, ...few, '--hours', '2', '--start', String((T0 + HOUR_MS) / 1000))
    const blocks = await listBlocks(dir)
    expect(blocks.map(({ minTime }) => minTime)).toEqual([T0, T0 + 2 * HOUR_MS])
    const times = (await readBlock(dir, blocks[0]!.ulid)).series.flatMap(({ samples }) => samples.map(([time]) => time))
    expect(Math.min(...times)).toBeGreaterThanOrEqual(T0 + HOUR_MS)
  })
})

describe('compact', () => {
  it('merges all blocks, and says how they were written', async () => {
    const { dir, all } = await threeBlocks()
    const lines = await linesOf('compact', dir)
    const blocks = await listBlocks(dir)
    expect(blocks).toHaveLength(1)
    expect(lines).toEqual([
      heading,
      ...rowsOf(blocks),
      expect.stringMatching(/^3 blocks are one now: [\d.]+ (KiB|B) of chunks, written direct\.$/),
    ])
    expect(await dump(dir)).toEqual(dumpOfSeries(all))
  })

  it('merges those that are named, under the strategy asked for', async () => {
    const { dir, blocks } = await threeBlocks()
    const lines = await linesOf('compact', dir, blocks[2]!.ulid, blocks[1]!.ulid, '--chunks', 'buffered')
    const inEffect = process.env.FORCEDIRECTIO === '1' ? 'direct' : 'buffered'
    expect(lines.at(-1)).toContain(`2 blocks are one now: `)
    expect(lines.at(-1)).toContain(`, written ${inEffect}.`)
    expect(await listBlocks(dir)).toMatchObject([{ ulid: blocks[0]!.ulid }, { compaction: { level: 2 } }])
  })

  it('first clears up what an earlier process has left, and tells it', async () => {
    const { dir, blocks, all } = await threeBlocks()
    const left = blocks.map(({ ulid }, i) => `${ulid}.tmp-for-${i === 1 ? 'deletion' : 'creation'}`)
    for (const [i, name] of left.entries()) {
      cpSync(blockFolder(dir, blocks[i]!.ulid), join(dir, name), { recursive: true })
    }
    const lines = await linesOf('compact', dir)
    const told = lines
      .slice(
        0,
        lines.findIndex((line) => line.startsWith('block ')),
      )
      .join(' ')
    expect(told).toMatch(/^Removed what an earlier process had left: /)
    expect(
      told
        .slice(told.indexOf(': ') + 2)
        .split(', ')
        .toSorted(),
    ).toEqual(left.toSorted())
    expect(readdirSync(dir)).toHaveLength(1)
    expect(await dump(dir)).toEqual(dumpOfSeries(all))
  })

  it('refuses a single block, one that is not there, and one with itself', async () => {
    const { dir, blocks } = await threeBlocks()
    const before = hashesOf(dir)
    const { ulid } = blocks[0]!
    for (const [ulids, message] of [
      [[ulid], '1 blocks: two or more can be compacted'],
      [[ulid, ulid], 'a block that is to be compacted with itself'],
      [[ulid, '01ARZ3NDEKTSV4RRFFQ69G5FAV'], 'ENOENT: no such file or directory'],
    ] as const) {
      const { code, stdout, stderr } = await tsdb('compact', dir, ...ulids)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr.startsWith(`tsdb: ${message}`), stderr).toBe(true)
    }
    expect(hashesOf(dir)).toEqual(before)
  })

  it('tells what is wrong with a block, and leaves all as they are', async () => {
    const { dir, blocks } = await threeBlocks()
    const file = join(blockFolder(dir, blocks[1]!.ulid), 'chunks', '000001')
    damage(file, 40)
    const before = hashesOf(dir)
    const { code, stderr } = await tsdb('compact', dir)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^tsdb: .*000001 at byte 8: the checksum of a chunk is [0-9a-f]{8} instead of [0-9a-f]{8}\n$/,
    )
    expect(stderr).toContain(file)
    expect(hashesOf(dir)).toEqual(before)
  })
})

describe('list', () => {
  it('tells the blocks, the oldest samples first, and changes nothing', async () => {
    const { dir, blocks } = await threeBlocks()
    mkdirSync(`${blockFolder(dir, blocks[0]!.ulid)}.tmp-for-deletion`)
    const before = hashesOf(dir)
    expect(await linesOf('list', dir)).toEqual([heading, ...rowsOf(blocks)])
    expect(hashesOf(dir)).toEqual(before)
  })

  it('tells times that no calendar has as they are', async () => {
    const { dir, blocks } = await threeBlocks()
    const { ulid } = blocks[2]!
    writeFileSync(metaPath(blockFolder(dir, ulid)), formatMeta({ ...blocks[2]!, maxTime: 9e15 }))
    const row = (await linesOf('list', dir)).at(-1)
    expect(row).toContain(' 9000000000000000 ')
  })

  it.each([
    ['that is not there', fresh('none'), /^tsdb: ENOENT: no such file or directory, scandir '.*'\n$/],
    ['that is a file', '/proc/self/status', /^tsdb: ENOTDIR: not a directory, scandir '.*'\n$/],
  ])('says of a folder %s what it is', async (_, dir, message) => {
    for (const command of ['list', 'verify', 'compact']) {
      const { code, stdout, stderr } = await tsdb(command, dir)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(message)
    }
  })

  it('says that a block has no description', async () => {
    const { dir, blocks } = await threeBlocks()
    const block = blockFolder(dir, blocks[1]!.ulid)
    rmSync(metaPath(block))
    const { code, stderr } = await tsdb('list', dir)
    expect({ code, stderr }).toEqual({ code: 1, stderr: `tsdb: ${block}: this block has no meta.json\n` })
  })
})

describe('verify', () => {
  it('says that all blocks are as they should be, or those that are named, and leaves nothing in the page cache', async () => {
    const { dir, blocks } = await threeBlocks()
    const good = 'All of it is as it should be.'
    expect(await linesOf('verify', dir)).toEqual([heading, ...rowsOf(blocks), good])
    expect(await linesOf('verify', dir, blocks[1]!.ulid)).toEqual([heading, ...rowsOf(blocks.slice(1, 2)), good])
    for (const { ulid } of blocks) expect(Object.values(await residentBytesOf(dir, ulid))).toEqual([0, 0])
  })

  it.each(['index', 'chunks/000001'])('tells what is wrong with the %s of one', async (name) => {
    const { dir, blocks } = await threeBlocks()
    const file = join(blockFolder(dir, blocks[2]!.ulid), name)
    damage(file, 60)
    const { code, stdout, stderr } = await tsdb('verify', dir)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.startsWith(`tsdb: ${file} at byte `), stderr).toBe(true)
  })
})

describe('the command line', () => {
  it('gives its help', async () => {
    expect(await tsdb('--help')).toEqual({ code: 0, stdout: tsdbHelpText, stderr: '' })
  })

  it.each([
    [[], 'no command. Known commands: import, generate, compact, list, verify, replay'],
    [['copy', 'a'], "unknown command 'copy'. Known commands: "],
    [['list', 'a', '--fast'], "Unknown option '--fast'"],
    [['list'], 'list takes DIR, not 0 arguments'],
    [['import', 'a', 'b', 'c'], 'import takes FILE DIR, not 3 arguments'],
    [['list', 'a', '--index', 'floppy'], '--index floppy: not a strategy. Known strategies: '],
    [['generate', 'a', '--series', '5000000'], '--series 5000000: not a whole number from 1 to 4000000'],
  ])('answers %j with exit code 2 and what is wrong, and does nothing', async (args, message) => {
    const { code, stdout, stderr } = await tsdb(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr.startsWith(`tsdb: ${message}`), stderr).toBe(true)
    for (const line of stderr.split('\n')) expect(line.length, line).toBeLessThanOrEqual(WIDTH_MAX)
    expect(existsSync('a')).toBe(false)
  })
})
