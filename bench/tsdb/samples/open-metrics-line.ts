/** A sample line of OpenMetrics: series, value, timestamp and perhaps an exemplar. */
import type { Labels } from '../labels.ts'
import { quotedLine, syntaxError } from './open-metrics-error.ts'
import { timestampMsOf, valueOf } from './open-metrics-number.ts'
import { LabelPairs, type SeriesReader } from './open-metrics-series.ts'

/** A sample, and the line it was read from, counted from 1. */
export interface ImportedSample {
  /** Samples of one series may share the object. */
  readonly labels: Labels
  readonly timestampMs: number
  /** Also an infinity or NaN. The format has one NaN: Prometheus's mark for the end of a series can't be told in it. */
  readonly value: number
  readonly line: number
}

const SPACE = 0x20
const HASH = 0x23
const EXEMPLAR_BEGINS = ' # {'

/**
 * Reads the line from `start` to the newline at `end`.
 *
 * @throws {TsdbError} ERR_TSDB_SYNTAX, ERR_TSDB_BAD_LABELS or ERR_TSDB_UNSUPPORTED (a timestamp far away), without a place
 */
export function parseSampleLine(
  text: string,
  start: number,
  end: number,
  line: number,
  series: SeriesReader,
): ImportedSample {
  const labels = series.read(text, start)
  const valueStart = behindSpace(text, series.end)
  const valueEnd = tokenEnd(text, valueStart, end)
  const value = valueOf(text.slice(valueStart, valueEnd))
  if (valueEnd === end || text.charCodeAt(valueEnd + 1) === HASH) throw syntaxError('the sample has no timestamp')
  const timestampEnd = tokenEnd(text, valueEnd + 1, end)
  const timestampMs = timestampMsOf(text.slice(valueEnd + 1, timestampEnd))
  if (timestampEnd !== end) checkExemplar(text, timestampEnd, end)
  return { labels, timestampMs, value, line }
}

/** ` # {labels} value` and perhaps a timestamp. */
function checkExemplar(text: string, start: number, end: number): void {
  if (!text.startsWith(EXEMPLAR_BEGINS, start)) {
    throw syntaxError(`${quotedLine(text, start)} stands behind the timestamp`)
  }
  const labelsEnd = new LabelPairs().parse(text, start + EXEMPLAR_BEGINS.length - 1)
  const valueStart = behindSpace(text, labelsEnd)
  const valueEnd = tokenEnd(text, valueStart, end)
  valueOf(text.slice(valueStart, valueEnd))
  if (valueEnd === end) return
  const timestampEnd = tokenEnd(text, valueEnd + 1, end)
  timestampMsOf(text.slice(valueEnd + 1, timestampEnd))
  if (timestampEnd !== end) throw syntaxError(`${quotedLine(text, timestampEnd)} stands behind the exemplar`)
}

/** Behind the space that separates labels from a value. */
function behindSpace(text: string, at: number): number {
  if (text.charCodeAt(at) !== SPACE) throw syntaxError(`no space and value at ${quotedLine(text, at)}`)
  return at + 1
}

/** Of what begins at `start`, up to the next space or the line's end. */
function tokenEnd(text: string, start: number, end: number): number {
  let at = start
  while (at < end && text.charCodeAt(at) !== SPACE) at++
  return at
}
