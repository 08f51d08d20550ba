/** Reads what Prometheus prints: label sets as `labels.Labels.String()` of Go writes them, and numbers. */
import { formatLabels, type Label, type Labels } from '../../../bench/tsdb/labels.ts'

/** The samples of a series, in the order in which they were told: two arrays of one length. */
export interface DumpedSeries {
  readonly timestampsMs: number[]
  readonly values: number[]
}

/** A series, as a server answers. */
export interface SeriesResult extends DumpedSeries {
  readonly labels: Labels
}

/** Series by the text of their labels ({@link formatLabels}), which is how `dump` gives them. */
export function byLabels(results: Iterable<SeriesResult>): Map<string, DumpedSeries> {
  const found = new Map<string, DumpedSeries>()
  for (const { labels, timestampsMs, values } of results) found.set(formatLabels(labels), { timestampsMs, values })
  return found
}

/** `name="value"`, where the value may hold escaped quotes. A name is what no `=` is in: names are not quoted. */
const LABEL = /([^=]+)=("[^"\\]*(?:\\.[^"\\]*)*")(?:, |\})/suy

/**
 * Reads `{__name__="up", job="node"}`. The labels are in the order of the text.
 *
 * @throws {Error} for another text, and for a value that is not UTF-8.
 */
export function parseLabels(text: string): Labels {
  const labels: Label[] = []
  if (text === '{}') return labels
  LABEL.lastIndex = 1
  while (text.startsWith('{')) {
    const found = LABEL.exec(text)
    if (found === null) break
    labels.push({ name: found[1]!, value: unquote(found[2]!) })
    if (LABEL.lastIndex === text.length && text.endsWith('}')) return labels
  }
  throw new Error(`no label set: ${text}`)
}

/** The escapes of one character that Go has. JavaScript has no `\a`. */
const ESCAPED = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
  ['"', '"'],
])

/** From here on `\x` stands for a byte that is no character: Go writes characters as such, or with `\u` and `\U`. */
const NOT_ASCII = 0x80

/**
 * Undoes Go's `strconv.Quote` (https://pkg.go.dev/strconv#Quote).
 *
 * @throws {Error} for another text, and where a byte was not UTF-8: a JavaScript string can't hold it.
 */
export function unquote(quoted: string): string {
  if (!/^"[^"\\]*(?:\\.[^"\\]*)*"$/su.test(quoted)) throw new Error(`not quoted: ${quoted}`)
  return quoted.slice(1, -1).replace(/\\(?:x(..)|u(.{4})|U(.{8})|(.))/gsu, (escape, byte, short, long, one) => {
    const digits: string | undefined = byte ?? short ?? long
    const code = digits !== undefined && /^[\da-f]+$/iu.test(digits) ? Number.parseInt(digits, 16) : undefined
    const character = code === undefined ? ESCAPED.get(one) : String.fromCodePoint(code)
    if (character === undefined) throw new Error(`an escape that Go doesn't write, ${escape}: ${quoted}`)
    if (byte !== undefined && code! >= NOT_ASCII) throw new Error(`a byte that is not UTF-8, ${escape}: ${quoted}`)
    return character
  })
}

/** What Go writes for a number, with `%g` or in the HTTP API: never cut short, so that the same number is read again. */
const FINITE = /^-?\d+(?:\.\d+)?(?:e[+-]\d+)?$/

/**
 * Reads a number as Go writes it: `-0` stays negative. All NaN become one: Prometheus prints none of their bits.
 *
 * @throws {Error} for another text.
 */
export function parseNumber(text: string): number {
  if (FINITE.test(text)) return Number(text)
  if (text === 'NaN') return Number.NaN
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  throw new Error(`no number: ${text}`)
}

/**
 * Reads an integer.
 *
 * @throws {Error} for another text, and for a number that JavaScript can't tell from its neighbours.
 */
export function parseInteger(text: string): number {
  const value = Number(text)
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) throw new Error(`no integer, or too large: ${text}`)
  return value
}
