/** What is printed at the end. */
import { styleText } from 'node:util'
import { FIO_NAME, isFio, NOT_INSTALLED } from '../ceiling/fio.ts'
import type { Environment } from '../schema/environment.ts'
import type { Report } from '../schema/report.ts'
import type { NotRun, RunFigures } from '../schema/run.ts'
import { formatBytes } from '../units.ts'
import { workloadNamed } from '../workloads/index.ts'
import { type Table, tablesOf } from './columns.ts'
import { type Group, groupsOf, type SubjectRow } from './groups.ts'
import { measureNamed } from './measures.ts'
import { formatPairedRatio, pairedRatio } from './pairs.ts'
import { type Column, layOut, type Row, wrap } from './table.ts'

/** Readable in a terminal of this width. */
export const WIDTH_MAX = 100

/** From here on every CPU had something else to do. Less is what a benchmark that ended just now leaves behind. */
const BUSY_LOAD_PER_CPU = 1

/** Stands at what breaks a claim. */
export const BROKEN_MARK = '!'

const subjectColumn: Column = { heading: ['subject'], align: 'left' }

const ceilingColumns: readonly Column[] = [
  { heading: ['against fio'], align: 'left' },
  { heading: ['throughput'], align: 'right' },
  { heading: ['CPU per GiB'], align: 'right' },
]

const situationTitles = {
  alone: '',
  neighbour: ' beside a neighbour',
  'neighbour-throttled': ' beside a neighbour, throttled',
} as const

/** Some lines that say where the numbers come from. */
export function environmentLines(environment: Environment): string[] {
  const { fileSystemType, device, mountOptions, forceDirectIo, disk, container } = environment
  const lines = [
    `uncached-io ${environment.packageVersion}, Node ${environment.node}, ${environment.kernel}, ` +
      `${environment.cpuCount} CPUs (${environment.cpuModel}), ${formatBytes(environment.memoryBytes)} memory` +
      (container === null ? '' : `, in a container (${container})`),
    fileSystemType === null
      ? 'the file system could not be determined'
      : `${fileSystemType} on ${device} (${mountOptions}), footprint by ${environment.footprintSource}`,
  ]
  if (disk !== null) {
    const { name, scheduler, writeCache, logicalBlockBytes } = disk
    lines.push(
      `disk ${name}: scheduler ${scheduler ?? 'unknown'}, cache ${writeCache ?? 'unknown'}, ` +
        `${logicalBlockBytes ?? 'unknown'}-byte sectors`,
    )
  }
  if (forceDirectIo !== null && forceDirectIo !== '') lines.push(`FORCEDIRECTIO=${forceDirectIo} is set`)
  const { loadAverage, cpuCount } = environment
  if (loadAverage > cpuCount * BUSY_LOAD_PER_CPU) {
    lines.push(`The machine is busy (load ${loadAverage.toFixed(1)}): the numbers are less certain than they look.`)
  }
  return lines.flatMap((line) => wrap(line, WIDTH_MAX))
}

/** All tables, and how to read them. */
export function reportLines(report: Report, colour: boolean): string[] {
  const groups = groupsOf(report)
  return [
    ...groups.flatMap((group) => [...groupLines(group, report, colour), '']),
    ...legendLines(report, groups),
    ...driftLines(report, colour),
    ...summaryLines(report, colour),
  ]
}

/** The tables of a workload in a situation, with their notes. */
function groupLines(group: Group, { environment }: Report, colour: boolean): string[] {
  const { workload, situation, rows } = group
  const rounds = group.rounds === 1 ? '1 round' : `medians of ${group.rounds} rounds`
  const what = `${formatBytes(workload.bytes)} in ${workload.summary}`
  const title = `${workload.name}${situationTitles[situation]}: ${what}; ${rounds}`
  const cannotCharge = typeof environment.memoryCgroup === 'string'
  const tables = tablesOf(workloadNamed(workload.name).table, situation).filter(
    ({ needsCgroup }) => !(cannotCharge && needsCgroup),
  )
  const notes = rows.flatMap((row) => notesOf(row, group.rounds))
  return [
    styled(title, 'bold', colour),
    ...tables.flatMap((table) => tableLines(table, rows, colour)),
    ...(situation === 'alone' ? ceilingLines(rows, colour) : []),
    ...(notes.length === 0 ? [] : ['']),
    ...notes.flatMap((note) => wrap(note, WIDTH_MAX)).map((line) => styled(line, 'red', colour)),
  ]
}

