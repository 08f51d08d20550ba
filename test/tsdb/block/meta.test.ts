import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type BlockMeta, formatMeta, isUlid, metaPath, readMeta } from '../../../bench/tsdb/block/meta.ts'
import { temporaryFolder } from '../../support/folders.ts'

const ULID = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
const meta: BlockMeta = {
  ulid: ULID,
  minTime: -1,
  maxTime: 7_200_000,
  stats: { numSamples: 1, numSeries: 2, numChunks: 3 },
  compaction: { level: 2, sources: [ULID], parents: [{ ulid: ULID, minTime: -1, maxTime: 5 }] },
  version: 1,
}

/** What is read of a block's folder with this text as its meta.json. */
async function reading(text: string): Promise<BlockMeta> {
  const folder = join(temporaryFolder(), ULID)
  mkdirSync(folder)
  writeFileSync(metaPath(folder), text)
  return await readMeta(folder)
}

describe('meta.json', () => {
  it('is read as it was written', async () => {
    expect(await reading(formatMeta(meta))).toEqual(meta)
  })

  it('is laid out as Prometheus does it', () => {
    const { parents: _, ...compaction } = meta.compaction
    expect(formatMeta({ ...meta, compaction })).toBe(`{
	"ulid": "${ULID}",
	"minTime": -1,
	"maxTime": 7200000,
	"stats": {
		"numSamples": 1,
		"numSeries": 2,
		"numChunks": 3
	},
	"compaction": {
		"level": 2,
		"sources": [
			"${ULID}"
		]
	},
	"version": 1
}
`)
  })

  it('may hold what is not known, as other programs write it', async () => {
    const text = formatMeta(meta).replace('{', '{"thanos": {"labels": {}},')
    expect(await reading(text)).toMatchObject(meta)
  })

  it.each([
    ['no JSON', '{'],
    ['nothing', ''],
    ['null', 'null'],
    ['a number', '7'],
    ['a list', '[]'],
  ])('is refused when it is %s', async (_, text) => {
    const code = text === '[]' ? 'ERR_TSDB_BAD_VERSION' : 'ERR_TSDB_MALFORMED'
    await expect(reading(text)).rejects.toMatchObject({ code, file: expect.stringMatching(/\/meta\.json$/) as string })
  })

  it.each([0, 2, '1', null, undefined])('of version %s is refused', async (version) => {
    await expect(reading(JSON.stringify({ ...meta, version }))).rejects.toMatchObject({ code: 'ERR_TSDB_BAD_VERSION' })
  })

  it.each<[string, object]>([
    ['no ULID', { ulid: undefined }],
    ['the ULID of another block', { ulid: `${ULID.slice(1)}0` }],
    ['a bad ULID', { ulid: `${ULID}0` }],
    ['a number as its ULID', { ulid: 1 }],
    ['no minTime', { minTime: undefined }],
    ['a minTime that is no whole number', { minTime: 0.5 }],
    ['a maxTime that is text', { maxTime: '7' }],
    ['a maxTime too large to be exact', { maxTime: 2 ** 53 }],
    ['a minTime behind its maxTime', { minTime: 8_000_000 }],
    ['no stats', { stats: undefined }],
    ['null as stats', { stats: null }],
    ['no compaction', { compaction: undefined }],
    ['null as compaction', { compaction: null }],
    ['no level', { compaction: { sources: [ULID] } }],
    ['a level that is no whole number', { compaction: { level: 1.5, sources: [ULID] } }],
    ['no sources', { compaction: { level: 1 } }],
    ['a source that is no ULID', { compaction: { level: 1, sources: [ULID, null] } }],
    ['parents that are no list', { compaction: { ...meta.compaction, parents: {} } }],
    ['a parent that is null', { compaction: { ...meta.compaction, parents: [null] } }],
    ['a parent without ULID', { compaction: { ...meta.compaction, parents: [{ minTime: 0, maxTime: 1 }] } }],
  ])('with %s is refused', async (_, changes) => {
    await expect(reading(JSON.stringify({ ...meta, ...changes }))).rejects.toMatchObject({ code: 'ERR_TSDB_MALFORMED' })
  })

  it("that is not there gives the kernel's error", async () => {
    await expect(readMeta(temporaryFolder())).rejects.toMatchObject({ code: 'ENOENT', syscall: 'open' })
  })
})

describe('isUlid', () => {
  it.each([
    [ULID, true],
    ['7ZZZZZZZZZZZZZZZZZZZZZZZZZ', true],
    ['8ZZZZZZZZZZZZZZZZZZZZZZZZZ', false],
    [ULID.toLowerCase(), false],
    [`${ULID}0`, false],
    [ULID.slice(1), false],
    [`0I${ULID.slice(2)}`, false],
    [`${ULID}\n`, false],
    ['', false],
  ])('%j: %s', (name, expected) => {
    expect(isUlid(name)).toBe(expected)
  })
})
