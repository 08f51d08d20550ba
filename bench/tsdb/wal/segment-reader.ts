import { InputFile, type ReadWay } from '../files/input-file.ts'
import { type Damage, RecordDecoder, type Step } from './record-decoder.ts'

/** Reads the records of a segment, a window of the file at a time. */
export class SegmentReader {
  private constructor(
    readonly path: string,
    private readonly file: InputFile,
    /** Large enough for a page: no fragment is longer. */
    private readonly window: Buffer,
    private readonly windowBytes: number,
    private readonly decoder: RecordDecoder,
  ) {}

  /**
   * @param windowBytes at least a page
   * @param offset where a record begins
   * @throws the kernel's error
   */
  static async open(path: string, reads: ReadWay, windowBytes: number, offset = 0): Promise<SegmentReader> {
    const file = await InputFile.open(path, reads)
    return new SegmentReader(path, file, file.allocate(windowBytes), windowBytes, new RecordDecoder(offset))
  }

  /** Behind the last whole record. */
  get wholeEnd(): number {
    return this.decoder.wholeEnd
  }

  /** The file's length now. */
  async byteLength(): Promise<number> {
    return await this.file.byteLength()
  }

  /** What the bytes in memory hold next. `more`: {@link fill}. */
  next(): Step {
    return this.decoder.next()
  }

  /**
   * Reads on.
   *
   * @param limit nothing behind it is looked at
   * @returns false when there is nothing more before `limit`, or before the end of the file
   * @throws the kernel's error
   */
  async fill(limit: number): Promise<boolean> {
    const { offset, left } = this.decoder
    const wanted = Math.min(this.windowBytes, limit - offset)
    if (wanted <= left) return false
    const { start, end } = await this.file.readInto(this.window, offset, wanted)
    const stop = Math.max(offset, Math.min(end, limit))
    // Also when nothing was added: what the decoder held is overwritten.
    this.decoder.feed(this.window.subarray(offset - start, stop - start))
    return stop - offset > left
  }

  /** What is wrong with how the segment ends, or `null`; to be asked when there is nothing more. */
  end(): Damage | null {
    return this.decoder.end()
  }

  async close(): Promise<void> {
    await this.file.close()
  }
}
