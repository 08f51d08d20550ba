/** The tables of the page. */

import type { Comparison, Place, Report } from '../../schema/report.ts'
import type { RunFigures } from '../../schema/run.ts'
import { formatBytes, MIB } from '../../units.ts'
import { workloadNamed } from '../../workloads/index.ts'
import { hiddenCacheBytes } from '../claims.ts'
import { tablesOf } from '../columns.ts'
import type { Group, SubjectRow } from '../groups.ts'
import { measureNamed } from '../measures.ts'
import { median } from '../statistics.ts'
import { describe } from '../terminal.ts'
import { type Html, html, trusted } from './template.ts'

/** The same columns as on a terminal. */
export function groupTables({ workload, situation, rows }: Group): Html[] {
  return tablesOf(workloadNamed(workload.name).table, situation).map(({ title, columns }) =>
    table(
      title,
      ['subject', ...columns.map(({ heading }) => heading.join(' '))],
      rows.map((each) =>
        subjectRow(
          each,
          columns.map((column) => () => column.cell(each)),
        ),
      ),
    ),
  )
}

function subjectRow({ subject, runs, notRun, brokenClaims }: SubjectRow, cells: readonly (() => string)[]): Html {
  const isBroken = brokenClaims.length > 0 || notRun?.state === 'failed'
  const name = html`<th scope="row">${subject}${brokenClaims.length > 0 && ' !'}</th>`
  const rest =
    runs.length === 0
      ? html`<td class="text" colspan="${cells.length}">${notRun === null ? 'no run was finished' : describe(notRun)}</td>`
      : cells.map((cell) => html`<td>${cell()}</td>`)
  return html`<tr${isBroken ? html` class="broken"` : null}>${name}${rest}</tr>`
}

