import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import type { Strategy } from '../../src/index.ts'
import { randomNumbers } from '../support/bytes.ts'
import { temporaryFolder } from '../support/folders.ts'
import { strategiesInEffect } from '../support/mode.ts'
import { whyNoServedDevices } from '../support/served-device.ts'
import { History } from './history.ts'
import { type Kind, mountedAfterwards, Recorder } from './recorder.ts'
import { type LogEntry, Replay, readLog, sectorsOf } from './write-log.ts'

/**
 * What is on the disk when the power is cut: all that a device was told is written down while writers write; then it is brought to
 * a point of it, mounted, and looked at. A device may keep what it was told behind its last flush in a cache, and lose any of
 * it: of these writes a random part is there, and of some of them a random part of the sectors.
 */

/** For each file system. 1000 in the long profile: `POWER_CUTS=1000`. */
const cutsEach = Number(process.env.POWER_CUTS ?? 50)
const seed = Number(process.env.POWER_SEED ?? 20_261_130)
const whyNot = whyNoServedDevices()
const deviceBytes = 320 * 1024 * 1024
/** Half a second for each cut is twice what it takes. */
const timeLimitMs = 60_000 + 1000 * cutsEach

/** dontcache is no strategy of btrfs. */
const strategiesOn: Record<Kind, Strategy[]> = {
  ext4: ['direct', 'dontcache', 'evict', 'buffered'],
  xfs: ['direct', 'dontcache', 'evict', 'buffered'],
  btrfs: ['direct', 'evict', 'buffered'],
}

test('the power can be cut here, or nobody demands it', () => {
  if (process.env.CI === 'true') expect(whyNot).toBeNull()
})

describe.skipIf(whyNot !== null)(
  `power cuts (POWER_SEED=${seed}${whyNot === null ? '' : `, skipped: ${whyNot}`})`,
  () => {
    const base = temporaryFolder()

    it.each(['ext4', 'xfs', 'btrfs'] as const)(
      `on %s: at ${cutsEach} points, what sync and end told of is there`,
      async (kind) => {
        const folder = join(base, kind)
        mkdirSync(folder)
        const next = randomNumbers(seed)
        const recorder = new Recorder(folder, kind)
        let history: History
        let begin: number
        try {
          await recorder.start()
          begin = recorder.entries
          history = new History(recorder, next)
          for (const strategy of strategiesInEffect(...strategiesOn[kind])) {
            await history.replace()
            await history.write(strategy, 16)
            await history.replace()
            await history.write(strategy, 4)
          }
        } finally {
          await recorder.stop()
        }
        const entries = readLog(recorder.log)
        expect(entries.filter(({ flushes }) => flushes).length).toBeGreaterThan(20)
        const cuts = Array.from({ length: cutsEach }, () => begin + next(entries.length - begin))
        cutAt(
          cuts.toSorted((a, b) => a - b),
          entries,
          recorder,
          next,
          history,
        )
        expectLossToBeSeen(entries, recorder, history)
        rmSync(folder, { recursive: true })
      },
      timeLimitMs,
    )
  },
)

function cutAt(
  cuts: readonly number[],
  entries: readonly LogEntry[],
  recorder: Recorder,
  next: (below: number) => number,
  history: History,
): void {
  const { folder, kind, log } = recorder
  const replay = new Replay(log)
  const [durableImage, image] = [join(folder, 'durable'), join(folder, 'cut')]
  writeFileSync(durableImage, '')
  truncateSync(durableImage, deviceBytes)
  let applied = 0
  for (const cut of cuts) {
    // A flush makes durable what was done before it came.
    const durable = entries.findLastIndex(({ flushes }, index) => flushes && index < cut) + 1
    replay.apply(entries.slice(applied, durable), durableImage)
    applied = Math.max(applied, durable)
    copySparse(durableImage, image)
    const cached = entries.slice(durable, cut)
    // All of it, or of it what is durable by itself and a random part of the rest, of some writes a part of their sectors.
    const whole = next(3) === 0
    replay.apply(
      cached.flatMap((entry) => (whole || entry.durable ? entry : leftOf(entry, next))),
      image,
    )
    mountedAfterwards(kind, image, join(folder, 'after'), () => history.expectAfter(join(folder, 'after'), durable))
  }
  replay.close()
}

/** Of a write whose power was cut: all, nothing, or a random part of its sectors. */
function leftOf(entry: LogEntry, next: (below: number) => number): LogEntry[] {
  const fate = next(3)
  if (fate === 2) return sectorsOf(entry).filter(() => next(2) === 0)
  return fate === 1 ? [entry] : []
}

/** A disk that loses one sector of all that was written: what is looked at is enough to see it. */
function expectLossToBeSeen(entries: readonly LogEntry[], recorder: Recorder, history: History): void {
  const { folder, kind, log } = recorder
  const replay = new Replay(log)
  const image = join(folder, 'lossy')
  writeFileSync(image, '')
  truncateSync(image, deviceBytes)
  const last = entries.findLastIndex((entry, index) => {
    const later = entries.slice(index + 1)
    return replay.holdsPattern(entry) && !later.some((other) => overlap(entry, other))
  })
  expect(last).toBeGreaterThan(0)
  replay.apply(entries, image)
  loseSector(image, (entries[last] as LogEntry).offset)
  replay.close()
  const after = join(folder, 'after-loss')
  expect(() => mountedAfterwards(kind, image, after, () => history.expectAfter(after, entries.length))).toThrow()
}

function loseSector(image: string, offset: number): void {
  const file = openSync(image, 'r+')
  writeSync(file, Buffer.alloc(512), 0, 512, offset)
  closeSync(file)
}

function overlap(a: LogEntry, b: LogEntry): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length
}

function copySparse(from: string, to: string): void {
  execFileSync('cp', ['--sparse=auto', from, to])
}
