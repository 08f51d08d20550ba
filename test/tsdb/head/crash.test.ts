import { cpSync, readdirSync, rmSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { blockFolder, cleanUp, listBlocks } from '../../../bench/tsdb/block/folders.ts'
import type { BlockMeta } from '../../../bench/tsdb/block/meta.ts'
import { freshPath, temporaryFolder } from '../../support/folders.ts'
import { strategiesInEffect } from '../../support/mode.ts'
import { hashesOf } from '../support/block-files.ts'
import { makeBlock, readBlock, settingsOf } from '../support/blocks.ts'
import { list } from '../support/promtool.ts'
import { contentOf, regular } from '../support/series.ts'
import { cutSeries, durationMsOf, interruptedWork, killedWork, undisturbedWork, type Work } from '../support/steps.ts'

const folder = temporaryFolder()
const original = freshPath(folder, 'original')
let other: BlockMeta
let hashes: Record<string, string>

beforeAll(async () => {
  other = await makeBlock(original, settingsOf('direct'), [regular({ a: '1' }, 0, 10)])
  hashes = hashesOf(blockFolder(original, other.ulid))
})

/** The work to cut a block in a folder that has another one. */
function copied(settings: Work['settings']): Work {
  const dataFolder = freshPath(folder, 'data')
  cpSync(original, dataFolder, { recursive: true })
  return { action: 'cut', dataFolder, settings }
}

/** Asserts that there is the whole block beside the other one, or none, and nothing else after cleaning up. */
async function expectWholeOrNone({ dataFolder }: Work): Promise<'whole' | 'none'> {
  // Prometheus takes the folder as it is.
  const listed = await list(dataFolder)
  await cleanUp(dataFolder)
  const ulids = (await listBlocks(dataFolder)).map(({ ulid }) => ulid)
  expect(listed.map(({ ulid }) => ulid).toSorted()).toEqual(ulids.toSorted())
  expect(readdirSync(dataFolder).toSorted()).toEqual(ulids.toSorted())
  expect(hashesOf(blockFolder(dataFolder, other.ulid))).toEqual(hashes)
  const cut = ulids.filter((ulid) => ulid !== other.ulid)
  expect(cut.length).toBe(ulids.length - 1)
  if (cut.length === 0) return 'none'
  expect(cut).toHaveLength(1)
  expect(contentOf((await readBlock(dataFolder, cut[0]!)).series)).toEqual(contentOf(cutSeries))
  return 'whole'
}

describe.each(strategiesInEffect('direct', 'buffered'))(
  'a process that is killed while it cuts a block (%s)',
  (strategy) => {
    // Several segments.
    const settings = settingsOf(strategy, strategy, 8000)

    it('leaves all of it or nothing, whatever it has done last', { timeout: 240_000 }, async () => {
      const { steps } = await undisturbedWork(copied(settings))
      expect(steps.filter((step) => step.startsWith('fallocate 0')).length).toBeGreaterThan(1)
      const found: string[] = []
      for (const [i, step] of steps.entries()) {
        const work = copied(settings)
        await killedWork(work, i + 1)
        found.push(`${await expectWholeOrNone(work)} ${step}`)
        rmSync(work.dataFolder, { recursive: true })
      }
      const published = steps.findIndex((step) => step.startsWith('rename '))
      expect(found).toEqual(steps.map((step, i) => `${i < published ? 'none' : 'whole'} ${step}`))
    })

    it('leaves all of it or nothing at any moment', { timeout: 240_000 }, async () => {
      const durationMs = await durationMsOf(copied(settings))
      for (let i = 0; i < 15; i++) {
        const work = copied(settings)
        await interruptedWork(work, (durationMs * i) / 15)
        await expectWholeOrNone(work)
        rmSync(work.dataFolder, { recursive: true })
      }
    })
  },
)
