/** The matrix as a table: what works where, and what each file system really did. */
import { hiddenCacheBytes } from '../report/claims.ts'
import { measureNamed } from '../report/measures.ts'
import { median } from '../report/statistics.ts'
import { type Column, layOut, type Row, wrap } from '../report/table.ts'
import { BROKEN_MARK, styled, WIDTH_MAX } from '../report/terminal.ts'
import type { Place } from '../schema/report.ts'
import type { RunFigures } from '../schema/run.ts'
import { MIB } from '../units.ts'

/** @param subjects in the order of the columns */
export function matrixLines(places: readonly Place[], subjects: readonly string[], colour: boolean): string[] {
  const columns: Column[] = [
    { heading: ['file system'], align: 'left' },
    { heading: ['aligned', 'to'], align: 'right' },
    ...subjects.map((subject): Column => ({ heading: [subject, 'MiB/s, left'], align: 'right' })),
  ]
  const rows = places.map((place) => rowOf(place, subjects))
  const table = layOut(columns, rows, WIDTH_MAX)
  return [
    styled('What works where, and what it leaves in the page cache', 'bold', colour),
    '',
    ...table.heading.map((line) => styled(line, 'dim', colour)),
    ...places.flatMap((place, index) =>
      (table.rows[index] ?? []).map((line) => styled(line, place.brokenClaims.length > 0 ? 'red' : null, colour)),
    ),
    '',
    ...brokenLines(places).map((line) => styled(line, 'red', colour)),
    ...reasonLines(places),
    ...wrap(legend, WIDTH_MAX),
    '',
  ]
}

const legend =
  'Medians; left is what of the file was in the page cache after close, in per cent; hidden is page cache that the memory cgroup was charged with and the file does not show. Aligned to: offset and memory in bytes, ' +
  'by statx or as a default. The devices are loop devices on one file each: rates are no measure of a disk.'

function rowOf(place: Place, subjects: readonly string[]): Row {
  if (place.notMade !== null) return { name: place.name, text: `could not be made: ${place.notMade}` }
  const { alignment } = place
  const aligned = alignment === null ? '-' : `${alignment.offset}/${alignment.memory} ${alignment.source}`
  return { cells: [place.name, aligned, ...subjects.map((subject) => cellOf(place, subject))] }
}

function cellOf({ runs, notRun, brokenClaims }: Place, subject: string): string {
  const own = runs.filter((run) => run.subject === subject)
  if (own.length === 0) return notRun.some((run) => run.subject === subject) ? 'no' : '-'
  const mark = brokenClaims.some((claim) => claim.subject === subject) ? `${BROKEN_MARK} ` : ''
  const rate = median(own.map((run) => measureNamed('throughputBytesPerSecond').valueOf(run) ?? 0)) / MIB
  const left = own.some((run) => hiddenCacheBytes(run) > 0)
    ? 'hidden'
    : `${(median(own.map(leftShare)) * 100).toFixed(0)} %`
  return `${mark}${rate.toFixed(0)}, ${left}`
}

function leftShare({ footprint, bytes }: RunFigures): number {
  return footprint.residualBytes / bytes
}

function brokenLines(places: readonly Place[]): string[] {
  const lines = places.flatMap(({ name, brokenClaims }) =>
    brokenClaims.flatMap(({ subject, what }) => wrap(`${BROKEN_MARK} ${name}: ${subject} ${what}`, WIDTH_MAX)),
  )
  return lines.length === 0 ? [] : [...lines, '']
}

/** Why there is a `no`: each reason once, with all places that gave it. */
function reasonLines(places: readonly Place[]): string[] {
  const placesOf = new Map<string, string[]>()
  for (const { name, notRun } of places) {
    for (const { subject, code, message, state } of notRun) {
      const reason = `${subject}: ${state === 'failed' ? 'FAILED, ' : ''}${message.startsWith(code) ? message : `${code}, ${message}`}`
      placesOf.set(reason, [...(placesOf.get(reason) ?? []), name])
    }
  }
  const lines = [...placesOf].flatMap(([reason, names]) => wrap(`no: ${reason} (${names.join('; ')})`, WIDTH_MAX))
  return lines.length === 0 ? [] : [...lines, '']
}
