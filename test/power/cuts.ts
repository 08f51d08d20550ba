import { execFileSync } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OnDisk } from '../../bench/matrix/loop-file-systems.ts'
import type { Strategy } from '../../src/index.ts'
import { strategiesHere, strategiesOfBtrfs } from '../support/kernel.ts'
import { deviceBytes, mountedAfterwards, Recorder } from './recorder.ts'
import { type LogEntry, Replay, readLog, sectorsOf } from './write-log.ts'

/** For each file system. 1000 in the long profile: `POWER_CUTS=1000`. */
export const cutsEach = Number(process.env.POWER_CUTS ?? 50)
export const seed = Number(process.env.POWER_SEED ?? 20_261_130)

export const kinds: readonly OnDisk[] = ['ext4', 'xfs', 'btrfs']

export const strategiesOn: Record<OnDisk, readonly Strategy[]> = {
  ext4: strategiesHere,
  xfs: strategiesHere,
  btrfs: strategiesOfBtrfs,
}

/**
 * Bytes of a device that a file system takes to be written whole. Torn, ext4 (two sectors) wants its own repair before it can be
 * mounted, and btrfs (eight) can't be mounted.
 */
const superblocks: Record<OnDisk, readonly (readonly [from: number, to: number])[]> = {
  ext4: [[1024, 2048]],
  xfs: [],
  btrfs: [64 * 1024, 64 * 1024 * 1024].map((from) => [from, from + 4096] as const),
}

/**
 * Cuts the power at random points of what a recorder wrote down from entry `begin` on. A device may keep what it was told behind its
 * last flush in a cache, and lose any of it: of these writes a random part is there, and of some of them a random part of
 * the sectors.
 */
export class PowerCuts {
  readonly entries: readonly LogEntry[]

  private constructor(
    readonly recorder: Recorder,
    private readonly begin: number,
    private readonly next: (below: number) => number,
  ) {
    this.entries = readLog(recorder.log)
  }

  /** Records what `work` does to a file system in a folder that is made for it. Gives what it gave as well. */
  static async of<T>(
    kind: OnDisk,
    folder: string,
    next: (below: number) => number,
    work: (recorder: Recorder) => Promise<T>,
  ): Promise<[cuts: PowerCuts, result: T]> {
    mkdirSync(folder)
    const recorder = new Recorder(folder, kind)
    let begin: number
    let result: T
    try {
      await recorder.start()
      begin = recorder.entries
      result = await work(recorder)
    } finally {
      await recorder.stop()
    }
    return [new PowerCuts(recorder, begin, next), result]
  }

  /** @param look at the mounted folder; `durable` entries are on the device, of those behind them any may be */
  async make(count: number, look: (folder: string, durable: number) => unknown): Promise<void> {
    const { entries, next, begin } = this
    const { folder, log } = this.recorder
    const replay = new Replay(log)
    const [durableImage, image] = [join(folder, 'durable'), join(folder, 'cut')]
    emptyImage(durableImage)
    const cuts = Array.from({ length: count }, () => begin + next(entries.length - begin))
    let applied = 0
    for (const cut of cuts.toSorted((a, b) => a - b)) {
      // A flush makes durable what was done before it came.
      const durable = entries.findLastIndex(({ flushes }, index) => flushes && index < cut) + 1
      replay.apply(entries.slice(applied, durable), durableImage)
      applied = Math.max(applied, durable)
      copySparse(durableImage, image)
      // All of it, or of it what is durable by itself and a part of the rest.
      const whole = next(3) === 0
      const cached = entries.slice(durable, cut)
      replay.apply(
        cached.flatMap((entry) => (whole || entry.durable ? entry : this.#leftOf(entry))),
        image,
      )
      await this.#lookAt(image, (after) => look(after, durable))
    }
    replay.close()
  }

  /** What is there when only some of the entries came to the device, as `damage` leaves it. */
  async lookAfter(upTo: number, look: (folder: string) => unknown, damage?: (image: string) => void): Promise<void> {
    const { folder, log } = this.recorder
    const image = join(folder, 'lossy')
    emptyImage(image)
    const replay = new Replay(log)
    replay.apply(this.entries.slice(0, upTo), image)
    replay.close()
    damage?.(image)
    await this.#lookAt(image, look)
  }

  async #lookAt(image: string, look: (folder: string) => unknown): Promise<void> {
    const after = join(this.recorder.folder, 'after')
    await mountedAfterwards(image, after, async () => await look(after))
  }

  /** Of a write whose power was cut: all, nothing, or a random part of its sectors. */
  #leftOf(entry: LogEntry): LogEntry[] {
    const fate = this.next(3)
    if (fate === 2 && !this.#isSuperblock(entry)) return sectorsOf(entry).filter(() => this.next(2) === 0)
    return fate === 0 ? [] : [entry]
  }

  #isSuperblock({ offset, length }: LogEntry): boolean {
    return superblocks[this.recorder.kind].some(([from, to]) => offset < to && offset + length > from)
  }
}

function emptyImage(path: string): void {
  writeFileSync(path, '')
  truncateSync(path, deviceBytes)
}

function copySparse(from: string, to: string): void {
  execFileSync('cp', ['--sparse=auto', from, to])
}
