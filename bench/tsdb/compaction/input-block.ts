import { blockFolder, refuseTombstones } from '../block/folders.ts'
import { type BlockMeta, readMeta } from '../block/meta.ts'
import type { IndexedChunk } from '../chunks/check-chunk.ts'
import { ChunkReader } from '../chunks/chunk-reader.ts'
import { closeAll } from '../files/close-all.ts'
import type { ReadWay } from '../files/input-file.ts'
import { IndexReader } from '../index/index-reader.ts'
import { SeriesEntry } from '../index/series-entry.ts'

/** A chunk of the series that is merged. */
export interface InputChunk extends IndexedChunk {
  readonly input: InputBlock
}

/** A block that is compacted: its series one after the other, with the symbols of the block to come. */
export class InputBlock {
  /** The current series. Its symbols are the new block's. */
  readonly entry = new SeriesEntry()
  /** False when all series have been read. */
  hasSeries = true
  /** The new number of each symbol. Set once the symbols of all inputs are merged. */
  newSymbols = new Uint32Array(0)
  private previous: number[] = []

  private constructor(
    readonly meta: BlockMeta,
    readonly index: IndexReader,
    readonly chunks: ChunkReader,
  ) {}

  /**
   * @throws {TsdbError} for a block that is broken, or that has deleted samples; the kernel's error
   */
  static async open(dataFolder: string, ulid: string, way: ReadWay): Promise<InputBlock> {
    const folder = blockFolder(dataFolder, ulid)
    const meta = await readMeta(folder)
    await refuseTombstones(folder)
    const index = await IndexReader.open(folder, way)
    try {
      return new InputBlock(meta, index, await ChunkReader.open(folder, way))
    } catch (error) {
      await index.close()
      throw error
    }
  }

  /** Why its files are not read as asked for; `null` when they are. */
  get why(): string | null {
    return this.index.why ?? this.chunks.why
  }

  /**
   * Goes to the next series.
   *
   * @throws {TsdbError} ERR_TSDB_BAD_LABELS when it does not stand behind the one before, or its labels are not sorted;
   *   ERR_TSDB_OUT_OF_ORDER, ERR_TSDB_DUPLICATE_SAMPLE when its chunks overlap; others as `IndexReader.next`
   */
  async advance(): Promise<void> {
    const { entry, previous, newSymbols } = this
    const { symbols } = entry
    previous.length = 0
    for (const symbol of symbols) previous.push(symbol)
    this.hasSeries = await this.index.next(entry)
    if (!this.hasSeries) return
    for (let i = 0; i < symbols.length; i++) symbols[i] = newSymbols[symbols[i]!]!
    this.checkLabels()
    this.checkChunks()
  }

  async close(): Promise<void> {
    await closeAll([this.index, this.chunks])
  }

  private checkLabels(): void {
    const { symbols } = this.entry
    if (symbols.length === 0) throw this.index.error('a series without labels', 'ERR_TSDB_BAD_LABELS')
    for (let i = 2; i < symbols.length; i += 2) {
      if (symbols[i]! <= symbols[i - 2]!) throw this.index.error('labels that are not sorted', 'ERR_TSDB_BAD_LABELS')
    }
    if (this.previous.length > 0 && compareSymbols(this.previous, symbols) >= 0) {
      throw this.index.error('a series that does not stand behind the one before', 'ERR_TSDB_BAD_LABELS')
    }
  }

  private checkChunks(): void {
    const { chunkCount, minTimesMs, maxTimesMs } = this.entry
    if (chunkCount === 0) throw this.index.error('a series without chunks')
    for (let i = 1; i < chunkCount; i++) {
      if (minTimesMs[i] === maxTimesMs[i - 1]) {
        throw this.index.error(`two chunks with a sample of ${minTimesMs[i]}`, 'ERR_TSDB_DUPLICATE_SAMPLE')
      }
    }
  }
}

/** The order of series: symbols are numbered in the order of their texts, so their numbers compare as these do. */
export function compareSymbols(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const order = a[i]! - b[i]!
    if (order !== 0) return order
  }
  return a.length - b.length
}
