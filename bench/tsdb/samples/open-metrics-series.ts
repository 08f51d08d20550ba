/** The name and labels with which a sample line begins. */
import { TsdbError } from '../errors.ts'
import { type Labels, labelsOf, METRIC_NAME } from '../labels.ts'
import { copyOf } from './open-metrics-copy.ts'
import { quotedLine, syntaxError } from './open-metrics-error.ts'

/**
 * Label sets are remembered until their lines have so many characters together, then all of them are forgotten: enough
 * for the series of a large server (about 60 000), in about 60 MB.
 */
const CACHED_CHARS_MAX = 10 * 2 ** 20
/** What a label set takes beside its text, in characters of it (7 bytes each, with what is made of them). */
const CHARS_PER_SERIES = 40

const METRIC_NAME_TEXT = /[a-zA-Z_:][a-zA-Z0-9_:]*/y
const LABEL_NAME_TEXT = /[a-zA-Z_][a-zA-Z0-9_]*/y
/** Any other escape stands for itself, its backslash included: so the specification's grammar, and so Prometheus. */
const ESCAPE = /\\([\\"n])/g

const NEWLINE = 0x0a
const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const EQUALS = 0x3d
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Reads the series of sample lines; one that was there before is not parsed again. */
export class SeriesReader {
  /** Position behind the series that was read last. */
  end = 0
  private readonly known = new Map<string, Labels>()
  private knownChars = 0

  /** @param onName gets each metric name when it is there for the first time, and may get it again */
  constructor(private readonly onName: (name: string) => void) {}

  /**
   * The series at `start` of a text in which every line ends with a newline. A repeated series gives the same object as
   * long as it is remembered.
   *
   * @throws {TsdbError} ERR_TSDB_SYNTAX; ERR_TSDB_BAD_LABELS for a label that is there twice
   */
  read(text: string, start: number): Labels {
    // Only likely to be the series' end. But a text that is known is a whole series, and no series is the beginning of
    // another one: a likely end that is wrong is not found.
    const end = likelyEnd(text, start)
    const labels = this.known.get(text.slice(start, end))
    if (labels === undefined) return this.parse(text, start)
    this.end = end
    return labels
  }

  private parse(text: string, start: number): Labels {
    // A copy, of which the labels are pieces.
    const line = copyOf(text.slice(start, text.indexOf('\n', start) + 1))
    const nameEnd = matchEnd(METRIC_NAME_TEXT, line, 0)
    if (nameEnd === NONE) throw syntaxError(`no metric name in ${quotedLine(line, 0)}`)
    const name = line.slice(0, nameEnd)
    const labels = new LabelPairs([METRIC_NAME, name])
    const end = line.charCodeAt(nameEnd) === OPEN_BRACE ? labels.parse(line, nameEnd) : nameEnd
    this.end = start + end
    this.onName(name)
    // Known after all, when only the likely end was wrong.
    return this.known.get(line.slice(0, end)) ?? this.remember(line, end, labels.toLabels())
  }

  private remember(line: string, end: number, labels: Labels): Labels {
    const chars = line.length + CHARS_PER_SERIES
    if (this.knownChars + chars > CACHED_CHARS_MAX) {
      this.known.clear()
      this.knownChars = 0
    }
    this.known.set(line.slice(0, end), labels)
    this.knownChars += chars
    return labels
  }
}

/** Labels as they stand in a line: in any order, and possibly empty. */
export class LabelPairs {
  private readonly pairs = new Map<string, string>()

  constructor(...first: (readonly [name: string, value: string])[]) {
    for (const [name, value] of first) this.pairs.set(name, value)
  }

  /** Sorted, without the empty ones. */
  toLabels(): Labels {
    return labelsOf(this.pairs)
  }

  /**
   * Adds those of a `{...}` at `start`. @returns the position behind the closing brace.
   *
   * @throws {TsdbError} ERR_TSDB_SYNTAX; ERR_TSDB_BAD_LABELS for a label that is there twice, also when one is empty
   */
  parse(line: string, start: number): number {
    let at = start + 1
    while (line.charCodeAt(at) !== CLOSE_BRACE) {
      at = this.parsePair(line, at)
      const next = line.charCodeAt(at)
      if (next === COMMA) at++
      else if (next !== CLOSE_BRACE) throw syntaxError(`no comma or closing brace at ${quotedLine(line, at)}`)
    }
    return at + 1
  }

  private parsePair(line: string, start: number): number {
    const nameEnd = matchEnd(LABEL_NAME_TEXT, line, start)
    if (nameEnd === NONE) throw syntaxError(`no label name at ${quotedLine(line, start)}`)
    if (line.charCodeAt(nameEnd) !== EQUALS || line.charCodeAt(nameEnd + 1) !== QUOTE) {
      throw syntaxError(`no =" at ${quotedLine(line, nameEnd)}`)
    }
    const valueStart = nameEnd + 2
    const valueEnd = closingQuote(line, valueStart)
    if (valueEnd === NONE) throw syntaxError(`no closing quote for ${quotedLine(line, nameEnd + 1)}`)
    const name = line.slice(start, nameEnd)
    if (this.pairs.has(name)) throw new TsdbError('ERR_TSDB_BAD_LABELS', `label ${name} is there twice`)
    this.pairs.set(name, unescaped(line.slice(valueStart, valueEnd)))
    return valueEnd + 1
  }
}

/** No such position. */
const NONE = -1

/** Where a series probably ends: at a space, or behind a brace that looks like the closing one. */
function likelyEnd(text: string, start: number): number {
  let at = start
  let char = text.charCodeAt(at)
  while (char !== SPACE && char !== OPEN_BRACE && char !== NEWLINE) char = text.charCodeAt(++at)
  if (char !== OPEN_BRACE) return at
  do {
    at = text.indexOf('}', at + 1)
    // Braces inside of values are common ("/users/{id}"), with a quote before and a space behind they are not.
  } while (at !== NONE && (text.charCodeAt(at + 1) !== SPACE || !closesLabels(text.charCodeAt(at - 1))))
  return at + 1
}

function closesLabels(charBefore: number): boolean {
  return charBefore === QUOTE || charBefore === OPEN_BRACE || charBefore === COMMA
}

/** Position of the next quote that no backslash stands before, in this line. */
function closingQuote(line: string, start: number): number {
  for (let at = start; ; at++) {
    const char = line.charCodeAt(at)
    if (char === QUOTE) return at
    if (char === NEWLINE) return NONE
    // An escaped newline is none: the line ends there.
    if (char === BACKSLASH && line.charCodeAt(at + 1) !== NEWLINE) at++
  }
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(ESCAPE, (_, char: string) => (char === 'n' ? '\n' : char))
}

/** Position behind what a sticky expression matches at `start`. */
function matchEnd(expression: RegExp, text: string, start: number): number {
  expression.lastIndex = start
  return expression.test(text) ? expression.lastIndex : NONE
}
