import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { demandFileSystemsInCI, type FileSystem, mounted, named, whyNot } from '../../filesystem/file-systems.ts'
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
  let fileSystem: FileSystem
  beforeAll(() => {
    fileSystem = mounted('ext4', { mebibytes: 16 })
    return () => fileSystem.remove()
  })
  // A test that fails half-way must not fail those behind it.
  afterEach(() => {
    for (const name of readdirSync(fileSystem.folder)) {
      if (name !== 'lost+found') rmSync(join(fileSystem.folder, name), { recursive: true })
    }
  })
  const ballast = () => join(fileSystem.folder, 'ballast')

  /** Takes all space but `leftBytes`. */
  function takeSpace(leftBytes: number): void {
    const { bavail, bsize } = statfsSync(fileSystem.folder)
    writeFileSync(ballast(), new Uint8Array(bavail * bsize - leftBytes), { flush: true })
  }

  /** Makes a call that needs space; again when there is some. @returns whether there was none at first. */
  async function insist(call: () => Promise<unknown>): Promise<boolean> {
    try {
      await call()
      return false
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' })
      rmSync(ballast())
      await call()
      return true
    }
  }

  it.each(everyStrategy)(
    'a commit and a cut go through when there is space again, and nothing is lost (%s)',
    async (strategy) => {
      const folder = join(fileSystem.folder, 'data')
      const changes = { strategies: alike(strategy), walSegmentBytes: 4 * 32 * 1024 }
      takeSpace(500_000)
      const database = await openDatabase(folder, changes)
      let refusals = 0
      for (let number = 0; number < BATCHES; number++) {
        appendAll(database, batch(number))
        if (await insist(() => database.commit())) refusals++
      }
      expect(refusals).toBe(1)
      takeSpace(200_000)
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