function tableLines({ title, columns }: Table, rows: readonly SubjectRow[], colour: boolean): string[] {
  // In the second table of a workload those without numbers need not be told of again.
  const shown = title === null ? rows : rows.filter(({ runs }) => runs.length > 0)
  const cells = shown.map((row) => rowOf(row, columns))
  const laidOut = layOut([subjectColumn, ...columns], cells, WIDTH_MAX)
  return [
    '',
    ...(title === null ? [] : [styled(title, 'dim', colour)]),
    ...laidOut.heading.map((line) => styled(line, 'dim', colour)),
    ...shown.flatMap((row, index) => (laidOut.rows[index] ?? []).map((line) => styled(line, styleOf(row), colour))),
  ]
}

/** The subjects against the ceiling, where it was measured. */
function ceilingLines(rows: readonly SubjectRow[], colour: boolean): string[] {
  const ceiling = rows.find(({ subject }) => subject === FIO_NAME)?.runs ?? []
  const measured = rows.filter(({ subject, runs }) => !isFio(subject) && runs.length > 0)
  if (ceiling.length === 0 || measured.length === 0) return []
  const ofFio = (runs: readonly RunFigures[], measure: string) =>
    formatPairedRatio(pairedRatio(runs, ceiling, (run) => measureNamed(measure).valueOf(run) ?? 0))
  const cells = measured.map(({ subject, runs }) => ({
    cells: [subject, ofFio(runs, 'throughputBytesPerSecond'), ofFio(runs, 'cpuSecondsPerGib')],
  }))
  const table = layOut(ceilingColumns, cells, WIDTH_MAX)
  return ['', ...table.heading.map((line) => styled(line, 'dim', colour)), ...table.rows.flat()]
}

/** How to read the columns; printed once, below all tables. */
function legendLines({ environment }: Report, groups: readonly Group[]): string[] {
  const kinds = new Set(groups.map(({ workload }) => workloadNamed(workload.name).table))
  const subjects = new Set(groups.flatMap(({ rows }) => rows.map(({ subject }) => subject)))
  return [
    ...generalLegend,
    kernelLegend(environment),
    chargeLegend(environment),
    deviceLegend(environment),
    ...(kinds.has('commits') ? [commitLegend] : []),
    ...(kinds.has('compaction') ? ['Samples are per second of CPU time, all threads together.'] : []),
    ...(groups.some(({ situation }) => situation !== 'alone') ? neighbourLegend : []),
    ...(subjects.has(FIO_NAME) ? ceilingLegend : []),
    '',
  ].flatMap((line) => (line === '' ? [''] : wrap(line, WIDTH_MAX)))
}

const generalLegend = [
  'Every time includes the fsync. CPU is that of the writing process. Ratios are taken round by round, and their ' +
    'median says: + better, - worse, = no difference shown, ? too few rounds or too noisy to tell.',
  'Cache is what of the file is in the page cache, MiB: most while writing (sampled), and after close. Write p99: how long ' +
    'the caller is held up by a MiB. Loop: how long, at worst, the event loop is. RSS: most resident memory.',
]

function kernelLegend({ kernelThreads }: Environment): string {
  if (kernelThreads !== true) return `CPU of kernel threads is not known: ${kernelThreads}.`
  return 'Kernel is the CPU of all kernel threads meanwhile (writeback, reclaim, journal), whoever they worked for.'
}

