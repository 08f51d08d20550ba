import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { blockFolder, cleanUp, creationFolder, deleteBlock, listBlocks } from '../../../bench/tsdb/block/folders.ts'
import { type BlockMeta, metaPath } from '../../../bench/tsdb/block/meta.ts'
import { compactBlocks } from '../../../bench/tsdb/compaction/compact.ts'
import { temporaryFolder } from '../../support/folders.ts'
import { hashesOf } from '../support/block-files.ts'
import { makeBlock, settingsOf } from '../support/blocks.ts'
import { regular } from '../support/series.ts'

const settings = settingsOf('direct')
const SOME_ULID = '01ARZ3NDEKTSV4RRFFQ69G5FAV'

async function block(dataFolder: string, startMs: number, count = 10): Promise<BlockMeta> {
  return await makeBlock(dataFolder, settings, [regular({ a: '1' }, startMs, count)])
}

describe('listBlocks', () => {
  it('gives the blocks by time, and by ULID where they have the same', async () => {
    const dataFolder = temporaryFolder()
    const late = await block(dataFolder, 100)
    const long = await block(dataFolder, 0, 20)
    const same = [await block(dataFolder, 0), await block(dataFolder, 0)]
    same.sort((a, b) => (a.ulid < b.ulid ? -1 : 1))
    const before1970 = await block(dataFolder, -50)
    expect(await listBlocks(dataFolder)).toEqual([before1970, ...same, long, late])
  })

  it('looks at nothing that is no folder named by a ULID', async () => {
    const dataFolder = temporaryFolder()
    const one = await block(dataFolder, 0)
    for (const name of ['wal', 'chunks_head', SOME_ULID.toLowerCase(), `8${SOME_ULID.slice(1)}`, `${SOME_ULID}.tmp`]) {
      mkdirSync(join(dataFolder, name))
    }
    mkdirSync(creationFolder(dataFolder, SOME_ULID))
    writeFileSync(join(dataFolder, SOME_ULID), 'a file')
    symlinkSync(blockFolder(dataFolder, one.ulid), join(dataFolder, `${SOME_ULID.slice(0, -1)}W`))
    expect(await listBlocks(dataFolder)).toEqual([one])
  })

  it('refuses a block without meta.json, and one with that of another', async () => {
    const dataFolder = temporaryFolder()
    const one = await block(dataFolder, 0)
    const other = blockFolder(dataFolder, SOME_ULID)
    mkdirSync(other)
    const code = 'ERR_TSDB_MALFORMED'
    await expect(listBlocks(dataFolder)).rejects.toMatchObject({ code, file: other })
    writeFileSync(metaPath(other), readFileSync(metaPath(blockFolder(dataFolder, one.ulid))))
    await expect(listBlocks(dataFolder)).rejects.toMatchObject({ code, file: metaPath(other) })
  })

  it("passes on the kernel's error for a folder that is not there", async () => {
    await expect(listBlocks(join(temporaryFolder(), 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('deleteBlock', () => {
  it('removes one block and no other', async () => {
    const dataFolder = temporaryFolder()
    const metas = [await block(dataFolder, 0), await block(dataFolder, 100)]
    await deleteBlock(dataFolder, metas[0]!.ulid)
    expect(readdirSync(dataFolder)).toEqual([metas[1]!.ulid])
  })
})

describe('cleanUp', () => {
  it('removes what is half made and half deleted, and nothing else', async () => {
    const dataFolder = temporaryFolder()
    const one = await block(dataFolder, 0)
    const leftOver = [`${SOME_ULID}.tmp-for-creation`, `${one.ulid}.tmp-for-deletion`]
    for (const name of leftOver) {
      mkdirSync(join(dataFolder, name, 'chunks'), { recursive: true })
      writeFileSync(join(dataFolder, name, 'chunks/000001'), 'half')
    }
    const kept = ['wal', 'chunks_head', 'no-ulid.tmp-for-creation', `${SOME_ULID}.tmp-for-creation.bak`]
    for (const name of kept) mkdirSync(join(dataFolder, name))
    writeFileSync(join(dataFolder, `${SOME_ULID}.tmp-for-deletion`), 'a file')
    const { [`${leftOver[0]}/`]: _, ...before } = hashesOf(dataFolder)
    expect((await cleanUp(dataFolder)).toSorted()).toEqual(leftOver.toSorted())
    const gone = (path: string): boolean => leftOver.some((name) => path.startsWith(`${name}/`))
    expect(hashesOf(dataFolder)).toEqual(Object.fromEntries(Object.entries(before).filter(([path]) => !gone(path))))
  })

  it('removes the blocks that another one was made from', async () => {
    const dataFolder = temporaryFolder()
    const metas = [await block(dataFolder, 0), await block(dataFolder, 5), await block(dataFolder, 100)]
    const inputs = [metas[0]!.ulid, metas[1]!.ulid]
    const { meta } = await compactBlocks(dataFolder, inputs, settings, { keepInputs: true })
    expect((await cleanUp(dataFolder)).toSorted()).toEqual(inputs.toSorted())
    expect(await listBlocks(dataFolder)).toEqual([meta, metas[2]])
    expect(await cleanUp(dataFolder)).toEqual([])
  })

  it('removes the parents that are there still when others are gone', async () => {
    const dataFolder = temporaryFolder()
    const metas = [await block(dataFolder, 0), await block(dataFolder, 5)]
    const inputs = [metas[0]!.ulid, metas[1]!.ulid]
    const { meta } = await compactBlocks(dataFolder, inputs, settings, { keepInputs: true })
    rmSync(blockFolder(dataFolder, inputs[0]!), { recursive: true })
    expect(await cleanUp(dataFolder)).toEqual([inputs[1]])
    expect(readdirSync(dataFolder)).toEqual([meta.ulid])
  })

  it('removes a whole line of parents, each made from the one before', async () => {
    const dataFolder = temporaryFolder()
    const metas = [await block(dataFolder, 0), await block(dataFolder, 5), await block(dataFolder, 9)]
    const keepInputs = { keepInputs: true }
    const two = await compactBlocks(dataFolder, [metas[0]!.ulid, metas[1]!.ulid], settings, keepInputs)
    const all = await compactBlocks(dataFolder, [two.meta.ulid, metas[2]!.ulid], settings, keepInputs)
    expect((await cleanUp(dataFolder)).toSorted()).toEqual([...metas, two.meta].map(({ ulid }) => ulid).toSorted())
    expect(await listBlocks(dataFolder)).toEqual([all.meta])
  })

  it('removes no block when one of them is broken', async () => {
    const dataFolder = temporaryFolder()
    const metas = [await block(dataFolder, 0), await block(dataFolder, 5)]
    const inputs = [metas[0]!.ulid, metas[1]!.ulid]
    const { meta } = await compactBlocks(dataFolder, inputs, settings, { keepInputs: true })
    writeFileSync(metaPath(blockFolder(dataFolder, meta.ulid)), '{')
    await expect(cleanUp(dataFolder)).rejects.toMatchObject({ code: 'ERR_TSDB_MALFORMED' })
    for (const ulid of inputs) expect(existsSync(metaPath(blockFolder(dataFolder, ulid)))).toBe(true)
  })
})
