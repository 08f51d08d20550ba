import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ulid as newUlid } from 'ulid'
import { ChunkWriter } from '../chunks/chunk-writer.ts'
import { CHUNKS_FOLDER } from '../chunks/segment.ts'
import { openOutput, put } from '../files/output.ts'
import { IndexWriter } from '../index/index-writer.ts'
import type { Settings, Strategy } from '../settings.ts'
import { creationFolder, publishBlock } from './folders.ts'
import { type BlockDescription, type BlockMeta, formatMeta, META_VERSION, metaPath } from './meta.ts'

/** What goes into meta.json beside what the writer knows itself. */
export interface BlockPurpose {
  readonly minTime: number
  readonly maxTime: number
  readonly level: number
  /** Empty for a block made from samples: it is its own source. */
  readonly sources: readonly string[]
  readonly parents: readonly BlockDescription[]
}

/**
 * Puts a block together in a folder that nobody takes for one, and shows it when all of it is durable. Until `publish`
 * there is no block, behind it there is a whole one, also when the process dies at any point.
 */
export class BlockWriter {
  numSamples = 0
  numChunks = 0

  private constructor(
    private readonly dataFolder: string,
    readonly ulid: string,
    readonly chunks: ChunkWriter,
    readonly index: IndexWriter,
  ) {}

  /**
   * @param expectedChunkBytes as far as it is known: segments are preallocated up to that
   * @throws what `openWriter` throws; the kernel's error. Nothing is left behind then.
   */
  static async open(
    dataFolder: string,
    settings: Pick<Settings, 'strategies' | 'chunkSegmentBytes'>,
    expectedChunkBytes: number,
  ): Promise<BlockWriter> {
    const ulid = newUlid()
    const folder = creationFolder(dataFolder, ulid)
    const { strategies, chunkSegmentBytes: segmentBytes } = settings
    try {
      await mkdir(join(folder, CHUNKS_FOLDER), { recursive: true })
      const chunks = await ChunkWriter.open(folder, { strategy: strategies.chunks, segmentBytes }, expectedChunkBytes)
      try {
        return new BlockWriter(dataFolder, ulid, chunks, await IndexWriter.open(folder, strategies.index))
      } catch (error) {
        await chunks.drop()
        throw error
      }
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** Ends the files, makes everything durable and shows the block. */
  async publish(purpose: BlockPurpose): Promise<BlockMeta> {
    const folder = creationFolder(this.dataFolder, this.ulid)
    await this.chunks.end()
    await this.index.end()
    const meta = this.metaFor(purpose)
    await writeMeta(metaPath(folder), meta, this.index.strategy)
    await publishBlock(this.dataFolder, this.ulid)
    return meta
  }

  /** Gives up and removes what there is. */
  async abandon(): Promise<void> {
    await this.chunks.drop()
    await this.index.drop()
    await rm(creationFolder(this.dataFolder, this.ulid), { recursive: true, force: true })
  }

  private metaFor({ minTime, maxTime, level, sources, parents }: BlockPurpose): BlockMeta {
    const { ulid, numSamples, numChunks, index } = this
    return {
      ulid,
      minTime,
      maxTime,
      stats: { numSamples, numSeries: index.seriesCount, numChunks },
      compaction: {
        level,
        sources: sources.length === 0 ? [ulid] : sources,
        ...(parents.length === 0 ? {} : { parents }),
      },
      version: META_VERSION,
    }
  }
}

async function writeMeta(path: string, meta: BlockMeta, strategy: Strategy): Promise<void> {
  const writer = await openOutput(path, strategy)
  try {
    await put(writer, Buffer.from(formatMeta(meta)))
    await writer.end()
  } catch (error) {
    // On a full disk it would stay open, to be tried again; the block is given up instead.
    writer.fail(error)
    await writer[Symbol.asyncDispose]()
    throw error
  }
}
