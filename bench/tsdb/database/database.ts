import { join } from 'node:path'
import { listBlocks } from '../block/folders.ts'
import type { BlockMeta } from '../block/meta.ts'
import { type Compaction, compactBlocks } from '../compaction/compact.ts'
import { TsdbError } from '../errors.ts'
import { makeFolder } from '../files/folder.ts'
import { readWayOf } from '../files/input-file.ts'
import { cutBlock } from '../head/cut-block.ts'
import { Head, type HeadSeries } from '../head/head.ts'
import type { Labels } from '../labels.ts'
import { defaultSettings, type Settings } from '../settings.ts'
import { writeCheckpoint } from '../wal/checkpoint.ts'
import { openWal } from '../wal/open-wal.ts'
import { roomFrom } from '../wal/pages.ts'
import { Turns } from '../wal/turns.ts'
import { WAL_FOLDER } from '../wal/wal-folder.ts'
import type { WalWriter } from '../wal/wal-writer.ts'
import { Batch } from './batch.ts'
import { checkpointRecords } from './checkpoint-records.ts'
import { seriesRecordBytes } from './log-records.ts'
import { type Recovery, recover } from './recover.ts'

/**
 * A data folder of Prometheus's kind: samples go into the WAL and the head, from there into blocks, which are compacted.
 * One process at a time may have it open, ours or a Prometheus server.
 *
 * Guaranteed: when `commit` has resolved, its samples survive the death of the process, and with the sync policy
 * `every-batch` that of the machine. They are in the WAL or in a block at any moment, in both only until a `cut` succeeds.
 * Calls take effect in the order they are made, awaited or not. A call that rejects with `retryable: true` lost nothing:
 * make space, and call it again. When a commit fails, the calls that wait behind it are rejected with it; when a block
 * can't be written, nobody else is.
 */
export class Database implements AsyncDisposable {
  private readonly turns = new Turns()
  private batch = new Batch()
  /** Batches whose commit was called, the oldest first. More than one only after a failure. */
  private readonly committing: Batch[] = []
  private isClosed = false
  private closing: Promise<void> | null = null
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
    /** Whether the WAL may have samples that are in blocks. */
    private isWalLong: boolean,
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
    await makeFolder(folder)
    const walFolder = join(folder, WAL_FOLDER)
    const head = new Head(settings.blockRangeMs)
    const known = new WeakSet<HeadSeries>()
    const { strategies, walSync: sync, walSegmentBytes: segmentBytes } = settings
    // A log is read once.
    const reads = strategies.wal === 'auto' ? 'direct' : readWayOf(strategies.wal)
    const recovery = await recover(folder, walFolder, reads, head, known)
    const wal = await openWal(walFolder, strategies.wal, { sync, segmentBytes })
    return new Database(folder, settings, head, wal, known, recovery, recovery.samplesInBlocks > 0)
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
   * @throws {TsdbError} ERR_TSDB_OUT_OF_ORDER, ERR_TSDB_DUPLICATE_SAMPLE; ERR_TSDB_BAD_LABELS for labels that do not fit into
   *   a segment of the WAL; ERR_TSDB_STATE after `close`
   */
  append(series: HeadSeries, timestampMs: number, value: number): void {
    this.assertOpen()
    const current = series.isForgotten ? this.head.seriesOf(series.labels) : series
    const lastMs = Math.max(current.lastTimeMs, current.lastAcceptedMs)
    const fromMs = Math.max(this.head.minValidTimeMs, this.acceptedFromMs)
    const refusal = this.head.refusalOf(current, timestampMs, lastMs, fromMs)
    if (refusal !== null) throw refusal
    if (!this.known.has(current)) this.assertLoggable(current)
    this.batch.add(current, timestampMs, value)
    current.lastAcceptedMs = timestampMs
  }

  /** Ends the batch: resolves when its samples are in the WAL, durable if the policy says so, and in the head. */
  async commit(): Promise<void> {
    this.assertOpen()
    await this.commitInTurn()
  }

  /**
   * Ends the batch as `commit` does, writes the samples of all block ranges but the newest one into blocks, or of all
   * ranges, and cuts the WAL down to what is not in blocks. May be called again after any failure. When its turn comes it
   * ends the batch that was begun meanwhile, too: from then on samples from before the end of the blocks are refused.
   *
   * @returns the new blocks; those that are complete stay when a later one fails
   */
  async cut(ranges: 'complete' | 'all' = 'complete'): Promise<BlockMeta[]> {
    this.assertOpen()
    const last = this.endBatch()
    const blocks = await this.turns.take(async () => {
      await this.commitUpTo(last)
      const end = this.endOfCut(ranges)
      // No more samples from before it: the block they belong to is being written.
      this.acceptedFromMs = end
      try {
        await this.commitUpTo(this.endBatch())
        return await settled(this.cutBefore(end))
      } finally {
        this.acceptedFromMs = -Infinity
      }
    })
    return blocks()
  }

