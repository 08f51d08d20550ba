/** Label sets: what names a series. */
import { TsdbError } from './errors.ts'

export interface Label {
  readonly name: string
  readonly value: string
}

/** Sorted by name, no name twice, no empty value. Made by {@link labelsOf}. */
export type Labels = readonly Label[]

/** The label that holds a metric's name. */
export const METRIC_NAME = '__name__'

/** From here on a code unit is a surrogate or stands behind the surrogates. */
const SURROGATES_BEGIN = 0xd800

/**
 * Compares texts by their UTF-8 bytes, which is how Prometheus sorts. JavaScript's own order differs where one text has
 * a character beyond U+FFFF (a surrogate pair) and the other one from U+E000 on.
 */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x < SURROGATES_BEGIN || y < SURROGATES_BEGIN) return x - y
    return Buffer.compare(Buffer.from(a), Buffer.from(b))
  }
  return a.length - b.length
}

/** The order of series in an index: label by label, name before value; of two that begin alike the shorter one is first. */
export function compareLabels(a: Labels, b: Labels): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const order = compareText(a[i]!.name, b[i]!.name) || compareText(a[i]!.value, b[i]!.value)
    if (order !== 0) return order
  }
  return a.length - b.length
}

/**
 * Sorts labels and drops those with an empty value, which to Prometheus is the same as no label.
 *
 * @throws {TsdbError} ERR_TSDB_BAD_LABELS for a name that is empty or there twice, for text that is not valid Unicode, and
 *   when nothing is left.
 */
export function labelsOf(pairs: Iterable<readonly [name: string, value: string]>): Labels {
  const labels: Label[] = []
  for (const [name, value] of pairs) {
    if (name === '') throw badLabels('a label has no name')
    if (!isWellFormed(name) || !isWellFormed(value)) throw badLabels(`label ${JSON.stringify(name)} is not UTF-8`)
    if (value !== '') labels.push({ name, value })
  }
  if (labels.length === 0) throw badLabels('a series has no labels')
  labels.sort((a, b) => compareText(a.name, b.name))
  checkOrder(labels)
  return labels
}

/** @throws {TsdbError} ERR_TSDB_BAD_LABELS when labels are not sorted by name, or one is there twice. */
export function checkOrder(labels: Labels): void {
  for (let i = 1; i < labels.length; i++) {
    const order = compareText(labels[i - 1]!.name, labels[i]!.name)
    if (order === 0) throw badLabels(`label ${labels[i]!.name} is there twice`)
    if (order > 0) throw badLabels(`label ${labels[i]!.name} stands behind ${labels[i - 1]!.name}`)
  }
}

/** A text without lone surrogates, so that it can be told in UTF-8. (`isWellFormed` of Node 20, missing in the types.) */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

/** A key for maps: different label sets have different ones. */
export function labelsKey(labels: Labels): string {
  let key = ''
  // Names and values may hold any character, also the separators: the lengths keep them apart.
  for (const { name, value } of labels) key += `${name.length},${value.length},${name}${value}`
  return key
}

/** As Prometheus writes them: `{__name__="up", job="node"}`. */
export function formatLabels(labels: Labels): string {
  return `{${labels.map(({ name, value }) => `${name}=${JSON.stringify(value)}`).join(', ')}}`
}

function badLabels(what: string): TsdbError {
  return new TsdbError('ERR_TSDB_BAD_LABELS', what)
}
