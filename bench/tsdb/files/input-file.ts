import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { alignmentOf, allocAligned } from 'uncached-io'
import { codeOf, messageOf } from '../../errors.ts'
import { TsdbError } from '../errors.ts'
import type { Strategy } from '../settings.ts'

/** How a file is read: past the page cache (O_DIRECT), or through it. */
export type ReadWay = 'direct' | 'buffered'

/** Who writes past the page cache reads past it, too. */
export function readWayOf(strategy: Strategy): ReadWay {
  return strategy === 'buffered' ? 'buffered' : 'direct'
}

/** A read through the page cache may begin and end anywhere. */
const BUFFERED_BLOCK_BYTES = 1

/** Where the bytes asked for stand in the memory that they were read into. */
export interface ReadRange {
  /** File offset of the first byte in memory; at or before the offset asked for. */
  readonly start: number
  /** File offset behind the last byte that was read; before the end asked for when the file ends there. */
  readonly end: number
}

/**
 * A file that is read at any offset. With `direct` nothing of it is left in the page cache: whole blocks are read into
 * aligned memory. What is in the cache already stays there.
 */
export class InputFile {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    /** What is in effect. */
    readonly way: ReadWay,
    /** Why the file is not read as asked for; `null` when it is. */
    readonly why: string | null,
    /** Bytes that offsets and lengths of reads are multiples of. */
    readonly blockBytes: number,
  ) {}

  /**
   * Where the file system refuses O_DIRECT the file is read through the page cache, and `why` says so.
   *
   * @throws the kernel's error: ENOENT, EACCES, ...
   */
  static async open(path: string, asked: ReadWay): Promise<InputFile> {
    if (asked === 'direct') {
      try {
        const handle = await open(path, constants.O_RDONLY | constants.O_DIRECT)
        const { readOffset } = await alignmentOf(path).catch(async (error: unknown) => {
          await handle.close()
          throw error
        })
        return new InputFile(path, handle, 'direct', null, readOffset)
      } catch (error) {
        if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ERR_DIRECT_UNSUPPORTED') throw error
        return new InputFile(path, await open(path), 'buffered', messageOf(error), BUFFERED_BLOCK_BYTES)
      }
    }
    return new InputFile(path, await open(path), 'buffered', null, BUFFERED_BLOCK_BYTES)
  }

  /** The file's length now. */
  async byteLength(): Promise<number> {
    return (await this.handle.stat()).size
  }

  /** Memory for {@link readInto} with this many bytes beside the blocks that are only partly asked for. */
  allocate(byteLength: number): Buffer {
    const blocks = Math.ceil(byteLength / this.blockBytes) + 1
    const memory = allocAligned(blocks * this.blockBytes)
    return Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength)
  }

  /**
   * Reads whole blocks into `memory`, from the one that `offset` is in, until `byteLength` bytes from `offset` on are
   * there, the memory is full or the file ends.
   *
   * @param memory of {@link allocate}, or a part of it that begins `n * blockBytes` into it
   * @throws the kernel's error
   */
  async readInto(memory: Buffer, offset: number, byteLength: number): Promise<ReadRange> {
    const start = offset - (offset % this.blockBytes)
    const wanted = Math.ceil((offset + byteLength - start) / this.blockBytes) * this.blockBytes
    const most = Math.min(wanted, memory.length - (memory.length % this.blockBytes))
    let filled = 0
    while (filled < most) {
      const { bytesRead } = await this.handle.read(memory, filled, most - filled, start + filled)
      filled += bytesRead
      // A direct read that ends inside a block has met the file's end; going on from there would not be aligned.
      if (bytesRead === 0 || filled % this.blockBytes !== 0) break
    }
    return { start, end: start + filled }
  }

  /**
   * Exactly these bytes, in memory of their own.
   *
   * @throws {TsdbError} ERR_TSDB_TRUNCATED when the file ends before; the kernel's error
   */
  async read(offset: number, byteLength: number): Promise<Buffer> {
    // Asked before memory is taken: a length that is damaged may be beyond all memory.
    const fileBytes = await this.byteLength()
    if (offset + byteLength > fileBytes) throw this.truncated(offset, byteLength, fileBytes)
    const memory = this.allocate(byteLength)
    const { start, end } = await this.readInto(memory, offset, byteLength)
    if (end < offset + byteLength) throw this.truncated(offset, byteLength, end)
    return memory.subarray(offset - start, offset - start + byteLength)
  }

  /** The error for bytes that are not there. */
  truncated(offset: number, byteLength: number, end: number): TsdbError {
    const what = `${byteLength} bytes are needed, and the file ends at byte ${end}`
    return new TsdbError('ERR_TSDB_TRUNCATED', what, { file: this.path, offset })
  }

  async close(): Promise<void> {
    await this.handle.close()
  }
}
