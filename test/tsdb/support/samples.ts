/** Small data for tests of Prometheus's tools: as OpenMetrics text, and as it has to come back. */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { formatLabels, labelsOf } from '../../../bench/tsdb/labels.ts'
import type { DumpedSeries } from './go-text.ts'
import type { BlockListing } from './promtool.ts'
import { createBlocks } from './promtool-data.ts'

/** A time whose seconds no double is equal to. */
export const T0 = 1_700_000_000_001

export type Sample = readonly [timestampMs: number, value: number]

/** A series of a gauge with one label besides its name, or none. */
export interface Gauge {
  readonly name: string
  readonly job: string
  readonly samples: readonly Sample[]
}

export function gauge(name: string, samples: readonly Sample[], job = ''): Gauge {
  return { name, job, samples }
}

/** Values that text may spoil, labels that escapes and separators may, each in a series of its own. */
export const awkward: readonly Gauge[] = [
  ...[0.1, 1e300, 5e-324, Number.MAX_VALUE, -1 / 3, 1e21, 1e-7, 123_456_789_012_345_680, 0, -0].map((value, i) =>
    gauge('value', [[T0 + i, value]], String(i)),
  ),
  ...[Number.NaN, Infinity, -Infinity].map((value) => gauge('special', [[T0, value]], String(value))),
  ...['ü€𝄞', '"', '\\', 'a\nb', '\t\u0001\u007F', '\u200B\u00AD\uE000\uFFFD\u{10FFFF}', '"} 1 2', '\\u0041', ' '].map(
    (job) => gauge('label', [[T0, 1]], job),
  ),
]

/** Writes blocks of two hours by promtool. */
export function blocksOf(folder: string, ...gauges: Gauge[]): Promise<BlockListing[]> {
  const lines = gauges.flatMap(({ name, job, samples }) => {
    const series = job === '' ? name : `${name}{job="${escape(job)}"}`
    return samples.map(([timestampMs, value]) => `${series} ${numberText(value)} ${secondsText(timestampMs)}\n`)
  })
  return createBlocks(`${lines.join('')}# EOF\n`, folder)
}

/** The same as `dump` gives it. */
export function dumpOf(...gauges: Gauge[]): Map<string, DumpedSeries> {
  return new Map(
    gauges.map(({ name, job, samples }) => [
      keyOf(name, job),
      { timestampsMs: samples.map(([timestampMs]) => timestampMs), values: samples.map(([, value]) => value) },
    ]),
  )
}

/** The key of a series in a dump. */
export function keyOf(name: string, job = ''): string {
  return formatLabels(labelsOf(Object.entries({ __name__: name, job })))
}

/** Changes a byte of a file; counted from its end if `offset` is negative. */
export function damage(path: string, offset: number): void {
  const file = openSync(path, 'r+')
  try {
    const position = offset < 0 ? fstatSync(file).size + offset : offset
    const byte = new Uint8Array(1)
    readSync(file, byte, 0, 1, position)
    byte[0]! ^= 0xff
    writeSync(file, byte, 0, 1, position)
  } finally {
    closeSync(file)
  }
}

/** Label values of OpenMetrics know these escapes and no others. */
function escape(text: string): string {
  return text.replaceAll('\\', String.raw`\\`).replaceAll('"', String.raw`\"`).replaceAll('\n', String.raw`\n`)
}

function numberText(value: number): string {
  if (Object.is(value, -0)) return '-0'
  return Number.isFinite(value) || Number.isNaN(value) ? String(value) : `${value > 0 ? '+' : '-'}Inf`
}

/** All three digits of the milliseconds. */
function secondsText(timestampMs: number): string {
  const digits = String(timestampMs).padStart(4, '0')
  return `${digits.slice(0, -3)}.${digits.slice(-3)}`
}
