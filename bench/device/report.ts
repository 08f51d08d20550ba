/** What is printed at the end. */
import { FIO_NAME } from '../ceiling/fio.ts'
import { formatRatio } from '../report/pairs.ts'
import { type Column, layOut, type Row, wrap } from '../report/table.ts'
import { describe, styled, WIDTH_MAX } from '../report/terminal.ts'
import { formatBytes, MIB } from '../units.ts'
import { loopCases, throughputCases } from './cases.ts'
import { IDLE_WRITERS_COUNT } from './idle-writers.ts'
import { type DeviceResults, EVENT_LOOP, IDLE_WRITERS, THROUGHPUT } from './result.ts'
import { type Delays, type LoopSummary, summarizeLoop, summarizeThroughput, type ThroughputSummary } from './summary.ts'
import { findingsOf, limitText, verdictOf } from './targets.ts'

const right = (...heading: string[]): Column => ({ heading, align: 'right' })
const left = (...heading: string[]): Column => ({ heading, align: 'left' })

const throughputColumns: readonly Column[] = [
  left('case'),
  right('MiB/s'),
  right('of', 'fio'),
  right('CPU ms', 'per GiB'),
  right('of', 'fio'),
  right('whole CPU', 'per GiB'),
  right('of', 'fio'),
  right('memory', 'MiB more'),
  right('runs'),
]

const loopColumns: readonly Column[] = [
  left('event loop, ms'),
  right('MiB/s'),
  right('timer', 'p50'),
  right('timer', 'p99'),
  right('timer', 'worst'),
  right('stat', 'p50'),
  right('stat', 'p99'),
  right('stat', 'worst'),
  right('longest', 'stretch'),
  right('longest', 'MiB'),
]

/** The tables of everything that was run, and the targets. */
export function reportLines(results: DeviceResults, bytes: number, colour: boolean): string[] {
  return [
    ...throughputLines(results, bytes, colour),
    ...loopLines(results, bytes, colour),
    ...idleLines(results, colour),
    ...targetLines(results, colour),
  ]
}

function throughputLines(results: DeviceResults, bytes: number, colour: boolean): string[] {
  const names = [FIO_NAME, ...throughputCases.map(({ name }) => name)]
  const rows = names.flatMap((name): Row[] => {
    const summary = summarizeThroughput(results, name)
    return summary === null ? whyNotRun(results, THROUGHPUT, name) : [throughputRow(summary)]
  })
  return table(`${formatBytes(bytes)} in preallocated files; medians`, throughputColumns, rows, colour)
}

function throughputRow(summary: ThroughputSummary): Row {
  const { wholeCpuSecondsPerGib, rssGrowthBytes } = summary
  return {
    cells: [
      summary.name,
      (summary.bytesPerSecond / MIB).toFixed(0),
      formatRatio(summary.throughputOfFio?.median),
      (summary.cpuSecondsPerGib * 1e3).toFixed(0),
      formatRatio(summary.cpuOfFio?.median),
      wholeCpuSecondsPerGib === null ? '-' : (wholeCpuSecondsPerGib * 1e3).toFixed(0),
      formatRatio(summary.wholeCpuOfFio?.median),
      rssGrowthBytes === null ? '-' : (rssGrowthBytes / MIB).toFixed(1),
      String(summary.runs),
    ],
  }
}

function loopLines(results: DeviceResults, bytes: number, colour: boolean): string[] {
  const rows = loopCases.flatMap(({ name }): Row[] => {
    const summary = summarizeLoop(results, name)
    return summary === null ? whyNotRun(results, EVENT_LOOP, name) : loopRows(summary)
  })
  const title = `The event loop while ${formatBytes(bytes)} are written, and without a writer; worst of all runs`
  return table(title, loopColumns, rows, colour)
}

function loopRows({ name, bytesPerSecond, timer, stat, longestStretchMs, longestStretchBytes }: LoopSummary): Row[] {
  const longest = [longestStretchMs.toFixed(2), (longestStretchBytes / MIB).toFixed(1)]
  const without = (what: string, timerDelays: Delays | null, statDelays: Delays | null): Row[] =>
    timerDelays === null || statDelays === null
      ? []
      : [{ cells: [what, '-', ...delayCells(timerDelays), ...delayCells(statDelays), '-', '-'] }]
  return [
    {
      cells: [
        name,
        (bytesPerSecond / MIB).toFixed(0),
        ...delayCells(timer.writing),
        ...delayCells(stat.writing),
        ...longest,
      ],
    },
    ...without('  copying alone', timer.alone, stat.alone),
    ...without('  nothing to do', timer.idle, stat.idle),
  ]
}

