/** What can be wrong with data, told in a way that a person finds the place. */

export type TsdbErrorCode =
  /** A file does not begin as one of its kind. */
  | 'ERR_TSDB_BAD_MAGIC'
  /** A file is of a format version that is not known. */
  | 'ERR_TSDB_BAD_VERSION'
  /** Bytes do not have the checksum that stands behind them. */
  | 'ERR_TSDB_BAD_CHECKSUM'
  /** A file ends before what it announces. */
  | 'ERR_TSDB_TRUNCATED'
  /** A file contradicts itself or its format in another way. */
  | 'ERR_TSDB_MALFORMED'
  /** A feature of Prometheus's formats that is not handled here: refused, so that nothing is lost silently. */
  | 'ERR_TSDB_UNSUPPORTED'
  /** A sample is older than the one before it in its series. */
  | 'ERR_TSDB_OUT_OF_ORDER'
  /** A series has two samples of the same time. */
  | 'ERR_TSDB_DUPLICATE_SAMPLE'
  /** Labels or series are not sorted, twice there, empty, or not UTF-8. */
  | 'ERR_TSDB_BAD_LABELS'
  /** A line of a text file can't be read. */
  | 'ERR_TSDB_SYNTAX'
  /** A call that does not fit the state: after `close`, or for blocks that are not there. */
  | 'ERR_TSDB_STATE'

/** Where it is. */
export interface Place {
  readonly file?: string | undefined
  /** In bytes from the file's beginning. */
  readonly offset?: number | undefined
  /** Counted from 1. */
  readonly line?: number | undefined
}

/** Bad data, or something that can't be done with it. Errors of the kernel and of the writer are passed on as they are. */
export class TsdbError extends Error {
  override readonly name = 'TsdbError'
  readonly code: TsdbErrorCode
  readonly file: string | undefined
  readonly offset: number | undefined
  readonly line: number | undefined

  constructor(code: TsdbErrorCode, what: string, place: Place = {}, cause?: unknown) {
    super(`${placeText(place)}${what}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.file = place.file
    this.offset = place.offset
    this.line = place.line
  }
}

/** `file:line: `, or `file at byte offset: `. */
function placeText({ file, offset, line }: Place): string {
  if (line !== undefined) return `${file ?? 'line '}${file === undefined ? '' : ':'}${line}: `
  const at = offset === undefined ? '' : ` at byte ${offset}`
  if (file === undefined) return offset === undefined ? '' : `byte ${offset}: `
  return `${file}${at}: `
}
