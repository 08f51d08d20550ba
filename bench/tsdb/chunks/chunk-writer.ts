import type { Writer } from 'uncached-io'
import { ByteBuffer } from '../encoding/byte-buffer.ts'
import { checksum } from '../encoding/checksum.ts'
import { openOutput, put } from '../files/output.ts'
import type { Strategy } from '../settings.ts'
import {
  chunkReference,
  SEGMENT_BYTES_MAX,
  SEGMENT_HEADER_BYTES,
  SEGMENT_MAGIC,
  SEGMENT_VERSION,
  segmentPath,
} from './segment.ts'

/** Where a chunk came to stand; `wait` is to be awaited before the next chunk is given. */
export interface Written {
  reference: number
  wait: Promise<void> | null
}

export interface ChunkWriterOptions {
  readonly strategy: Strategy
  readonly segmentBytes: number
}

/**
 * Writes the chunks of a block, one segment file after the other, all through one writer, which is reset from each to
 * the next. A segment is preallocated and in the end cut to what was written.
 */
export class ChunkWriter {
  private segment = 0
  /** Bytes that the whole block has in its segments. */
  byteLength = 0
  private readonly record = new ByteBuffer()
  /** Used again for each chunk. */
  private readonly written: Written = { reference: 0, wait: null }

  private constructor(
    private readonly blockFolder: string,
    private readonly writer: Writer,
    private readonly segmentBytes: number,
    private readonly expectedBytes: number,
  ) {}

  /**
   * @param blockFolder has a folder for the chunks in it
   * @param expectedBytes of all chunks, as far as that is known: no more is preallocated
   * @throws RangeError for segments of more than 4 GiB; what `openWriter` throws
   */
  static async open(blockFolder: string, options: ChunkWriterOptions, expectedBytes: number): Promise<ChunkWriter> {
    const { strategy, segmentBytes } = options
    if (segmentBytes > SEGMENT_BYTES_MAX) {
      throw new RangeError(`a segment of chunks has ${SEGMENT_BYTES_MAX} bytes at most, not ${segmentBytes}`)
    }
    const preallocate = Math.min(segmentBytes, expectedBytes)
    const writer = await openOutput(segmentPath(blockFolder, 0), strategy, preallocate)
    const chunks = new ChunkWriter(blockFolder, writer, segmentBytes, expectedBytes)
    await chunks.begin()
    return chunks
  }

  /** What the writer does: under FORCEDIRECTIO not what it was asked for. */
  get strategy(): Strategy {
    return this.writer.mode.inEffect
  }

  /** Encodes nothing: takes data that is encoded already. The answer holds until the next call. */
  add(encoding: number, data: Uint8Array): Written {
    const { record } = this
    record.clear()
    record.uvarint(data.length)
    const start = record.length
    record.byte(encoding)
    record.put(data)
    record.uint32(checksum(record.view(start)))
    return this.addRecord(record.view())
  }

  /**
   * Takes a chunk as it stands in a segment: length, encoding, data, checksum. Its memory may be used again when the
   * answer's `wait` is over.
   */
  addRecord(record: Uint8Array): Written {
    const { written } = this
    if (this.writer.position + record.length > this.segmentBytes && this.writer.position > SEGMENT_HEADER_BYTES) {
      written.reference = chunkReference(this.segment + 1, SEGMENT_HEADER_BYTES)
      written.wait = this.nextSegment(record)
    } else {
      written.reference = chunkReference(this.segment, this.writer.position)
      written.wait = put(this.writer, record)
    }
    this.byteLength += record.length
    return written
  }

  /** Makes all of it durable and closes it. */
  async end(): Promise<void> {
    await this.writer.end()
  }

  /** Gives up: what is there stays as it is. */
  async drop(): Promise<void> {
    // Failed on purpose: what is dropped with it is nothing to be warned of.
    this.writer.fail()
    await this.writer[Symbol.asyncDispose]()
  }

  private async nextSegment(record: Uint8Array): Promise<void> {
    this.segment++
    const preallocate = Math.min(this.segmentBytes, Math.max(0, this.expectedBytes - this.byteLength))
    await this.writer.reset(segmentPath(this.blockFolder, this.segment), { preallocate })
    await this.begin()
    await put(this.writer, record)
  }

  private async begin(): Promise<void> {
    const header = new ByteBuffer()
    header.uint32(SEGMENT_MAGIC)
    header.byte(SEGMENT_VERSION)
    header.put(new Uint8Array(SEGMENT_HEADER_BYTES - header.length))
    this.byteLength += header.length
    await put(this.writer, header.view())
  }
}
