import type { Writer } from 'uncached-io'
import { ByteBuffer } from '../encoding/byte-buffer.ts'
import { checksum } from '../encoding/checksum.ts'
import { TsdbError } from '../errors.ts'
import { InputFile, type ReadWay, readWayOf } from '../files/input-file.ts'
import { openOutput, put } from '../files/output.ts'
import { ReadAhead } from '../files/read-ahead.ts'
import { compareText } from '../labels.ts'
import type { Strategy } from '../settings.ts'
import {
  encodeContents,
  INDEX_HEADER_BYTES,
  INDEX_MAGIC,
  INDEX_VERSION,
  indexPath,
  paddingBytes,
  SERIES_ALIGNMENT,
} from './format.ts'
import { ALL_SERIES, PostingsCount, type PostingsList } from './postings.ts'
import { writePostings } from './postings-writer.ts'
import { encodeSeriesEntry, type SeriesEntry } from './series-entry.ts'

/** What is gathered before it goes to the writer: a call for each series would cost more than copying it twice. */
const GATHERED_BYTES = 64 * 1024
/** Bytes of a length or a count. */
const UINT32_BYTES = 4
/** Names and values of the table of postings: two texts for each list. */
const TEXTS_PER_LIST = 2
/** Series references are 32 bits in a list of postings. */
const SERIES_OFFSET_MAX = 0xffffffff * SERIES_ALIGNMENT

/**
 * Writes an index from front to back: all symbols in order, `endSymbols`, all series in order, `end`. What is known late
 * (lengths, counts) is patched into what was written; the series are read back from the file for the postings, so that
 * memory holds the symbols and a part of the postings, not the series.
 */
export class IndexWriter {
  private readonly gathered = new ByteBuffer()
  private readonly content = new ByteBuffer()
  private readonly symbols: string[] = []
  private readonly counts = new PostingsCount()
  private seriesStart = 0

  private constructor(
    private readonly path: string,
    private readonly writer: Writer,
  ) {}

  /** @throws what `openWriter` throws */
  static async open(blockFolder: string, strategy: Strategy): Promise<IndexWriter> {
    const path = indexPath(blockFolder)
    const index = new IndexWriter(path, await openOutput(path, strategy))
    index.gathered.uint32(INDEX_MAGIC)
    index.gathered.byte(INDEX_VERSION)
    // Length and count of the symbols, until they are known.
    index.gathered.uint32(0)
    index.gathered.uint32(0)
    return index
  }

  /** What the writer does: under FORCEDIRECTIO not what it was asked for. */
  get strategy(): Strategy {
    return this.writer.mode.inEffect
  }

  get seriesCount(): number {
    return this.counts.seriesCount
  }

  /**
   * The next symbol; they are numbered from 0.
   *
   * @returns `null`, or what to await before the next call
   * @throws {TsdbError} ERR_TSDB_BAD_LABELS when it is not behind the one before
   */
  addSymbol(symbol: string): Promise<void> | null {
    const { symbols, gathered } = this
    const before = symbols.at(-1)
    if (before !== undefined && compareText(before, symbol) >= 0) {
      const what = `symbol ${JSON.stringify(symbol)} does not stand behind ${JSON.stringify(before)}`
      throw new TsdbError('ERR_TSDB_BAD_LABELS', what, { file: this.path })
    }
    symbols.push(symbol)
    gathered.text(symbol)
    return this.passOn(GATHERED_BYTES)
  }

  /** The symbols are complete: series may come. */
  async endSymbols(): Promise<void> {
    await this.passOn(0)
    const { writer, gathered } = this
    const content = INDEX_HEADER_BYTES + UINT32_BYTES
    await this.patch(INDEX_HEADER_BYTES, writer.position - content)
    await this.patch(content, this.symbols.length)
    // The checksum begins with the count, which came last: it is taken from what is in the file.
    await writer.flush()
    gathered.uint32(await this.checksumInFile(content, writer.position))
    this.seriesStart = this.position
  }

