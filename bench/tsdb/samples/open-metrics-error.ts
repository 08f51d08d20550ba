/** Errors of a line. They have no place yet: the reader, who counts lines, adds it. */
import { TsdbError } from '../errors.ts'

/** As much of a text as an error shows. */
const QUOTED_CHARS_MAX = 60

export function syntaxError(what: string): TsdbError {
  return new TsdbError('ERR_TSDB_SYNTAX', what)
}

/** Text of a file as an error shows it: control characters escaped, a long one cut. */
export function quoted(text: string): string {
  if (text.length <= QUOTED_CHARS_MAX) return JSON.stringify(text)
  return `${JSON.stringify(text.slice(0, QUOTED_CHARS_MAX))}...`
}

/** The rest of a line from `start` on, in the same way. */
export function quotedLine(text: string, start: number): string {
  const newline = text.indexOf('\n', start)
  return quoted(text.slice(start, newline < 0 ? text.length : newline))
}
