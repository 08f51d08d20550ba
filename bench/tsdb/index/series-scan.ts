import { ByteCursor } from '../encoding/byte-cursor.ts'
import { CHECKSUM_BYTES, checkChecksum } from '../encoding/checksum.ts'
import { TsdbError } from '../errors.ts'
import type { InputFile } from '../files/input-file.ts'
import { ReadAhead } from '../files/read-ahead.ts'
import { paddingBytes, SERIES_ALIGNMENT } from './format.ts'

/** The length before an entry, as long as it may be. */
const LENGTH_BYTES_MAX = 10
/** An entry of one series with neither labels nor chunks, which no index has, and its checksum. */
const ENTRY_BYTES_MIN = 1 + 2 + CHECKSUM_BYTES

/** Goes through the series section of an index from its beginning to its end, checking checksums. */
export class SeriesScan {
  private readonly ahead: ReadAhead
  private offset: number
  /** Where the current entry is: an offset in the index, and as a reference. */
  entryOffset = 0
  private readonly content: ByteCursor
  private readonly head: ByteCursor

  /** @param start of the section, `end` of it: offsets in the file */
  constructor(
    private readonly file: InputFile,
    start: number,
    private readonly end: number,
  ) {
    this.ahead = new ReadAhead(file)
    this.offset = start
    this.content = new ByteCursor(Buffer.alloc(0), file.path)
    this.head = new ByteCursor(Buffer.alloc(0), file.path)
  }

  /** The current entry's reference. */
  get reference(): number {
    return this.entryOffset / SERIES_ALIGNMENT
  }

  /**
   * The next entry's content; `null` behind the last one. It holds until the next call.
   *
   * @throws {TsdbError} ERR_TSDB_BAD_CHECKSUM, ERR_TSDB_TRUNCATED, ERR_TSDB_MALFORMED; the kernel's error
   */
  async next(): Promise<ByteCursor | null> {
    const offset = this.offset + paddingBytes(this.offset, SERIES_ALIGNMENT)
    if (offset + ENTRY_BYTES_MIN > this.end) return null
    this.entryOffset = offset
    const headBytes = Math.min(LENGTH_BYTES_MAX, this.end - offset)
    this.head.reset(this.ahead.view(offset, headBytes) ?? (await this.ahead.load(offset, headBytes)), offset)
    const contentBytes = this.head.uvarint()
    const contentOffset = offset + this.head.position
    const bytes = contentBytes + CHECKSUM_BYTES
    if (contentOffset + bytes > this.end) {
      const what = `a series of ${contentBytes} bytes, with its section ending at byte ${this.end}`
      throw new TsdbError('ERR_TSDB_MALFORMED', what, { file: this.file.path, offset })
    }
    const entry = this.ahead.view(contentOffset, bytes) ?? (await this.ahead.load(contentOffset, bytes))
    const content = entry.subarray(0, contentBytes)
    checkChecksum(content, entry.readUInt32BE(contentBytes), 'a series', this.file.path, contentOffset)
    this.offset = contentOffset + bytes
    this.content.reset(content, contentOffset)
    return this.content
  }

  /** Waits for what is being read: the file can be closed then. */
  async settle(): Promise<void> {
    await this.ahead.settle()
  }
}