function delayCells({ p50, p99, worst }: Delays): string[] {
  return [p50, p99, worst].map((ms) => ms.toFixed(2))
}

function idleLines({ idleWriters, notRun }: DeviceResults, colour: boolean): string[] {
  const failure = notRun.find(({ workload }) => workload === IDLE_WRITERS)
  const texts = idleWriters.map(
    ({ writers, rssGrowthBytes, seconds }) =>
      `${writers} writers: ${(rssGrowthBytes / MIB).toFixed(1)} MiB more, ` +
      `${(rssGrowthBytes / writers / 1024).toFixed(1)} KiB each; opened, written and flushed in ${seconds.toFixed(1)} s`,
  )
  if (failure !== undefined) texts.push(describe(failure))
  return texts.length === 0 ? [] : [styled(`${IDLE_WRITERS_COUNT} idle writers`, 'bold', colour), '', ...texts, '']
}

function targetLines(results: DeviceResults, colour: boolean): string[] {
  const all = findingsOf(results)
  const findings = all.filter((finding) => verdictOf(finding) !== 'not measured')
  const missing = all.length - findings.length
  const rows = findings.map((finding) => ({
    cells: [finding.target, `${finding.should} ${limitText(finding)}`, verdictOf(finding), finding.text],
  }))
  const lines = table('Targets', [left('target'), left('limit'), left('verdict'), left('figure')], rows, colour)
  return [
    ...lines.map((line) => (/ missed /.test(line) ? styled(line, 'red', colour) : line)),
    ...(missing === 0 ? [] : [`${missing} of ${all.length} targets were not measured.`, '']),
  ]
}

/** A row that says why, or none where the case was not asked for. */
function whyNotRun(results: DeviceResults, workload: string, name: string): Row[] {
  const found = results.notRun.find((run) => run.workload === workload && run.subject === name)
  return found === undefined ? [] : [{ name, text: describe(found) }]
}

function table(title: string, columns: readonly Column[], rows: readonly Row[], colour: boolean): string[] {
  if (rows.length === 0) return []
  const laidOut = layOut(columns, rows, WIDTH_MAX)
  const heading = laidOut.heading.map((line) => styled(line, 'dim', colour))
  return [styled(title, 'bold', colour), '', ...heading, ...laidOut.rows.flat(), '']
}

/** How to read the tables. */
export function deviceLegendLines(): string[] {
  return [
    'Every run is a process of its own and follows upon a sync. Before its clock starts it writes a quarter as much ' +
      'to another file, so that the JIT has compiled what is done for every chunk and record; that write is in no time and no CPU figure, ' +
      'but its memory is in the memory.',
    'The clock runs from before the file is opened until it is durable and closed. For fio it is what fio reports of ' +
      'its job: with the fsync, without its start, and with the file open and allocated already.',
    'CPU is that of the timed part, and for fio that of its job. Whole CPU is that of the whole process: with the ' +
      'start of Node, and with the start and the calibration of fio.',
    'Ratios are medians of the ratios of pairs; beside a target stands their range. Memory is the most that was ' +
      'resident, less what was before the first writer was opened. The memory that the cached cases write to was ' +
      'touched before, as in npm run bench. Of fio the length of the file is checked, of the others the content too.',
    'Timer is how much later than it should a setTimeout of 1 ms fires, stat how long fs.promises.stat takes, called ' +
      'every 5 ms. The longest stretch is the longest time, and the most bytes, that the filling loop goes on for ' +
      'without the event loop having a turn.',
    'Least is what fio takes and the copying of the chunks alone (copy-chunks) beside it: fio copies nothing, and no ' +
      'writer that has to copy takes less.',
    'Copying alone is what a program does that fills the same buffers with the same records, lets the event loop go ' +
      'round after each of them, and has no writer.',
  ].flatMap((text) => wrap(text, WIDTH_MAX))
}
