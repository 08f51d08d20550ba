import { cpSync, rmSync } from 'node:fs'
import { test } from '@fast-check/vitest'
import { expect } from 'vitest'
import type { Database } from '../../../bench/tsdb/database/database.ts'
import type { Settings } from '../../../bench/tsdb/settings.ts'
import { freshPath, temporaryFolder } from '../../support/folders.ts'
import { contentOf, valueOf } from '../support/series.ts'
import { expectIn, imageOf, inBlocks, openDatabase } from './databases.ts'
import { type Append, labelPool, Model, type Step, someSettings, steps } from './model.ts'

const folder = temporaryFolder()

/** A database and the model of it, with which the same is done. */
class Pair {
  private readonly model = new Model()
  private readonly path = freshPath(folder, 'data')
  private commits: Promise<void>[] = []
  private database!: Database

  constructor(private readonly settings: Partial<Settings>) {}

  async open(): Promise<void> {
    this.database = await openDatabase(this.path, this.settings)
    expect(this.database.recovery).toMatchObject({
      removed: [],
      replayedSamples: this.model.samplesInHead,
      samplesInBlocks: 0,
      droppedSamples: 0,
      otherRecords: 0,
    })
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'append') this.append(step)
    else if (step.kind === 'commit') await this.commit(step.isAwaited)
    else if (step.kind === 'cut') await this.cut(step.ranges)
    else if (step.kind === 'compact') await this.compact()
    else if (step.kind === 'reopen') await this.reopen()
    else await this.kill()
  }

  /** Closes it and looks at all that is there. */
  async end(): Promise<void> {
    this.model.commit()
    await this.database.close()
    await Promise.all(this.commits)
    await expectIn(this.path, this.model.series)
    rmSync(this.path, { recursive: true })
  }

  private append({ series, fromMs, steps: all, bits }: Append): void {
    let timestampMs = (this.model.lastMs(series) ?? 0) + fromMs
    for (const [i, step] of all.entries()) {
      const value = bits[i % bits.length]!
      expect(this.codeOfAppend(series, timestampMs, value)).toBe(this.model.append(series, timestampMs, value))
      timestampMs += step
    }
  }

  private codeOfAppend(series: number, timestampMs: number, bits: bigint): string | null {
    try {
      this.database.append(this.database.seriesOf(labelPool[series]!), timestampMs, valueOf(bits))
      return null
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  private async commit(isAwaited: boolean): Promise<void> {
    this.model.commit()
    const commit = this.database.commit()
    this.commits.push(commit)
    if (isAwaited) await commit
  }

  private async cut(ranges: 'complete' | 'all'): Promise<void> {
    const blocks = await this.database.cut(ranges)
    expect(blocks.map(({ minTime }) => minTime)).toEqual(this.model.cut(ranges))
  }

  private async compact(): Promise<void> {
    if ((await this.database.blocks()).length < 2) return
    const { meta } = await this.database.compact()
    expect(await this.database.blocks()).toEqual([meta])
    expect((await inBlocks(this.path)).content).toEqual(contentOf(this.model.inBlocks))
  }

  private async reopen(): Promise<void> {
    this.model.commit()
    await this.database.close()
    await this.open()
    expect(this.database.recovery.torn).toBe(null)
  }

  /** What is on the disk when all calls have settled is what is left; samples that are not committed are lost. */
  private async kill(): Promise<void> {
    await Promise.all(this.commits)
    const image = imageOf(this.path)
    await this.database[Symbol.asyncDispose]()
    rmSync(this.path, { recursive: true })
    cpSync(image, this.path, { recursive: true })
    rmSync(image, { recursive: true })
    this.model.drop()
    await this.open()
  }
}

test.prop([someSettings, steps], { numRuns: 25 })(
  'whatever is done, exactly what was committed is there, in blocks or in the head',
  async ({ chunks, index, wal, walSync, pages }, all) => {
    const pair = new Pair({ strategies: { chunks, index, wal }, walSync, walSegmentBytes: pages * 32 * 1024 })
    await pair.open()
    for (const step of all) await pair.take(step)
    await pair.end()
  },
)
