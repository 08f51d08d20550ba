import { cpSync, readdirSync, rmSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanUp, listBlocks } from '../../../bench/tsdb/block/folders.ts'
import type { BlockMeta } from '../../../bench/tsdb/block/meta.ts'
import { freshPath, temporaryFolder } from '../../support/folders.ts'
import { strategiesInEffect, strategyInEffect } from '../../support/mode.ts'
import { hashesOf } from '../support/block-files.ts'
import { type BlockSettings, makeBlock, readBlock, settingsOf } from '../support/blocks.ts'
import { byLabels } from '../support/go-text.ts'
import { startPrometheus } from '../support/prometheus-server.ts'
import { list } from '../support/promtool.ts'
import { contentOf, dumpOfSeries, regular, union } from '../support/series.ts'
import { durationMsOf, interruptedWork, killedWork, undisturbedWork, type Work } from '../support/steps.ts'

/** 2023-11-14T22:13:20Z. */
const T0 = 1_700_000_000_000
const inputs = [
  [regular({ a: '1' }, T0, 300, 10), regular({ a: '2' }, T0, 100, 10)],
  [regular({ a: '1' }, T0 + 5000, 100, 10), regular({ a: '2' }, T0 + 900, 100, 10), regular({ a: '3' }, T0, 1)],
]
const SEGMENT_BYTES = 1500

const folder = temporaryFolder()

/** Two blocks, of which each test gets a copy. */
class Inputs {
  metas: BlockMeta[] = []
  hashes: Record<string, string> = {}
  readonly original = freshPath(folder, 'original')

  async make(): Promise<void> {
    for (const all of inputs) this.metas.push(await makeBlock(this.original, settingsOf('direct'), all))
    this.hashes = hashesOf(this.original)
  }

  /** The work to compact a copy. */
  copied(settings: BlockSettings): Work {
    const dataFolder = freshPath(folder, 'data')
    cpSync(this.original, dataFolder, { recursive: true })
    return { action: 'compact', dataFolder, ulids: this.metas.map(({ ulid }) => ulid), settings }
  }
}

const original = new Inputs()
beforeAll(async () => await original.make())

/** Asserts that all blocks that are to be seen are whole, by Prometheus's judgement and ours. */
async function expectWhole(dataFolder: string): Promise<void> {
  for (const { ulid } of await list(dataFolder)) await readBlock(dataFolder, ulid)
}

/** Asserts that after cleaning up there are exactly the old blocks, or exactly the new one. @returns which */
async function expectOldOrNew({ dataFolder, ulids = [] }: Work): Promise<'old' | 'new'> {
  await cleanUp(dataFolder)
  const metas = await listBlocks(dataFolder)
  expect(readdirSync(dataFolder).toSorted()).toEqual(metas.map(({ ulid }) => ulid).toSorted())
  if (metas.length === 1) {
    const { meta, series } = await readBlock(dataFolder, metas[0]!.ulid)
    expect(meta.compaction.parents?.map(({ ulid }) => ulid)).toEqual(ulids)
    expect(contentOf(series)).toEqual(contentOf(union(...inputs)))
    return 'new'
  }
  expect(hashesOf(dataFolder)).toEqual(original.hashes)
  return 'old'
}

describe.each(strategiesInEffect('direct', 'buffered'))(
  'a process that is killed while it compacts (%s)',
  (strategy) => {
    const settings = settingsOf(strategy, strategy, SEGMENT_BYTES)

    it('leaves the old blocks or the new one, whatever it has done last', { timeout: 240_000 }, async () => {
      const { steps, inEffect } = await undisturbedWork(original.copied(settings))
      expect(inEffect).toBe(strategyInEffect(strategy))
      expect(steps.filter((step) => step.startsWith('fallocate 0')).length).toBeGreaterThan(1)
      const found: string[] = []
      for (const [i, step] of steps.entries()) {
        const work = original.copied(settings)
        await killedWork(work, i + 1)
        await expectWhole(work.dataFolder)
        found.push(`${await expectOldOrNew(work)} ${step}`)
        rmSync(work.dataFolder, { recursive: true })
      }
      // There is one moment at which it changes: the new block gets its name.
      const published = steps.findIndex((step) => step.startsWith('rename '))
      expect(found).toEqual(steps.map((step, i) => `${i < published ? 'old' : 'new'} ${step}`))
    })

    it('leaves the old blocks or the new one at any moment', { timeout: 240_000 }, async () => {
      const durationMs = await durationMsOf(original.copied(settings))
      for (let i = 0; i < 20; i++) {
        const work = original.copied(settings)
        await interruptedWork(work, (durationMs * i) / 20)
        await expectWhole(work.dataFolder)
        await expectOldOrNew(work)
        rmSync(work.dataFolder, { recursive: true })
      }
    })
  },
)

describe('Prometheus', () => {
  const settings = settingsOf('direct', 'direct', SEGMENT_BYTES)

  /** What it does last, and how often it has done the same before. */
  it.each([
    ['pwrite 00000', 1],
    ['sync 0', 0],
    ['rename ', 0],
    ['sync data', 0],
    ['rename ', 1],
    ['unlink ', 1],
    ['rename ', 2],
    ['unlink ', 5],
    ['rmdir ', 3],
  ])('starts on what a process leaves that is killed behind %j (%i)', async (name, before) => {
    const { steps } = await undisturbedWork(original.copied(settings))
    const same = [...steps.keys()].filter((i) => steps[i]!.startsWith(name))
    const work = original.copied(settings)
    await killedWork(work, 1 + same[before]!)
    await using server = await startPrometheus(work.dataFolder)
    const found = await server.rawSamples('{a=~".+"}', T0, T0 + 60_000)
    expect(byLabels(found)).toEqual(dumpOfSeries(union(...inputs)))
  })
})
