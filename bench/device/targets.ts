/** What the project promises of device speed, and whether it is kept. */
import { FIO_NAME } from '../ceiling/fio.ts'
import { formatPairedRatio, formatRatio, type PairedRatio } from '../report/pairs.ts'
import { median } from '../report/statistics.ts'
import { MIB } from '../units.ts'
import { loopCases } from './cases.ts'
import type { DeviceResults } from './result.ts'
import {
  bytesPerSecond,
  cpuSecondsPerGib,
  type Delays,
  type LoopNumbers,
  type LoopSummary,
  ratioTo,
  runsOf,
  summarizeLoop,
  summarizeThroughput,
} from './summary.ts'

export type Verdict = 'reached' | 'missed' | 'not measured'

/** A target with the figure that was measured for it. */
export interface Finding {
  readonly target: string
  /** `null` when it was not measured. */
  readonly figure: number | null
  readonly limit: number
  /** Which side of the limit is the good one. `below` leaves the limit itself out. */
  readonly should: 'at least' | 'at most' | 'below'
  /** The figure as it is printed, with what belongs to it. */
  readonly text: string
}

/** Whether the figure is on the right side of its limit. */
export function verdictOf({ figure, limit, should }: Finding): Verdict {
  if (figure === null || Number.isNaN(figure)) return 'not measured'
  const isReached = should === 'at least' ? figure >= limit : should === 'at most' ? figure <= limit : figure < limit
  return isReached ? 'reached' : 'missed'
}

/** Of fio's throughput, and of its CPU. */
const LARGE_THROUGHPUT = 0.95
const LARGE_CPU = 1.4
const COPIED_CPU = 2
const SMALL_THROUGHPUT = 0.8
/** Where the copying alone takes 230, which varies with the machine and its hour: the ratio stands beside it. */
const SMALL_CPU_MS_PER_GIB = 450
/** Of what a program would use instead. */
const INSTEAD_THROUGHPUT = 1.3
const INSTEAD_CPU = 0.5
/** Of fs.createWriteStream's, with its fsync. */
const STREAM_THROUGHPUT = 1
/** Of `large-growing`: as `direct` in `npm run bench`, which preallocates as little as the command when not asked to. */
const COMMAND_THROUGHPUT = 0.8
/** Of the same without anybody who listens. */
const HEARD_CPU = 1.02
/** Resident memory beside the buffers: the code, the heap, the addon. */
const RSS_BESIDE_BUFFERS_BYTES = 8 * MIB
const TIMER_P99_MS = 3
const TIMER_WORST_MS = 15
/** `stat` is to be as fast as without a writer: less than this is the noise of two runs without one. */
const STAT_TOLERANCE_MS = 0.1
const IDLE_WRITERS_BYTES = 32 * MIB

/** Every target in the order of the report, measured or not. */
export function findingsOf(results: DeviceResults): Finding[] {
  return [
    ...speedFindings(results),
    ...insteadFindings(results),
    ...adapterFindings(results),
    ...['large', 'large-copied', 'small-records'].map((name) => memoryFinding(results, name)),
    ...loopCases.flatMap(({ name }) => loopFindings(results, name)),
    idleWritersFinding(results),
  ]
}

function speedFindings(results: DeviceResults): Finding[] {
  const throughput = (name: string, limit: number) =>
    ratioFinding(
      `${name}: throughput of ${FIO_NAME}'s`,
      ratioTo(results, name, FIO_NAME, bytesPerSecond),
      'at least',
      limit,
    )
  const cpu = (name: string, limit: number, beside = '') =>
    ratioFinding(
      `${name}: CPU of ${FIO_NAME}'s`,
      ratioTo(results, name, FIO_NAME, cpuSecondsPerGib),
      'at most',
      limit,
      beside,
    )
  const copying = ratioTo(results, 'copy-chunks', FIO_NAME, cpuSecondsPerGib)
  const leastCopied = copying === null ? '' : `; least ${formatRatio(1 + copying.median)}`
  const smallCpu = summarizeThroughput(results, 'small-records')?.cpuSecondsPerGib ?? null
  const smallOfCopying = formatRatio(ratioTo(results, 'small-records', 'copy-loop', cpuSecondsPerGib)?.median)
  return [
    throughput('large', LARGE_THROUGHPUT),
    cpu('large', LARGE_CPU),
    cpu('large-copied', COPIED_CPU, leastCopied),
    throughput('small-records', SMALL_THROUGHPUT),
    {
      target: 'small-records: CPU ms per GiB',
      figure: smallCpu === null ? null : smallCpu * 1e3,
      limit: SMALL_CPU_MS_PER_GIB,
      should: 'at most',
      text: smallCpu === null ? '' : `${(smallCpu * 1e3).toFixed(0)}; ${smallOfCopying} of copying alone`,
    },
  ]
}

