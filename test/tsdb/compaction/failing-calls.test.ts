import { readdirSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanUp, listBlocks } from '../../../bench/tsdb/block/folders.ts'
import type { BlockMeta } from '../../../bench/tsdb/block/meta.ts'
import { freshPath, temporaryFolder } from '../../support/folders.ts'
import { strategiesInEffect, strategyInEffect } from '../../support/mode.ts'
import { hashesOf } from '../support/block-files.ts'
import { makeBlock, readBlock, settingsOf } from '../support/blocks.ts'
import { contentOf, regular, type Series, union } from '../support/series.ts'
import { cutSeries, type FailedWork, failedWorks } from '../support/steps.ts'

const inputs = [
  [regular({ a: '1' }, 0, 300, 10), regular({ a: '2' }, 0, 100, 10)],
  [regular({ a: '1' }, 5000, 100, 10), regular({ a: '2' }, 900, 100, 10)],
]
/** Two chunks or three: inputs and outputs have several segments. */
const SEGMENT_BYTES = 1500

const folder = temporaryFolder()

/** The step that failed. */
function failedStep({ steps }: FailedWork, number: number): string {
  return steps[number]!
}

/** Of reads ahead, some of which nobody needs, a failure may go by. */
function expectRejected(work: FailedWork, number: number): boolean {
  const step = failedStep(work, number)
  const goesBy = step.startsWith('read ') && work.code === null
  expect({ step, code: work.code }).toEqual({ step, code: goesBy ? null : 'EIO' })
  return !goesBy
}

/** Asserts that a folder has one block more than before, and these samples in it. */
async function expectNewBlock(dataFolder: string, others: readonly BlockMeta[], expected: Series[]): Promise<void> {
  const found = (await listBlocks(dataFolder)).filter(({ ulid }) => !others.some((other) => other.ulid === ulid))
  expect(found).toHaveLength(1)
  expect(contentOf((await readBlock(dataFolder, found[0]!.ulid)).series)).toEqual(contentOf(expected))
}

describe.each(strategiesInEffect('direct', 'buffered'))('when a call to the kernel fails (%s)', (strategy) => {
  const settings = settingsOf(strategy, strategy, SEGMENT_BYTES)

  describe('a compaction', () => {
    let before: Record<string, string>
    let works: readonly FailedWork[]

    beforeAll(async () => {
      const dataFolder = freshPath(folder, 'data')
      const ulids: string[] = []
      for (const all of inputs) ulids.push((await makeBlock(dataFolder, settings, all)).ulid)
      before = hashesOf(dataFolder)
      works = await failedWorks({ action: 'compact', dataFolder, ulids, settings })
      expect(works.length).toBeGreaterThan(60)
      expect(works.at(-1)).toMatchObject({ code: null, inEffect: strategyInEffect(strategy) })
    }, 240_000)

    it('rejects, whichever it is, and has changed nothing', async () => {
      for (const [i, work] of works.entries()) {
        const rejected = i < works.length - 1 && expectRejected(work, i)
        const isDeleting = work.steps.slice(0, i + 1).some((step) => step.includes('.tmp-for-deletion'))
        if (rejected && !isDeleting) {
          expect(hashesOf(work.folder), failedStep(work, i)).toEqual(before)
          continue
        }
        // The new block is there, and when it rejected all the same it was old ones that could not be deleted.
        await cleanUp(work.folder)
        expect(readdirSync(work.folder), failedStep(work, i)).toHaveLength(1)
        await expectNewBlock(work.folder, [], union(...inputs))
      }
    })

    it('leaves no file open, whichever it is', () => {
      expect(
        works.flatMap((work, i) => (work.leftOpen === 0 ? [] : [`${failedStep(work, i)}: ${work.leftOpen}`])),
      ).toEqual([])
    })

    it('warns of nothing: what it drops it drops on purpose', () => {
      expect(works.flatMap(({ warnings }) => warnings)).toEqual([])
    })
  })

  describe('a cut', () => {
    let before: Record<string, string>
    let other: BlockMeta
    let works: readonly FailedWork[]

    beforeAll(async () => {
      const dataFolder = freshPath(folder, 'data')
      other = await makeBlock(dataFolder, settings, [regular({ a: '1' }, 0, 10)])
      before = hashesOf(dataFolder)
      works = await failedWorks({ action: 'cut', dataFolder, settings })
      expect(works.length).toBeGreaterThan(30)
      expect(works.at(-1)!.code).toBe(null)
    }, 240_000)

    it('rejects, whichever it is, and leaves nothing', async () => {
      for (const [i, work] of works.entries()) {
        if (i < works.length - 1 && expectRejected(work, i)) {
          expect(hashesOf(work.folder), failedStep(work, i)).toEqual(before)
        } else {
          await expectNewBlock(work.folder, [other], [...cutSeries])
        }
      }
    })

    it('leaves no file open, whichever it is', () => {
      expect(
        works.flatMap((work, i) => (work.leftOpen === 0 ? [] : [`${failedStep(work, i)}: ${work.leftOpen}`])),
      ).toEqual([])
    })

    it('warns of nothing: what it drops it drops on purpose', () => {
      expect(works.flatMap(({ warnings }) => warnings)).toEqual([])
    })
  })
})