/** Where a column is empty, its legend says why. */
function deviceLegend({ countedDevice, disk }: Environment): string {
  if (disk === null) return `Device bytes are not known: ${countedDevice}.`
  return 'Dev bytes are what the block device read and wrote meanwhile, for everybody on this machine.'
}

function chargeLegend({ memoryCgroup }: Environment): string {
  if (typeof memoryCgroup === 'string') return `Charged memory: not permitted. ${memoryCgroup}.`
  return (
    "Charged memory is that of the cgroup that each run has of its own: cache is cAdvisor's container_memory_cache, " +
    'working set container_memory_working_set_bytes, usage container_memory_usage_bytes; all of them peaks but the mean.'
  )
}

const commitLegend =
  'A commit is from the last byte of a batch to its being durable; its time is the median of all runs.'

const neighbourLegend = [
  'The neighbour is a process that reads hot data of its own at random, under a memory limit that it shares with the ' +
    'writer. Hot: how much of its data was in memory when the phase ended. No-writer: nobody writes.',
]

const ceilingLegend = [
  'fio is the ceiling: io_uring, O_DIRECT, 1 MiB, 4 in flight, in a file that was allocated beforehand, which none of ' +
    'the others does. Its time and CPU are those that it reports of its job: with the fsync, without its start. Ratios ' +
    'to fio are taken round by round; shown is their median, and the range. fio writes content of its own, so only ' +
    'the length of its file is checked.',
]

function driftLines({ drifts }: Report, colour: boolean): string[] {
  const lines = drifts.map(({ workload, situation, measure, change }) => {
    const { label } = measureNamed(measure)
    const direction = change > 0 ? 'rose' : 'fell'
    const percent = (Math.abs(change) * 100).toFixed(0)
    return `Drift: ${label} on ${workload}${situationTitles[situation]} ${direction} by ${percent} % from the first round to the last.`
  })
  return lines.length === 0
    ? []
    : [...lines.flatMap((line) => wrap(line, WIDTH_MAX)).map((line) => styled(line, 'red', colour)), '']
}

function summaryLines({ summary }: Report, colour: boolean): string[] {
  if (summary.length === 0) return []
  return [styled('Summary', 'bold', colour), '', ...summary.flatMap((sentence) => wrap(sentence, WIDTH_MAX)), '']
}

function styleOf({ notRun, brokenClaims, runs }: SubjectRow): 'red' | 'dim' | null {
  if (notRun?.state === 'failed' || brokenClaims.length > 0) return 'red'
  return runs.length === 0 ? 'dim' : null
}

function rowOf(row: SubjectRow, columns: Table['columns']): Row {
  const { subject, runs, notRun } = row
  if (runs.length === 0) return { name: subject, text: notRun === null ? 'no run was finished' : describe(notRun) }
  const mark = row.brokenClaims.length > 0 ? ` ${BROKEN_MARK}` : ''
  return { cells: [`${subject}${mark}`, ...columns.map((column) => column.cell(row))] }
}

function notesOf(row: SubjectRow, rounds: number): string[] {
  const notes = row.brokenClaims.map((broken) => `${BROKEN_MARK} ${row.subject} ${broken}`)
  if (row.runs.length > 0 && row.notRun !== null) {
    notes.push(`${row.subject}: ${row.runs.length} of ${rounds} rounds. ${describe(row.notRun)}`)
  }
  return notes
}

/** Why there are no numbers, in a sentence. */
export function describe(notRun: NotRun): string {
  const how = notRun.state === 'unsupported' ? 'not possible here' : `FAILED in round ${notRun.round}`
  // System errors begin with their code already, and what is not installed is told by its name.
  const isTold = notRun.message.startsWith(notRun.code) || notRun.code === NOT_INSTALLED
  const message = isTold ? notRun.message : `${notRun.code}, ${notRun.message}`
  return `${how}: ${message}`
}

export function styled(text: string, style: 'bold' | 'dim' | 'red' | null, colour: boolean): string {
  return colour && style !== null ? styleText(style, text, { validateStream: false }) : text
}