export function table(caption: string | null, heading: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="scroll"><table>${caption !== null && html`<caption>${caption}</caption>`}
<thead><tr>${heading.map((text) => html`<th scope="col">${text}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div>`
}

function row(cells: readonly (string | Html)[]): Html {
  return html`<tr>${cells.map((cell, index) => (index === 0 ? html`<th scope="row">${cell}</th>` : html`<td>${cell}</td>`))}</tr>`
}

const verdictWords: Readonly<Record<Comparison['verdict'], string>> = {
  better: 'better',
  worse: 'worse',
  'no-difference': 'no difference shown',
  'too-few-rounds': 'too few rounds',
  'too-noisy': 'too noisy',
}

export function comparisonTable(comparisons: readonly Comparison[]): Html {
  return table(
    'Ratios, round by round: median, and interval of 95 %',
    ['workload', 'situation', 'subject', 'against', 'measure', 'ratio', 'interval', 'verdict'],
    comparisons.map(({ workload, situation, subject, baseline, measure, ratio, verdict }) =>
      row([
        workload,
        situation,
        subject,
        baseline,
        measureNamed(measure).label,
        digits(ratio.median),
        `${digits(ratio.low)} - ${digits(ratio.high)}`,
        verdictWords[verdict],
      ]),
    ),
  )
}

function digits(value: number): string {
  return value === 0 || value >= 0.01 ? value.toFixed(2) : `${Number(value.toPrecision(1))}`
}

/** What works where. */
export function matrixTable(places: readonly Place[]): Html {
  const subjects = [
    ...new Set(places.flatMap(({ runs, notRun }) => [...runs, ...notRun].map(({ subject }) => subject))),
  ]
  return table(
    'MiB/s, and what of the file was left in the page cache',
    ['file system', 'aligned to', ...subjects],
    places.map((place) => placeRow(place, subjects)),
  )
}

function placeRow(place: Place, subjects: readonly string[]): Html {
  const { name, alignment, notMade } = place
  const head = html`<th scope="row">${name}</th>`
  if (notMade !== null) {
    return html`<tr class="broken">${head}<td class="text" colspan="${subjects.length + 1}">could not be made: ${notMade}</td></tr>`
  }
  const aligned = alignment === null ? '-' : `${alignment.offset} / ${alignment.memory} (${alignment.source})`
  return html`<tr>${head}<td>${aligned}</td>${subjects.map((subject) => placeCell(place, subject))}</tr>`
}

function placeCell({ runs, notRun, brokenClaims }: Place, subject: string): Html {
  const own = runs.filter((run) => run.subject === subject)
  const not = notRun.find((run) => run.subject === subject)
  if (own.length === 0)
    return html`<td class="muted" title="${not?.message}">${not === undefined ? '-' : `no: ${not.code}`}</td>`
  const rate = median(own.map(({ bytes, seconds }) => bytes / seconds)) / MIB
  const isBroken = brokenClaims.some((claim) => claim.subject === subject)
  // The more is left, the darker.
  const heat = trusted(
    ` style="background:color-mix(in srgb,var(--heat) ${(leftShareOf(own) * 100).toFixed(0)}%,transparent)"`,
  )
  return html`<td${isBroken ? html` class="broken"` : null}${heat}>${isBroken && '! '}${rate.toFixed(0)}, ${leftText(own)}</td>`
}

function leftText(runs: readonly RunFigures[]): string {
  if (runs.some((run) => hiddenCacheBytes(run) > 0)) return 'hidden'
  return `${(leftShareOf(runs) * 100).toFixed(0)} %`
}

/** What of the file is in the page cache in the end: 0 to 1. What is hidden counts as all of it. */
function leftShareOf(runs: readonly RunFigures[]): number {
  if (runs.some((run) => hiddenCacheBytes(run) > 0)) return 1
  return Math.min(1, median(runs.map(({ footprint, bytes }) => footprint.residualBytes / bytes)))
}

/** Throughput and CPU of a sweep, by block size and blocks in flight. */
export function sweepTables(runs: readonly RunFigures[]): Html[] {
  const swept = runs.filter(({ point }) => point !== null)
  const subjects = [...new Set(swept.map(({ subject }) => subject))]
  return subjects.map((subject) => {
    const own = swept.filter((run) => run.subject === subject)
    const depths = sorted(own.map(({ point }) => point!.queueDepth))
    const blocks = sorted(own.map(({ point }) => point!.blockBytes))
    return table(
      `${subject}: MiB/s and CPU ms per GiB`,
      ['block', ...depths.map((depth) => `${depth} in flight`)],
      blocks.map((block) => row([formatBytes(block), ...depths.map((depth) => sweepCell(own, block, depth))])),
    )
  })
}

function sorted(values: readonly number[]): number[] {
  return [...new Set(values)].toSorted((a, b) => a - b)
}

function sweepCell(runs: readonly RunFigures[], blockBytes: number, queueDepth: number): string {
  const here = runs.filter(({ point }) => point?.blockBytes === blockBytes && point.queueDepth === queueDepth)
  if (here.length === 0) return '-'
  const of = (measure: string) => median(here.map((run) => measureNamed(measure).valueOf(run) ?? 0))
  return `${(of('throughputBytesPerSecond') / MIB).toFixed(0)} / ${(of('cpuSecondsPerGib') * 1e3).toFixed(0)}`
}

/** Everything that is known of the machine, as a list of names and values. */
export function environmentTable({ environment }: Report): Html {
  const entries = Object.entries(environment).flatMap(([name, value]) => flatten(name, value))
  return table(
    null,
    ['what', 'value'],
    entries.map(([name, value]) => html`<tr><th scope="row">${name}</th><td class="text">${value}</td></tr>`),
  )
}

function flatten(name: string, value: unknown): (readonly [string, string])[] {
  if (value === null || value === undefined) return [[name, 'not known, or none']]
  if (typeof value === 'number' && name.endsWith('Bytes')) return [[name, formatBytes(value)]]
  if (typeof value !== 'object') return [[name, JSON.stringify(value).replace(/^"|"$/g, '')]]
  return Object.entries(value).flatMap(([key, inner]) => flatten(`${name}.${key}`, inner))
}
