import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { demandFileSystemsInCI, named, whyNot } from '../../filesystem/file-systems.ts'
import { smallDisk } from '../../filesystem/small-disk.ts'
import { bitsOf, contentOf, type Series, series } from '../support/series.ts'
import { everyStrategy } from '../wal/wal-files.ts'
import { alike, appendAll, inBlocks, openDatabase, RANGE_MS } from './databases.ts'

demandFileSystemsInCI()

const SERIES = 50
const BATCHES = 40
const BATCH_SAMPLES = 40
const STEP_MS = 20

/** 2000 samples whose values can't be compressed: about 22 KB in the WAL, and 16 KB in a block. */
function batch(number: number): Series[] {
  return Array.from({ length: SERIES }, (_, i) => {
    const { labels } = series({ __name__: 'up', instance: `host-${i}` })
    const times = Array.from({ length: BATCH_SAMPLES }, (__, at) => (number * BATCH_SAMPLES + at) * STEP_MS)
    return { labels, samples: times.map((time) => [time, bitsOf(Math.sin(time * (i + 1)))] as const) }
  })
}

describe.skipIf(whyNot !== null)(named('on a full ext4'), () => {
  const disk = smallDisk()

  /** Makes a call that needs space; again when there is some. @returns whether there was none at first. */
  async function insist(call: () => Promise<unknown>): Promise<boolean> {
    try {
      await call()
      return false
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' })
      disk.giveSpace()
      await call()
      return true
    }
  }

  it.each(everyStrategy)(
    'a commit and a cut go through when there is space again, and nothing is lost (%s)',
    async (strategy) => {
      const folder = join(disk.folder, 'data')
      const changes = { strategies: alike(strategy), walSegmentBytes: 4 * 32 * 1024 }
      disk.takeSpace(500_000)
      const database = await openDatabase(folder, changes)
      let refusals = 0
      for (let number = 0; number < BATCHES; number++) {
        appendAll(database, batch(number))
        if (await insist(() => database.commit())) refusals++
      }
      expect(refusals).toBe(1)
      disk.takeSpace(200_000)
      expect(await insist(() => database.cut())).toBe(true)
      await database.close()
      await using reopened = await openDatabase(folder, changes)
      await reopened.cut('all')
      const { content, blocks } = await inBlocks(folder)
      expect(blocks).toHaveLength(Math.ceil((BATCHES * BATCH_SAMPLES * STEP_MS) / RANGE_MS))
      const all = Array.from({ length: BATCHES }, (_, number) => batch(number))
      const whole = batch(0).map(({ labels }, i) => ({ labels, samples: all.flatMap((one) => one[i]!.samples) }))
      expect(content).toEqual(contentOf(whole))
    },
  )
})
