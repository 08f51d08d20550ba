/** What the `#` lines of OpenMetrics say about families of metrics: checked, not kept. */
import { copyOf } from './open-metrics-copy.ts'
import { quoted, syntaxError } from './open-metrics-error.ts'

/** The types there are, each with what it appends to the family's name in the names of its samples. */
const SAMPLE_SUFFIXES: ReadonlyMap<string, readonly string[]> = new Map([
  ['unknown', []],
  ['gauge', []],
  ['counter', ['_total', '_created']],
  ['stateset', []],
  ['info', ['_info']],
  ['histogram', ['_bucket', '_count', '_sum', '_created']],
  ['gaugehistogram', ['_bucket', '_gcount', '_gsum']],
  ['summary', ['_count', '_sum', '_created']],
])

const METADATA_LINE = /^# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/s
const UNIT_TEXT = /^[a-zA-Z0-9_:]*$/

/** Remembers the names of all families and metrics of a file. */
export class Families {
  private readonly keywords = new Map<string, Set<string>>()
  private readonly suffixes = new Map<string, readonly string[]>()
  private readonly sampled = new Set<string>()

  /** There is a sample of this name. */
  addSample(name: string): void {
    if (!this.sampled.has(name)) this.sampled.add(copyOf(name))
  }

  /**
   * Takes a line that begins with `#` and is not `# EOF`.
   *
   * @throws {TsdbError} ERR_TSDB_SYNTAX, without a place
   */
  addMetadata(line: string): void {
    const parts = METADATA_LINE.exec(line)
    if (parts === null) throw syntaxError(`${quoted(line)} is no TYPE, UNIT, HELP or EOF as the format has them`)
    const [, keyword = '', family = '', text = ''] = parts
    const name = copyOf(family)
    this.addKeyword(name, keyword)
    if (keyword === 'TYPE') this.addType(name, text)
    if (keyword === 'UNIT') checkUnit(name, text)
    this.checkNotSampled(name, keyword)
  }

  private addKeyword(family: string, keyword: string): void {
    const keywords = this.keywords.get(family) ?? new Set<string>()
    if (keywords.has(keyword)) throw syntaxError(`${keyword} of ${quoted(family)} is there twice`)
    this.keywords.set(family, keywords.add(keyword))
  }

  private addType(family: string, type: string): void {
    const suffixes = SAMPLE_SUFFIXES.get(type)
    if (suffixes === undefined) throw syntaxError(`there is no type ${quoted(type)}`)
    this.suffixes.set(family, suffixes)
  }

  private checkNotSampled(family: string, keyword: string): void {
    const names = [family, ...(this.suffixes.get(family) ?? []).map((suffix) => family + suffix)]
    const sampled = names.find((name) => this.sampled.has(name))
    if (sampled === undefined) return
    throw syntaxError(`${keyword} of ${quoted(family)} stands behind samples of ${quoted(sampled)}`)
  }
}

/** A unit may be empty; else the family's name ends with it. */
function checkUnit(family: string, unit: string): void {
  if (!UNIT_TEXT.test(unit)) throw syntaxError(`${quoted(unit)} is no unit`)
  if (unit !== '' && !family.endsWith(`_${unit}`)) {
    throw syntaxError(`the name ${quoted(family)} does not end with its unit ${quoted(unit)}`)
  }
}
