/** Text in the OpenMetrics format, read line by line. */
import { isAscii, isUtf8 } from 'node:buffer'
import { TsdbError } from '../errors.ts'
import { syntaxError } from './open-metrics-error.ts'
import { Families } from './open-metrics-families.ts'
import { type ImportedSample, parseSampleLine } from './open-metrics-line.ts'
import { SeriesReader } from './open-metrics-series.ts'

/**
 * Bytes of a line at most, without its newline: ten thousand times the usual, and a file that has no newlines is refused
 * before it fills the memory.
 */
export const LINE_BYTES_MAX = 2 ** 20

const NEWLINE = 0x0a
const HASH = 0x23
const END_LINE = '# EOF'
/** UTF-8 has at most so many bytes for each of JavaScript's characters. */
const BYTES_PER_CHAR_MAX = 3

/**
 * Takes a text in chunks that are cut anywhere. What is wrong, and with which line, does not depend on where.
 *
 * All methods throw {@link TsdbError}s with file and line; after that nothing more can be done.
 */
export class OpenMetricsText {
  /** Lines begun, which is the number of the last one. */
  private lines = 0
  private samples: ImportedSample[] = []
  private ended = false
  /** The beginning of a line whose newline has not come yet. */
  private pieces: Buffer[] = []
  private pieceBytes = 0
  private readonly families = new Families()
  private readonly series = new SeriesReader((name) => this.families.addSample(name))

  constructor(private readonly file: string) {}

  get sampleCount(): number {
    return this.samples.length
  }

  /** The samples that came since the last call. */
  takeSamples(): ImportedSample[] {
    const { samples } = this
    this.samples = []
    return samples
  }

  /** Reads the lines that are whole now. The chunk may be used again. */
  push(chunk: Buffer): void {
    this.placingErrors(() => {
      const start = this.finishLine(chunk)
      const end = Math.max(start, chunk.lastIndexOf(NEWLINE) + 1)
      if (end > start) this.readLines(chunk.subarray(start, end))
      if (end < chunk.length) this.keep(chunk.subarray(end))
    })
  }

  /** There is no more: the last line has to be `# EOF`, with or without a newline. */
  end(): void {
    this.placingErrors(() => {
      if (this.pieceBytes > 0) this.readUnfinishedLine()
      if (this.ended) return
      // An empty file has no line: it would be in the first one.
      this.lines = Math.max(1, this.lines)
      throw syntaxError('the file does not end with # EOF')
    })
  }

  /** Reads the line that was begun, if its newline is here. @returns where in the chunk the next line begins */
  private finishLine(chunk: Buffer): number {
    if (this.pieceBytes === 0) return 0
    const end = chunk.indexOf(NEWLINE) + 1
    if (end === 0) return 0
    const line = Buffer.concat([...this.pieces, chunk.subarray(0, end)])
    this.pieces = []
    this.pieceBytes = 0
    this.readLines(line)
    return end
  }

  private keep(piece: Buffer): void {
    this.pieces.push(Buffer.from(piece))
    this.pieceBytes += piece.length
    // Refused now: a line that does not end would fill the memory.
    if (this.pieceBytes > LINE_BYTES_MAX) this.beginLine(this.pieceBytes)
  }

  private readUnfinishedLine(): void {
    const line = Buffer.concat(this.pieces)
    this.beginLine(line.length)
    this.ended = line.equals(Buffer.from(END_LINE))
  }

  /** @param block whole lines, each with its newline */
  private readLines(block: Buffer): void {
    const hasNul = block.includes(0)
    // Of one byte a character the text is made, and looked through, much faster.
    if (!hasNul && isAscii(block)) this.readText(block.toString('latin1'))
    else if (!hasNul && isUtf8(block)) this.readText(block.toString())
    else this.readDoubtfulLines(block)
  }

  private readText(text: string): void {
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf('\n', start)
      const chars = end - start
      this.beginLine(chars * BYTES_PER_CHAR_MAX > LINE_BYTES_MAX ? Buffer.byteLength(text.slice(start, end)) : chars)
      this.readLine(text, start, end)
      start = end + 1
    }
  }

  /** One of the lines is bad: it is to be found, and those before it are to be read. */
  private readDoubtfulLines(block: Buffer): void {
    for (let start = 0; start < block.length; ) {
      const end = block.indexOf(NEWLINE, start)
      this.beginLine(end - start)
      checkCharacters(block.subarray(start, end))
      this.readLine(block.toString('utf8', start, end + 1), 0)
      start = end + 1
    }
  }

  private beginLine(byteLength: number): void {
    this.lines++
    if (this.ended) throw syntaxError(`there is something behind ${END_LINE}`)
    if (byteLength > LINE_BYTES_MAX) throw syntaxError(`the line has more than ${LINE_BYTES_MAX} bytes`)
  }

  private readLine(text: string, start: number, end = text.length - 1): void {
    if (start === end) throw syntaxError('the line is blank')
    if (text.charCodeAt(start) !== HASH) {
      this.samples.push(parseSampleLine(text, start, end, this.lines, this.series))
      return
    }
    const line = text.slice(start, end)
    if (line === END_LINE) this.ended = true
    else this.families.addMetadata(line)
  }

  private placingErrors(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof TsdbError)) throw error
      throw new TsdbError(error.code, error.message, { file: this.file, line: this.lines }, error)
    }
  }
}

function checkCharacters(line: Buffer): void {
  if (line.includes(0)) throw syntaxError('there is a NUL in the line')
  if (isUtf8(line)) return
  if (line[0] === HASH) throw syntaxError('the line is not UTF-8')
  throw new TsdbError('ERR_TSDB_BAD_LABELS', 'the line is not UTF-8')
}
