import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../support/folders.ts'
import { DumpReader } from './support/dump-reader.ts'
import { parseInteger, parseLabels, parseNumber, unquote } from './support/go-text.ts'
import { analyze, dump, list } from './support/promtool.ts'
import { createWal } from './support/promtool-data.ts'
import { awkward, blocksOf, damage, dumpOf, gauge, keyOf, T0 } from './support/samples.ts'

/** All files of a folder with their lengths, and the contents of those that are no blocks. */
function contentsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  return Object.fromEntries(
    files.map((file) => {
      const path = join(file.parentPath, file.name)
      return [path, file.isFile() ? readFileSync(path, 'base64') : 'folder']
    }),
  )
}

describe('dump', () => {
  it('gives labels and values exactly as they were written', async () => {
    const folder = temporaryFolder()
    await blocksOf(folder, ...awkward)
    expect(await dump(folder)).toEqual(dumpOf(...awkward))
  })

  it('sorts series by labels, and changes nothing in the folder', async () => {
    const folder = temporaryFolder()
    await blocksOf(folder, gauge('b', [[T0, 1]]), gauge('a', [[T0, 2]]))
    const before = contentsOf(folder)
    expect([...(await dump(folder)).keys()]).toEqual([keyOf('a'), keyOf('b')])
    expect(contentsOf(folder)).toEqual(before)
  })

  it('reads more than fits into a pipe', async () => {
    const folder = temporaryFolder()
    const samples = Array.from({ length: 5000 }, (_, i) => [T0 + i, i / 3] as const)
    await blocksOf(folder, gauge('up', samples, 'ü€𝄞'))
    expect(await dump(folder)).toEqual(dumpOf(gauge('up', samples, 'ü€𝄞')))
  })

  it('merges blocks that overlap', async () => {
    const folder = temporaryFolder()
    await blocksOf(
      folder,
      gauge('up', [
        [T0, 1],
        [T0 + 2, 3],
      ]),
    )
    await blocksOf(
      folder,
      gauge('up', [
        [T0 + 1, 2],
        [T0 + 2, 3],
      ]),
    )
    expect(await list(folder)).toHaveLength(2)
    expect(await dump(folder)).toEqual(
      dumpOf(
        gauge('up', [
          [T0, 1],
          [T0 + 1, 2],
          [T0 + 2, 3],
        ]),
      ),
    )
  })

  it('reads the WAL behind the last block, and writes no chunks of it into the folder', async () => {
    const folder = join(temporaryFolder(), 'wal')
    await createWal([{ __name__: 'up', job: 'a' }], 300, folder)
    // Without them the head's chunks are made anew.
    rmSync(join(folder, 'chunks_head'), { recursive: true })
    await blocksOf(
      folder,
      gauge(
        'up',
        [
          [0, 1],
          [60_000, 2],
        ],
        'a',
      ),
    )
    const before = contentsOf(folder)
    const found = (await dump(folder)).get(keyOf('up', 'a'))
    expect(found?.timestampsMs.slice(0, 4)).toEqual([0, 60_000, 90_000, 120_000])
    expect(found?.values.slice(0, 4)).toEqual([1, 2, 123_459_789, 123_460_789])
    expect(found?.timestampsMs).toHaveLength(2 + 298)
    expect(contentsOf(folder)).toEqual(before)
  })

  it('reads mapped chunks of the head', async () => {
    const folder = join(temporaryFolder(), 'wal')
    await createWal([{ __name__: 'up', job: 'a' }], 300, folder)
    expect(readdirSync(join(folder, 'chunks_head'))).toEqual(['000001'])
    const samples = Array.from({ length: 300 }, (_, i) => [30_000 * (i + 1), 123_457_789 + 1000 * (i % 100)] as const)
    expect(await dump(folder)).toEqual(dumpOf(gauge('up', samples, 'a')))
  })
})

