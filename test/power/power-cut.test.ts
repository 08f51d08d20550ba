import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { randomNumbers } from '../support/bytes.ts'
import { temporaryFolder } from '../support/folders.ts'
import { strategiesInEffect } from '../support/mode.ts'
import { demandServedDevicesInCI, namedServed, whyNotServed } from '../support/served-device.ts'
import { cutsEach, kinds, PowerCuts, seed, strategiesOn } from './cuts.ts'
import { History } from './history.ts'
import { type LogEntry, Replay } from './write-log.ts'

/**
 * What is on the disk when the power is cut: all that a device was told is written down while writers write; then it is brought to
 * a point of it, mounted, and looked at.
 */

/** Half a second for each cut is twice what it takes. */
const timeLimitMs = 60_000 + 1000 * cutsEach

demandServedDevicesInCI()

describe.skipIf(whyNotServed !== null)(namedServed(`power cuts (POWER_SEED=${seed})`), () => {
  const base = temporaryFolder()

  it.each(kinds)(
    `on %s: at ${cutsEach} points, what sync and end told of is there`,
    async (kind) => {
      const folder = join(base, kind)
      const next = randomNumbers(seed)
      const [cuts, history] = await PowerCuts.of(kind, folder, next, async (recorder) => {
        const written = new History(recorder, next)
        for (const strategy of strategiesInEffect(...strategiesOn[kind])) {
          await written.replace()
          await written.write(strategy, 16)
          await written.replace()
          await written.write(strategy, 4)
        }
        return written
      })
      expect(cuts.entries.filter(({ flushes }) => flushes).length).toBeGreaterThan(20)
      await cuts.make(cutsEach, (after, durable) => history.expectAfter(after, durable))
      await expectLossToBeSeen(cuts, history)
      rmSync(folder, { recursive: true })
    },
    timeLimitMs,
  )
})

/** A disk that loses one sector of all that was written: what is looked at is enough to see it. */
async function expectLossToBeSeen(cuts: PowerCuts, history: History): Promise<void> {
  const { entries } = cuts
  const { length } = entries
  const lost = lastOfAFile(cuts)
  await cuts.lookAfter(length, (after) => history.expectAfter(after, length))
  const look = (after: string) => history.expectAfter(after, length)
  await expect(cuts.lookAfter(length, look, (image) => loseSector(image, lost.offset))).rejects.toThrow(
    /to deeply equal|EIO/,
  )
}

/** The last write of a file's content that no other one came over. */
function lastOfAFile({ entries, recorder }: PowerCuts): LogEntry {
  const replay = new Replay(recorder.log)
  const found = entries.findLast((entry, index) => {
    const later = entries.slice(index + 1)
    return replay.holdsPattern(entry) && !later.some((other) => overlap(entry, other))
  })
  replay.close()
  if (found === undefined) throw new Error('nothing of a file was written')
  return found
}

function loseSector(image: string, offset: number): void {
  const file = openSync(image, 'r+')
  writeSync(file, Buffer.alloc(512), 0, 512, offset)
  closeSync(file)
}

function overlap(a: LogEntry, b: LogEntry): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length
}
