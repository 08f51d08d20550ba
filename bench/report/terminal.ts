/** What is printed at the end. */
import { styleText } from 'node:util'
import { FIO_NAME, NOT_INSTALLED } from '../ceiling/fio.ts'
import type { Around } from '../measure/around.ts'
import type { Environment } from '../measure/environment.ts'
import type { NotRun } from '../run/result.ts'
import { formatBytes } from '../units.ts'
import type { TableKind } from '../workloads/workload.ts'
import { columnsOf, type MeasureColumn } from './columns.ts'
import { formatPairedRatio } from './pairs.ts'
import type { SubjectSummary } from './summary.ts'
import { type Column, layOut, type Row, wrap } from './table.ts'

/** Readable in a terminal of this width. */
export const WIDTH_MAX = 100

/** From here on every CPU had something else to do. Less is what a benchmark that ended just now leaves behind. */
const BUSY_LOAD_PER_CPU = 1

/** Puts a mark at the number that breaks a claim. */
const BROKEN_MARK = '!'

export interface WorkloadReport {
  readonly name: string
  readonly summary: string
  readonly bytes: number
  readonly rounds: number
  readonly table: TableKind
  readonly subjects: readonly SubjectSummary[]
}

const subjectColumn: Column = { heading: ['subject'], align: 'left' }

const ceilingColumns: readonly Column[] = [
  { heading: ['against fio'], align: 'left' },
  { heading: ['throughput'], align: 'right' },
  { heading: ['CPU per GiB'], align: 'right' },
]

/** Two lines that say where the numbers come from. */
export function environmentLines(environment: Environment): string[] {
  const { fileSystemType, device, mountOptions, forceDirectIo } = environment
  const lines = [
    `uncached-io ${environment.packageVersion}, Node ${environment.node}, ${environment.kernel}, ` +
      `${environment.cpuCount} CPUs (${environment.cpuModel}), ${formatBytes(environment.memoryBytes)} memory`,
    fileSystemType === null
      ? 'the file system could not be determined'
      : `${fileSystemType} on ${device} (${mountOptions}), footprint by ${environment.footprintSource}`,
  ]
  if (forceDirectIo !== null && forceDirectIo !== '') lines.push(`FORCEDIRECTIO=${forceDirectIo} is set`)
  const { loadAverage, cpuCount } = environment
  if (loadAverage > cpuCount * BUSY_LOAD_PER_CPU) {
    lines.push(`The machine is busy (load ${loadAverage.toFixed(1)}): the numbers are less certain than they look.`)
  }
  return lines.flatMap((line) => wrap(line, WIDTH_MAX))
}

/** One workload's table with its notes. */
export function workloadLines(report: WorkloadReport, colour: boolean): string[] {
  const rounds = report.rounds === 1 ? '1 round' : `medians of ${report.rounds} rounds`
  const title = `${report.name}: ${formatBytes(report.bytes)} in ${report.summary}; ${rounds}`
  const columns = columnsOf[report.table]
  const rows = report.subjects.map((subject) => rowOf(subject, columns))
  const table = layOut([subjectColumn, ...columns], rows, WIDTH_MAX)
  const notes = report.subjects.flatMap((subject) => notesOf(subject, report.rounds))
  return [
    styled(title, 'bold', colour),
    '',
    ...table.heading.map((line) => styled(line, 'dim', colour)),
    ...report.subjects.flatMap((subject, index) =>
      (table.rows[index] ?? []).map((line) => styled(line, styleOf(subject), colour)),
    ),
    ...ceilingLines(report.subjects, colour),
    ...(notes.length === 0 ? [] : ['']),
    ...notes.flatMap((note) => wrap(note, WIDTH_MAX)).map((line) => styled(line, 'red', colour)),
  ]
}

/** The subjects against the ceiling, where it was measured. */
function ceilingLines(subjects: readonly SubjectSummary[], colour: boolean): string[] {
  const measured = subjects.filter(({ subject, ofCeiling }) => ofCeiling !== null && subject !== FIO_NAME)
  if (measured.length === 0) return []
  const rows = measured.map(({ subject, ofCeiling }) => ({
    cells: [subject, formatPairedRatio(ofCeiling?.throughput ?? null), formatPairedRatio(ofCeiling?.cpu ?? null)],
  }))
  const table = layOut(ceilingColumns, rows, WIDTH_MAX)
  return ['', ...table.heading.map((line) => styled(line, 'dim', colour)), ...table.rows.flat()]
}