describe('dump rejects', () => {
  it('a folder that is not there, and one with nothing in it', async () => {
    const folder = temporaryFolder()
    await expect(dump(join(folder, 'none'))).rejects.toThrow('no such file or directory')
    await expect(dump(folder)).rejects.toThrow('has neither blocks nor a WAL')
  })

  it('a chunk that promtool passes over silently', async () => {
    const folder = temporaryFolder()
    const [block] = await blocksOf(folder, gauge('a', [[T0, 1]]), gauge('b', [[T0, 2]]))
    damage(join(folder, block!.ulid, 'chunks/000001'), -5)
    await expect(dump(folder)).rejects.toThrow('checksum mismatch')
  })

  it('a chunk that promtool passes over in one of blocks that overlap', async () => {
    const folder = temporaryFolder()
    const [block] = await blocksOf(
      folder,
      gauge('a', [
        [T0, 1],
        [T0 + 2, 1],
      ]),
    )
    await blocksOf(folder, gauge('b', [[T0 + 1, 2]]))
    damage(join(folder, block!.ulid, 'chunks/000001'), -5)
    await expect(dump(folder)).rejects.toThrow('checksum mismatch')
  })

  it('fewer samples than a block should have', async () => {
    const folder = temporaryFolder()
    const [block] = await blocksOf(folder, gauge('a', [[T0, 1]]))
    const meta = join(folder, block!.ulid, 'meta.json')
    writeFileSync(meta, readFileSync(meta, 'utf8').replace('"numSamples": 1', '"numSamples": 2'))
    await expect(dump(folder)).rejects.toThrow(/dumped 1 samples of .*, whose blocks have 2/)
  })

  it('a block with tombstones', async () => {
    const folder = temporaryFolder()
    const [block] = await blocksOf(folder, gauge('a', [[T0, 1]]))
    const meta = join(folder, block!.ulid, 'meta.json')
    writeFileSync(meta, readFileSync(meta, 'utf8').replace('"numSamples"', '"numTombstones": 1, "numSamples"'))
    await expect(dump(folder)).rejects.toThrow(`${block!.ulid} has tombstones`)
  })

  it('a corrupt WAL', async () => {
    const folder = join(temporaryFolder(), 'wal')
    await createWal([{ __name__: 'up', job: 'a' }], 100, folder)
    damage(join(folder, 'wal/00000000'), 300)
    await expect(dump(folder)).rejects.toThrow(/read WAL: .*corruption in segment/)
  })
})

describe('list', () => {
  it('gives what the meta.json of the blocks say, by time', async () => {
    const folder = temporaryFolder()
    const hour = 3_600_000
    await blocksOf(
      folder,
      gauge('a', [
        [4 * hour, 1],
        [5 * hour, 2],
      ]),
      gauge('b', [[1 * hour, 3]]),
    )
    const blocks = await list(folder)
    expect(blocks).toMatchObject([
      { minTimeMs: 1 * hour, maxTimeMs: 1 * hour + 1, samples: 1, chunks: 1, series: 1 },
      { minTimeMs: 4 * hour, maxTimeMs: 5 * hour + 1, samples: 2, chunks: 1, series: 1 },
    ])
    const folders = readdirSync(folder)
    expect(blocks.map(({ ulid }) => ulid).toSorted()).toEqual(folders.toSorted())
    expect(Math.min(...blocks.map(({ sizeBytes }) => sizeBytes))).toBeGreaterThan(100)
  })

  it('is empty for an empty folder', async () => {
    expect(await list(temporaryFolder())).toEqual([])
  })

  it('rejects a block that promtool passes over', async () => {
    const folder = temporaryFolder()
    const [block] = await blocksOf(folder, gauge('a', [[T0, 1]]))
    truncateSync(join(folder, block!.ulid, 'meta.json'), 10)
    await expect(list(folder)).rejects.toThrow(`promtool passes over the block ${join(folder, block!.ulid)}`)
  })

  it('rejects a block with a bad index', async () => {
    const folder = temporaryFolder()
    const [block] = await blocksOf(folder, gauge('a', [[T0, 1]]))
    damage(join(folder, block!.ulid, 'index'), 12)
    await expect(list(folder)).rejects.toThrow(`corrupted block ${block!.ulid}: read symbols: invalid checksum`)
  })
})

describe('analyze', () => {
  it('counts series, labels and chunks of a block', async () => {
    const folder = temporaryFolder()
    const many = Array.from({ length: 140 }, (_, i) => [T0 + i, i] as const)
    const small = ['x', 'y', 'z\n7 z'].map((job) => gauge('a', [[T0, 1]], job))
    const [block] = await blocksOf(folder, ...small, gauge('b', many, 'x'))
    const analysis = await analyze(folder, block!.ulid)
    expect(analysis).toEqual({
      ulid: block!.ulid,
      duration: '140ms',
      series: 4,
      labelNames: 2,
      labelPairs: 5,
      postingsEntries: 8,
      labelCardinality: new Map([
        ['job', 3],
        ['__name__', 2],
      ]),
      metricCardinality: new Map([
        ['a', 3],
        ['b', 1],
      ]),
      // Three chunks of one sample, one of about 20 and one of about 120.
      fullnessPercents: [60, 20, 0, 0, 0, 0, 0, 0, 0, 20],
    })
    expect(await analyze(folder)).toEqual(analysis)
  })

  it('lists more labels than promtool does by default', async () => {
    const folder = temporaryFolder()
    await blocksOf(folder, ...Array.from({ length: 50 }, (_, i) => gauge(`a${i}`, [[T0, 1]])))
    expect((await analyze(folder)).metricCardinality.size).toBe(50)
  })

  it('rejects a block that is not there, and a chunk with a wrong checksum', async () => {
    const folder = temporaryFolder()
    const [block] = await blocksOf(folder, gauge('a', [[T0, 1]]))
    await expect(analyze(folder, `${block!.ulid.slice(0, -1)}!`)).rejects.toThrow('not found')
    damage(join(folder, block!.ulid, 'chunks/000001'), -1)
    await expect(analyze(folder)).rejects.toThrow('checksum mismatch')
  })
})

