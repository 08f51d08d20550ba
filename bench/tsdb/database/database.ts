import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { listBlocks } from '../block/folders.ts'
import type { BlockMeta } from '../block/meta.ts'
import { type Compaction, compactBlocks } from '../compaction/compact.ts'
import { TsdbError } from '../errors.ts'
import { readWayOf } from '../files/input-file.ts'
import { cutBlock } from '../head/cut-block.ts'
import { Head, type HeadSeries } from '../head/head.ts'
import type { Labels } from '../labels.ts'
import { defaultSettings, type Settings } from '../settings.ts'
import { writeCheckpoint } from '../wal/checkpoint.ts'
import { Turns } from '../wal/turns.ts'
import { WalWriter } from '../wal/wal-writer.ts'
import { Batch } from './batch.ts'
import { checkpointRecords } from './checkpoint-records.ts'
import { type Recovery, recover } from './recover.ts'

/** The folder of the WAL in a data folder. */
export const WAL_FOLDER = 'wal'

/**
 * A data folder of Prometheus's kind: samples go into the WAL and the head, from there into blocks, which are compacted.
 * One process at a time may have it open, ours or a Prometheus server.
 *
 * Guaranteed: when `commit` has resolved, its samples survive the death of the process, and with the sync policy
 * `every-batch` that of the machine. They are in the WAL or in a block at any moment, in both only until the next opening.
 * Calls take effect in the order they are made. A call that rejects with `retryable: true` lost nothing: make space, and
 * call it again.
 */
export class Database implements AsyncDisposable {
  private readonly turns = new Turns()
  private batch = new Batch()
  /** Batches whose commit was called, the oldest first. More than one only after a failure. */
  private readonly committing: Batch[] = []
  private isClosed = false
  /** Samples from before are refused while blocks are cut. */
  private acceptedFromMs = -Infinity

  private constructor(
    readonly folder: string,
    private readonly settings: Settings,
    private readonly head: Head,
    /** For a live reader: `follow(database.wal)`. */
    readonly wal: WalWriter,
    private readonly known: WeakSet<HeadSeries>,
    readonly recovery: Recovery,
  ) {}

  /**
   * Opens a data folder, which is made when it is not there. What a process that died has left is brought in order;
   * `recovery` says what was found.
   *
   * @throws {TsdbError} for blocks without a readable meta.json, and for a WAL that is broken elsewhere than at its end
   * @throws what `openWriter` throws; the kernel's error
   */
  static async open(folder: string, changes: Partial<Settings> = {}): Promise<Database> {
    const settings = { ...defaultSettings, ...changes }
    await mkdir(folder, { recursive: true })
    const walFolder = join(folder, WAL_FOLDER)
    const head = new Head(settings.blockRangeMs)
    const known = new WeakSet<HeadSeries>()
    const { strategies, walSync: sync, walSegmentBytes: segmentBytes } = settings
    const recovery = await recover(folder, walFolder, readWayOf(strategies.wal), head, known)
    const wal = await WalWriter.open(walFolder, { strategy: strategies.wal, sync, segmentBytes })
    return new Database(folder, settings, head, wal, known, recovery)
  }

  /** The series of these labels, to append to. */
  seriesOf(labels: Labels): HeadSeries {
    return this.head.seriesOf(labels)
  }

  /** Series that have samples in the head, or got none yet. */
  get seriesCount(): number {
    return this.head.seriesCount
  }

  /**
   * Takes a sample into the present batch. It is nowhere else before `commit`.
   *
   * @throws {TsdbError} ERR_TSDB_OUT_OF_ORDER, ERR_TSDB_DUPLICATE_SAMPLE; ERR_TSDB_STATE after `close`
   */
  append(series: HeadSeries, timestampMs: number, value: number): void {
    this.assertOpen()
    const current = series.isForgotten ? this.head.seriesOf(series.labels) : series
    const lastMs = Math.max(current.lastTimeMs, current.lastAcceptedMs)
    const fromMs = Math.max(this.head.minValidTimeMs, this.acceptedFromMs)
    const refusal = this.head.refusalOf(current, timestampMs, lastMs, fromMs)
    if (refusal !== null) throw refusal
    this.batch.add(current, timestampMs, value)
    current.lastAcceptedMs = timestampMs
  }

