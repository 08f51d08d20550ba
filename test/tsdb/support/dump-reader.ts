import { compareLabels, formatLabels, type Labels } from '../../../bench/tsdb/labels.ts'
import { parseInteger, parseLabels, parseNumber, type SeriesResult } from './go-text.ts'

/**
 * Reads the lines of `promtool tsdb dump`, one for each sample: `{__name__="up", job="node"} 1.5 1700000000000`. Newlines
 * in label values are escaped.
 */
export class DumpReader {
  private readonly found = new Map<string, SeriesResult>()
  /** The series of the last line, and its labels as they stood there. */
  private series: SeriesResult | null = null
  private labelsText = ''
  /** The begin of a line. */
  private rest = ''

  /** @throws {Error} for a line that can't be read, and for a series that comes back after another one. */
  take(text: string): void {
    const lines = this.rest + text
    let begin = 0
    for (let end = lines.indexOf('\n'); end !== -1; end = lines.indexOf('\n', begin)) {
      this.takeLine(lines.slice(begin, end))
      begin = end + 1
    }
    this.rest = lines.slice(begin)
  }

  /** @returns the series, sorted as in an index. @throws {Error} when the last line has no end. */
  end(): SeriesResult[] {
    if (this.rest !== '') throw new Error(`promtool's dump ends in a line: ${this.rest}`)
    return [...this.found.values()].toSorted((a, b) => compareLabels(a.labels, b.labels))
  }

  private takeLine(line: string): void {
    const timestampAt = line.lastIndexOf(' ')
    const valueAt = line.lastIndexOf(' ', timestampAt - 1)
    if (timestampAt <= 0 || valueAt <= 0) throw new Error(`promtool dumps something else than samples: ${line}`)
    const series = this.seriesOf(line.slice(0, valueAt))
    series.values.push(parseNumber(line.slice(valueAt + 1, timestampAt)))
    series.timestampsMs.push(parseInteger(line.slice(timestampAt + 1)))
  }

  private seriesOf(labelsText: string): SeriesResult {
    if (this.series !== null && labelsText === this.labelsText) return this.series
    this.series = this.newSeries(parseLabels(labelsText))
    this.labelsText = labelsText
    return this.series
  }

  private newSeries(labels: Labels): SeriesResult {
    const key = formatLabels(labels)
    if (this.found.has(key)) throw new Error(`promtool dumps the series ${key} twice`)
    const series: SeriesResult = { labels, timestampsMs: [], values: [] }
    this.found.set(key, series)
    return series
  }
}