describe('text of Go', () => {
  it('is unquoted, whatever its escapes', () => {
    const text = String.raw`"\a\b\f\n\r\t\v\\\"\x00\x7f\u00ad\ufffd\U0010ffff ü\\x41"`
    expect(unquote(text)).toBe('\x07\b\f\n\r\t\v\\"\0\x7f\u00AD\uFFFD\u{10FFFF} ü\\x41')
  })

  it.each([
    [String.raw`"\xff"`, 'not UTF-8'],
    [String.raw`"\q"`, "an escape that Go doesn't write"],
    [String.raw`"\u12g4"`, "an escape that Go doesn't write"],
    [String.raw`"\"`, 'not quoted'],
    ['"a"b"', 'not quoted'],
  ])('is refused where it is none: %s', (text, why) => {
    expect(() => unquote(text)).toThrow(why)
  })

  it('is read as labels in their order', () => {
    const labels = [
      { name: 'b', value: '1, c="2"}' },
      { name: 'a', value: '' },
    ]
    expect(parseLabels(String.raw`{b="1, c=\"2\"}", a=""}`)).toEqual(labels)
    expect(parseLabels('{}')).toEqual([])
  })

  it.each(['', 'a', '{', '{a="1"', '{a="1", ', '{a="1"}}', '{a=1}', 'a="1"}'])('is refused as labels: %s', (text) => {
    expect(() => parseLabels(text)).toThrow('no label set')
  })

  it('is read as a number of 64 bits', () => {
    const numbers = ['-0', '5e-324', '1.7976931348623157e+308', '+Inf', '-Inf', 'NaN', '123456789012345680']
    const values = [-0, Number.MIN_VALUE, Number.MAX_VALUE, Infinity, -Infinity, Number.NaN, 123456789012345680]
    expect(numbers.map(parseNumber)).toEqual(values)
  })

  it.each(['', ' 1', '0x1', 'Infinity', '1e', 'nan'])('is refused as a number: %j', (text) => {
    expect(() => parseNumber(text)).toThrow('no number')
  })

  it('is refused as an integer when it is none, or too large to be told', () => {
    expect(parseInteger('-9007199254740991')).toBe(-9007199254740991)
    for (const text of ['', '1.5', '9007199254740993']) expect(() => parseInteger(text)).toThrow('no integer')
  })
})

describe('DumpReader', () => {
  const text = '{a="1"} 1 10\n{a="1"} 2 20\n{a="2"} 3 30\n'

  it('takes lines in pieces of any length', () => {
    for (let at = 0; at <= text.length; at++) {
      const reader = new DumpReader()
      reader.take(text.slice(0, at))
      reader.take(text.slice(at))
      expect(reader.end()).toEqual([
        { labels: [{ name: 'a', value: '1' }], timestampsMs: [10, 20], values: [1, 2] },
        { labels: [{ name: 'a', value: '2' }], timestampsMs: [30], values: [3] },
      ])
    }
  })

  it('refuses a line that is cut off, one that is no sample, and a series that comes back', () => {
    const cut = new DumpReader()
    cut.take(text.slice(0, -1))
    expect(() => cut.end()).toThrow('ends in a line: {a="2"} 3 30')
    expect(() => new DumpReader().take('level=warn\n')).toThrow('something else than samples: level=warn')
    expect(() => new DumpReader().take(text + text)).toThrow('dumps the series {a="1"} twice')
  })
})

describe('without promtool', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('a test fails, and is told what to install', async () => {
    vi.stubEnv('PATH', temporaryFolder())
    const what = 'promtool is not installed: it is in the Debian package prometheus, and scripts/install-test-tools.sh'
    await expect(list(temporaryFolder())).rejects.toThrow(what)
  })
})
