import { ByteCursor } from '../encoding/byte-cursor.ts'
import { CHECKSUM_BYTES, checkChecksum } from '../encoding/checksum.ts'
import { TsdbError } from '../errors.ts'
import { checkHeader, type FileKind } from '../files/check-header.ts'
import { InputFile, type ReadWay } from '../files/input-file.ts'
import { compareText } from '../labels.ts'
import {
  CONTENTS_BYTES,
  type Contents,
  decodeContents,
  INDEX_HEADER_BYTES,
  INDEX_MAGIC,
  INDEX_VERSION,
  indexPath,
} from './format.ts'
import { decodeSeriesEntry, type SeriesEntry } from './series-entry.ts'
import { SeriesScan } from './series-scan.ts'

const UINT32_BYTES = 4

const indexKind: FileKind = {
  what: 'index',
  name: 'index',
  headerBytes: INDEX_HEADER_BYTES,
  magic: INDEX_MAGIC,
  version: INDEX_VERSION,
}

/** Reads an index: the symbols at once, the series one after the other. The postings are not needed for that. */
export class IndexReader {
  private scan: SeriesScan | null = null

  private constructor(
    private readonly file: InputFile,
    /** In order; a symbol's number is its place. */
    readonly symbols: readonly string[],
    private readonly contents: Contents,
    private readonly seriesEnd: number,
  ) {}

  /**
   * @throws {TsdbError} ERR_TSDB_BAD_MAGIC, ERR_TSDB_BAD_VERSION, ERR_TSDB_BAD_CHECKSUM, ERR_TSDB_TRUNCATED,
   *   ERR_TSDB_MALFORMED, ERR_TSDB_BAD_LABELS (symbols not in order, or not UTF-8); the kernel's error
   */
  static async open(blockFolder: string, way: ReadWay): Promise<IndexReader> {
    const file = await InputFile.open(indexPath(blockFolder), way)
    try {
      await checkHeader(file, indexKind)
      const contents = await readContents(file)
      const symbols = await readSymbols(file, contents.symbols)
      return new IndexReader(file, symbols, contents, endOfSeries(file, contents))
    } catch (error) {
      await file.close()
      throw error
    }
  }

  get path(): string {
    return this.file.path
  }

  /** Why the file is not read as it was asked for; `null` when it is. */
  get why(): string | null {
    return this.file.why
  }

  /**
   * Reads the next series, from the first one on.
   *
   * @returns false behind the last one
   * @throws {TsdbError} as `open`; the kernel's error
   */
  async next(entry: SeriesEntry): Promise<boolean> {
    this.scan ??= new SeriesScan(this.file, this.contents.series, this.seriesEnd)
    const content = await this.scan.next()
    if (content === null) return false
    decodeSeriesEntry(content, entry)
    for (const symbol of entry.symbols) {
      if (symbol >= this.symbols.length) throw this.error(`a series names symbol ${symbol}, of ${this.symbols.length}`)
    }
    return true
  }

  /** An error in the series that was read last. */
  error(what: string, code: TsdbError['code'] = 'ERR_TSDB_MALFORMED'): TsdbError {
    return new TsdbError(code, what, { file: this.file.path, offset: this.scan?.entryOffset })
  }

  async close(): Promise<void> {
    await this.scan?.settle()
    await this.file.close()
  }
}

async function readContents(file: InputFile): Promise<Contents> {
  const fileBytes = await file.byteLength()
  const offset = fileBytes - CONTENTS_BYTES - CHECKSUM_BYTES
  if (offset < INDEX_HEADER_BYTES) {
    throw new TsdbError('ERR_TSDB_TRUNCATED', `an index of ${fileBytes} bytes`, { file: file.path, offset: fileBytes })
  }
  const bytes = await file.read(offset, CONTENTS_BYTES + CHECKSUM_BYTES)
  const content = bytes.subarray(0, CONTENTS_BYTES)
  checkChecksum(content, bytes.readUInt32BE(CONTENTS_BYTES), 'the table of contents', file.path, offset)
  const contents = decodeContents(new ByteCursor(content, file.path, offset))
  for (const section of Object.values(contents)) {
    if (section <= offset) continue
    const what = `a section at byte ${section}, behind the last one`
    throw new TsdbError('ERR_TSDB_MALFORMED', what, { file: file.path, offset })
  }
  return contents
}

async function readSymbols(file: InputFile, offset: number): Promise<string[]> {
  const contentOffset = offset + UINT32_BYTES
  const contentBytes = (await file.read(offset, UINT32_BYTES)).readUInt32BE(0)
  const fileBytes = await file.byteLength()
  if (contentOffset + contentBytes + CHECKSUM_BYTES > fileBytes) {
    const what = `symbols of ${contentBytes} bytes, and the file ends at byte ${fileBytes}`
    throw new TsdbError('ERR_TSDB_TRUNCATED', what, { file: file.path, offset })
  }
  const bytes = await file.read(contentOffset, contentBytes + CHECKSUM_BYTES)
  const content = bytes.subarray(0, contentBytes)
  checkChecksum(content, bytes.readUInt32BE(contentBytes), 'the symbols', file.path, contentOffset)
  const cursor = new ByteCursor(content, file.path, contentOffset)
  const count = cursor.uint32()
  const symbols: string[] = []
  for (let i = 0; i < count; i++) {
    const at = cursor.position
    const symbol = cursor.text()
    if (i > 0 && compareText(symbols[i - 1]!, symbol) >= 0) {
      throw cursor.error('ERR_TSDB_BAD_LABELS', `symbol ${JSON.stringify(symbol)} is not in order`, at)
    }
    symbols.push(symbol)
  }
  return symbols
}

/** The series end where the next section begins. */
function endOfSeries(file: InputFile, contents: Contents): number {
  const behind = Object.values(contents).filter((section) => section > contents.series)
  const end = Math.min(...behind)
  if (Number.isFinite(end)) return end
  throw new TsdbError('ERR_TSDB_MALFORMED', 'no section behind the series', {
    file: file.path,
    offset: contents.series,
  })
}