/** How to read the columns; printed once, below all tables. */
export function legendLines(
  withCeiling = false,
  reports: readonly Pick<WorkloadReport, 'table'>[] = [],
  around: Around | null = null,
): string[] {
  const tables = new Set(reports.map(({ table }) => table))
  return [
    'Every time includes the fsync. CPU is that of the writing process; kernel threads are not in it.',
    'Cache is what of the file is in the page cache: most while writing (sampled), and after close.',
    'Loop delay is the longest time that the event loop of the writing process was held up.',
    ...(tables.has('compaction') ? [chargeLegend(around)] : []),
    ...(tables.has('commits') ? [commitLegend] : []),
    ...(tables.has('compaction') || tables.has('commits') ? [deviceLegend(around)] : []),
    ...(withCeiling ? ceilingLegend : []),
  ].flatMap((line) => wrap(line, WIDTH_MAX))
}

/** Where a column is empty, its legend says why. */
function deviceLegend(around: Around | null): string {
  if (around !== null && 'why' in around.device) return `Device bytes are not known: ${around.device.why}.`
  return 'Device bytes are what the block device read and wrote meanwhile, for everybody on this machine.'
}

function chargeLegend(around: Around | null): string {
  if (around !== null && 'why' in around.cgroup) return `Charged page cache: not permitted. ${around.cgroup.why}.`
  return (
    'Charged is the page cache of the memory cgroup that each run has of its own, inputs and output together: what ' +
    'container_memory_cache shows. Samples are per second of CPU time, all threads together.'
  )
}

const commitLegend =
  'A commit is from the last byte of a batch to its being durable; its time is the median of all runs.'

const ceilingLegend = [
  'fio is the ceiling: io_uring, O_DIRECT, 1 MiB, 4 in flight, in a file that was allocated beforehand, which none of ' +
    'the others does. Its time and CPU are those that it reports of its job: with the fsync, without its start. Ratios ' +
    'to fio are taken round by round; shown is their median, and the range. fio writes content of its own, so only ' +
    'the length of its file is checked.',
]

function styleOf({ notRun, brokenClaims, medians }: SubjectSummary): 'red' | 'dim' | null {
  if (notRun?.state === 'failed' || brokenClaims.length > 0) return 'red'
  return medians === null ? 'dim' : null
}

function rowOf(summary: SubjectSummary, columns: readonly MeasureColumn[]): Row {
  const { subject, medians, notRun } = summary
  if (medians === null) return { name: subject, text: notRun === null ? 'no run was finished' : describe(notRun) }
  const mark = summary.brokenClaims.length > 0 ? ` ${BROKEN_MARK}` : ''
  return { cells: [`${subject}${mark}`, ...columns.map((column) => column.cell(medians, summary))] }
}

/** Why there are no numbers, in a sentence. */
export function describe(notRun: NotRun): string {
  const how = notRun.state === 'unsupported' ? 'not possible here' : `FAILED in round ${notRun.round}`
  // System errors begin with their code already, and what is not installed is told by its name.
  const isTold = notRun.message.startsWith(notRun.code) || notRun.code === NOT_INSTALLED
  const message = isTold ? notRun.message : `${notRun.code}, ${notRun.message}`
  return `${how}: ${message}`
}

function notesOf(summary: SubjectSummary, rounds: number): string[] {
  const notes = summary.brokenClaims.map((broken) => `${BROKEN_MARK} ${summary.subject} ${broken}`)
  if (summary.medians !== null && summary.notRun !== null) {
    notes.push(`${summary.subject}: ${summary.roundsMeasured} of ${rounds} rounds. ${describe(summary.notRun)}`)
  }
  return notes
}

export function styled(text: string, style: 'bold' | 'dim' | 'red' | null, colour: boolean): string {
  return colour && style !== null ? styleText(style, text, { validateStream: false }) : text
}