function insteadFindings(results: DeviceResults): Finding[] {
  return ['fs-filehandle', 'fs-write-stream'].flatMap((instead) => {
    const throughput = ratioTo(results, 'large', instead, bytesPerSecond)
    const cpu = ratioTo(results, 'large', instead, cpuSecondsPerGib)
    return [
      ratioFinding(`large: throughput of ${instead}'s`, throughput, 'at least', INSTEAD_THROUGHPUT),
      ratioFinding(`large: CPU of ${instead}'s`, cpu, 'at most', INSTEAD_CPU),
    ]
  })
}

function adapterFindings(results: DeviceResults): Finding[] {
  const stream = ratioTo(results, 'stream', 'fs-stream', bytesPerSecond)
  const command = ratioTo(results, 'write-command', 'large-growing', bytesPerSecond)
  return [
    ratioFinding("stream: throughput of fs-stream's", stream, 'at least', STREAM_THROUGHPUT),
    ratioFinding("write-command: throughput of large-growing's", command, 'at least', COMMAND_THROUGHPUT),
    ...['small-events', 'small-metrics'].map((name) => {
      const cpu = ratioTo(results, name, 'small-records', cpuSecondsPerGib)
      return ratioFinding(`${name}: CPU of small-records'`, cpu, 'at most', HEARD_CPU)
    }),
  ]
}

/** A bound holds for every run, so it is the one that grew most that counts. */
function memoryFinding(results: DeviceResults, name: string): Finding {
  const runs = runsOf(results, name)
  const growths = runs.flatMap(({ rssGrowthBytes }) => (rssGrowthBytes === null ? [] : [rssGrowthBytes]))
  const most = growths.length === 0 ? null : Math.max(...growths)
  const limit = (runs[0]?.bufferBytes ?? 0) + RSS_BESIDE_BUFFERS_BYTES
  return {
    target: `${name}: memory, MiB more`,
    figure: most,
    limit,
    should: 'at most',
    text: most === null ? '' : `${mib(most)}, median ${mib(median(growths))}`,
  }
}

function loopFindings(results: DeviceResults, name: string): Finding[] {
  const summary = summarizeLoop(results, name)
  const timerFinding = (what: 'p99' | 'worst', limit: number): Finding => ({
    target: `${name}: timer, ${what} ms`,
    figure: summary?.timer.writing[what] ?? null,
    limit,
    should: 'below',
    text: summary === null ? '' : delayText(summary.timer, what),
  })
  return [timerFinding('p99', TIMER_P99_MS), timerFinding('worst', TIMER_WORST_MS), statFinding(name, summary)]
}

/** What a program's own copying keeps waiting is not the writer's doing: so it is compared with that. */
function statFinding(name: string, summary: LoopSummary | null): Finding {
  const stat = summary?.stat ?? null
  const withoutMs = stat === null ? Number.NaN : (stat.alone ?? stat.idle).p50
  return {
    target: `${name}: stat, p50 ms`,
    figure: stat?.writing.p50 ?? null,
    limit: Number((withoutMs + STAT_TOLERANCE_MS).toFixed(2)),
    should: 'at most',
    text: stat === null ? '' : delayText(stat, 'p50'),
  }
}

function delayText({ writing, idle, alone }: LoopNumbers, what: keyof Delays): string {
  const without = alone === null ? `idle ${idle[what].toFixed(2)}` : `copying alone ${alone[what].toFixed(2)}`
  return `${writing[what].toFixed(2)}; ${without}`
}

function idleWritersFinding({ idleWriters }: DeviceResults): Finding {
  const most = idleWriters.length === 0 ? null : Math.max(...idleWriters.map(({ rssGrowthBytes }) => rssGrowthBytes))
  return {
    target: 'idle writers: memory together, MiB more',
    figure: most,
    limit: IDLE_WRITERS_BYTES,
    should: 'below',
    text: most === null ? '' : mib(most),
  }
}

function ratioFinding(
  target: string,
  ratio: PairedRatio | null,
  should: Finding['should'],
  limit: number,
  beside = '',
): Finding {
  const text = ratio === null ? '' : `${formatPairedRatio(ratio)}${beside}`
  return { target, figure: ratio?.median ?? null, limit, should, text }
}

/** The limit as it is printed: memory is counted in MiB. */
export function limitText({ limit, target }: Finding): string {
  return target.includes('MiB') ? mib(limit) : String(limit)
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1)
}