  /** Ends the batch: resolves when its samples are in the WAL, durable if the policy says so, and in the head. */
  async commit(): Promise<void> {
    this.assertOpen()
    this.endBatch()
    await this.turns.take(() => this.commitAll())
  }

  /**
   * Writes the samples of all block ranges but the newest one into blocks, or of all ranges, and cuts the WAL down to
   * what is not in blocks.
   *
   * @returns the new blocks; those that are complete stay when a later one fails
   */
  async cut(ranges: 'complete' | 'all' = 'complete'): Promise<BlockMeta[]> {
    this.assertOpen()
    this.endBatch()
    return await this.turns.take(async () => {
      await this.commitAll()
      const end = this.endOfCut(ranges)
      if (end === null) return []
      // No more samples from before it: the block they belong to is being written.
      this.acceptedFromMs = end
      try {
        this.endBatch()
        await this.commitAll()
        return await this.cutBefore(end)
      } finally {
        this.acceptedFromMs = -Infinity
      }
    })
  }

  /** The border up to which blocks can be cut; `null` when there is nothing to cut. */
  private endOfCut(ranges: 'complete' | 'all'): number | null {
    const starts = this.head.ranges()
    const last = ranges === 'all' ? starts.at(-1) : starts.at(-2)
    return last === undefined ? null : last + this.settings.blockRangeMs
  }

  private async cutBefore(cutEnd: number): Promise<BlockMeta[]> {
    const { head, settings, folder } = this
    const blocks: BlockMeta[] = []
    for (const start of head.ranges().filter((range) => range < cutEnd)) {
      const end = start + settings.blockRangeMs
      const block = await cutBlock(folder, settings, head, start, end)
      if (block !== null) blocks.push(block)
      // From here on a replay leaves them out, because there is a block that reaches further.
      head.forget(end)
    }
    await this.shortenWal()
    return blocks
  }

  /** All blocks, the oldest samples first. */
  async blocks(): Promise<BlockMeta[]> {
    return await listBlocks(this.folder)
  }

  /**
   * Compacts blocks into one.
   *
   * @param ulids all blocks when they are not named
   * @throws as `compactBlocks`
   */
  async compact(ulids?: readonly string[]): Promise<Compaction> {
    this.assertOpen()
    return await this.turns.take(async () => {
      const chosen = ulids ?? (await this.blocks()).map(({ ulid }) => ulid)
      return await compactBlocks(this.folder, chosen, this.settings)
    })
  }

  /** Commits what is left and ends the WAL. The head's samples are in it, for the next opening. */
  async close(): Promise<void> {
    if (this.isClosed) return
    await this.commit()
    await this.turns.take(() => this.wal.end())
    this.isClosed = true
  }

  /** Closes the files; samples that were not committed are dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true
    await this.wal[Symbol.asyncDispose]()
  }

  private endBatch(): void {
    if (this.batch.count === 0) return
    this.committing.push(this.batch)
    this.batch = new Batch()
  }

  private async commitAll(): Promise<void> {
    for (let batch = this.committing[0]; batch !== undefined; batch = this.committing[0]) {
      await batch.log(this.wal, this.known)
      await this.wal.commit()
      batch.applyTo(this.head)
      this.committing.shift()
    }
  }

  /** A new segment and a checkpoint of the head stand for all that was logged before. */
  private async shortenWal(): Promise<void> {
    const { strategies, walSegmentBytes: segmentBytes } = this.settings
    const segment = await this.wal.nextSegment()
    const options = { strategy: strategies.wal, segmentBytes }
    await writeCheckpoint(this.wal.folder, segment - 1, checkpointRecords(this.head), options)
  }

  private assertOpen(): void {
    if (this.isClosed) throw new TsdbError('ERR_TSDB_STATE', 'the database is closed', { file: this.folder })
  }
}