  /** The border up to which blocks can be cut; -Infinity when there is nothing to cut. */
  private endOfCut(ranges: 'complete' | 'all'): number {
    const starts = this.head.ranges()
    return (starts.at(ranges === 'all' ? -1 : -2) ?? -Infinity) + this.settings.blockRangeMs
  }

  private async cutBefore(cutEnd: number): Promise<BlockMeta[]> {
    const { head, settings, folder } = this
    const blocks: BlockMeta[] = []
    for (const start of head.ranges().filter((range) => range < cutEnd)) {
      const end = start + settings.blockRangeMs
      const block = await cutBlock(folder, settings, head, start, end)
      if (block !== null) blocks.push(block)
      // From here on a replay leaves them out, because there is a block that reaches further.
      this.isWalLong = true
      head.forget(end)
    }
    if (this.isWalLong) await this.shortenWal()
    return blocks
  }

  /** All blocks, the oldest samples first. */
  async blocks(): Promise<BlockMeta[]> {
    return (await this.turns.take(() => settled(listBlocks(this.folder))))()
  }

  /**
   * Compacts blocks into one.
   *
   * @param ulids all blocks when they are not named
   * @throws as `compactBlocks`
   */
  async compact(ulids?: readonly string[]): Promise<Compaction> {
    this.assertOpen()
    return (await this.turns.take(() => settled(this.compactNow(ulids))))()
  }

  private async compactNow(ulids: readonly string[] | undefined): Promise<Compaction> {
    const chosen = ulids ?? (await listBlocks(this.folder)).map(({ ulid }) => ulid)
    return await compactBlocks(this.folder, chosen, this.settings)
  }

  /** Commits what is left and ends the WAL. The head's samples are in it, for the next opening. */
  async close(): Promise<void> {
    if (this.isClosed) return
    this.closing ??= this.closeNow().catch((error: unknown) => {
      this.closing = null
      throw error
    })
    await this.closing
  }

  private async closeNow(): Promise<void> {
    await this.commitInTurn()
    await this.turns.take(() => this.wal.end())
    this.isClosed = true
  }

  /** Waits for what is under way, and closes the files; samples that are not committed by then are dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true
    await this.turns.take(() => Promise.resolve()).catch(() => undefined)
    await this.wal[Symbol.asyncDispose]()
  }

  /** @returns the last batch that a call made now has to commit */
  private endBatch(): Batch | undefined {
    if (this.batch.count > 0) {
      this.committing.push(this.batch)
      this.batch = new Batch()
    }
    return this.committing.at(-1)
  }

  private async commitInTurn(): Promise<void> {
    const last = this.endBatch()
    await this.turns.take(() => this.commitUpTo(last))
  }

  /** Batches behind `last` are those of later calls. */
  private async commitUpTo(last: Batch | undefined): Promise<void> {
    if (last === undefined) return
    while (this.committing.includes(last)) {
      const batch = this.committing[0]!
      await batch.log(this.wal, this.known)
      await this.wal.commit()
      batch.applyTo(this.head)
      this.committing.shift()
    }
  }

  /** A new segment and a checkpoint of the head stand for all that was logged before. */
  private async shortenWal(): Promise<void> {
    const segment = await this.wal.nextSegment()
    const options = { strategy: this.wal.strategy, segmentBytes: this.settings.walSegmentBytes }
    await writeCheckpoint(this.wal.folder, segment - 1, checkpointRecords(this.head), options)
    this.isWalLong = false
  }

  /** Once it is in a batch, this series would keep all others from being logged. */
  private assertLoggable(series: HeadSeries): void {
    const most = roomFrom(0, this.settings.walSegmentBytes)
    const needed = seriesRecordBytes(series)
    if (needed <= most) return
    const what = `labels of ${needed} bytes, and a segment of the WAL has room for ${most}`
    throw new TsdbError('ERR_TSDB_BAD_LABELS', what, { file: this.wal.folder })
  }

  private assertOpen(): void {
    if (!this.isClosed && this.closing === null) return
    throw new TsdbError('ERR_TSDB_STATE', 'the database is closed', { file: this.folder })
  }
}

/** Gives the value or throws the error when it is asked, and not before: a failure that is to concern its caller alone. */
async function settled<T>(work: Promise<T>): Promise<() => T> {
  try {
    const value = await work
    return () => value
  } catch (error) {
    return () => {
      throw error
    }
  }
}