  /**
   * The next series; its labels are symbols, and it stands behind the one before in the order of labels.
   *
   * @returns `null`, or what to await before the next call
   */
  addSeries(entry: SeriesEntry): Promise<void> | null {
    const { gathered, content } = this
    const padding = paddingBytes(this.position, SERIES_ALIGNMENT)
    for (let i = 0; i < padding; i++) gathered.byte(0)
    if (this.position > SERIES_OFFSET_MAX) {
      throw new TsdbError('ERR_TSDB_UNSUPPORTED', 'more series than an index can hold', { file: this.path })
    }
    content.clear()
    encodeSeriesEntry(entry, content)
    gathered.uvarint(content.length)
    gathered.put(content.view())
    gathered.uint32(checksum(content.view()))
    this.counts.add(entry.symbols)
    return this.passOn(GATHERED_BYTES)
  }

  /** Writes postings and tables, makes the file durable and closes it. @returns its length in bytes */
  async end(): Promise<number> {
    const { writer, gathered } = this
    const lists = this.counts.lists()
    await this.writePostings(lists)
    const labelIndexTable = this.position
    // An empty one: readers of old take the end of the postings from here. Label indices are not read any more.
    const empty = new ByteBuffer()
    empty.uint32(0)
    gathered.uint32(empty.length)
    gathered.put(empty.view())
    gathered.uint32(checksum(empty.view()))
    const postingsTable = this.position
    await this.writePostingsTable(lists)
    const contents = encodeContents({
      symbols: INDEX_HEADER_BYTES,
      series: this.seriesStart,
      labelIndices: 0,
      labelIndexTable,
      postings: lists[0]!.offset,
      postingsTable,
    })
    gathered.put(contents)
    gathered.uint32(checksum(contents))
    await this.passOn(0)
    return await writer.end()
  }

  /** Gives up: what is there stays as it is. */
  async drop(): Promise<void> {
    // Failed on purpose: what is dropped with it is nothing to be warned of.
    this.writer.fail()
    await this.writer[Symbol.asyncDispose]()
  }

  private async writePostings(lists: PostingsList[]): Promise<void> {
    const end = this.position
    await this.passOn(0)
    await this.writer.flush()
    const file = await InputFile.open(this.path, this.reads)
    try {
      await writePostings(this.writer, { file, start: this.seriesStart, end }, lists)
    } finally {
      await file.close()
    }
  }

  /** Names, values and places of the lists. Its length is patched in when it is known. */
  private async writePostingsTable(lists: readonly PostingsList[]): Promise<void> {
    const { gathered, content } = this
    const lengthOffset = this.position
    gathered.uint32(0)
    let sum = 0
    const finish = () => {
      sum = checksum(content.view(), sum)
      gathered.put(content.view())
      content.clear()
      return this.passOn(GATHERED_BYTES)
    }
    content.clear()
    content.uint32(lists.length)
    for (const { name, value, offset } of lists) {
      content.uvarint(TEXTS_PER_LIST)
      content.text(this.symbol(name))
      content.text(this.symbol(value))
      content.uvarint(offset)
      if (content.length < GATHERED_BYTES) continue
      await finish()
    }
    await finish()
    const length = this.position - lengthOffset - UINT32_BYTES
    gathered.uint32(sum)
    await this.passOn(0)
    await this.patch(lengthOffset, length)
  }

  private symbol(number: number): string {
    return number === ALL_SERIES ? '' : this.symbols[number]!
  }

  /** Offset of the next byte. */
  private get position(): number {
    return this.writer.position + this.gathered.length
  }

  private get reads(): ReadWay {
    return readWayOf(this.strategy)
  }

  /** Gives what is gathered to the writer when it is more than `keptBytes`. */
  private passOn(keptBytes: number): Promise<void> | null {
    const { gathered } = this
    if (gathered.length <= keptBytes) return null
    const wait = put(this.writer, gathered.view())
    if (wait !== null) return wait.then(() => gathered.clear())
    gathered.clear()
    return null
  }

  private async patch(offset: number, value: number): Promise<void> {
    const bytes = Buffer.alloc(UINT32_BYTES)
    bytes.writeUInt32BE(value)
    await this.writer.writeAt(bytes, offset)
  }

  private async checksumInFile(start: number, end: number): Promise<number> {
    const file = await InputFile.open(this.path, this.reads)
    const ahead = new ReadAhead(file)
    try {
      let sum = 0
      for (let offset = start; offset < end; offset += GATHERED_BYTES) {
        const byteLength = Math.min(GATHERED_BYTES, end - offset)
        sum = checksum(ahead.view(offset, byteLength) ?? (await ahead.load(offset, byteLength)), sum)
      }
      return sum
    } finally {
      await ahead.settle()
      await file.close()
    }
  }
}
