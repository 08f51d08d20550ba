/** The report as Prometheus metrics, in base units and by its naming conventions. */
import { Gauge, Registry } from 'prom-client'
import type { Environment } from '../../schema/environment.ts'
import type { BrokenClaim } from '../../schema/report.ts'
import type { NotRun, RunFigures, Situation } from '../../schema/run.ts'
import { type Measure, measures } from '../measures.ts'
import { median } from '../statistics.ts'

const PREFIX = 'uncached_io_bench_'
const labelNames = ['subject', 'workload', 'situation'] as const

/** Who a number is about. All three are names that the benchmark knows: there is no end of paths, so none is a label. */
type Labels = Readonly<Record<(typeof labelNames)[number], string>>

/** The unit of a measure in its name and, for Prometheus, in its base unit. */
interface BaseUnit {
  readonly suffix: string
  readonly perUnit: number
}

const baseUnits: Readonly<Record<Measure['unit'], BaseUnit>> = {
  bytes: { suffix: 'bytes', perUnit: 1 },
  'bytes/s': { suffix: 'bytes_per_second', perUnit: 1 },
  s: { suffix: 'seconds', perUnit: 1 },
  's/GiB': { suffix: 'seconds_per_byte', perUnit: 1 / 1024 ** 3 },
  ns: { suffix: 'seconds', perUnit: 1e-9 },
  ms: { suffix: 'seconds', perUnit: 1e-3 },
  ratio: { suffix: 'ratio', perUnit: 1 },
  'samples/s': { suffix: 'per_cpu_second', perUnit: 1 },
}

/** The unit at the end of a measure's name in the JSON report. */
const unitInName = /(BytesPerSecond|SecondsPerGib|Bytes|Seconds|Ns|MsMax|PerCpuSecond)$/

/** `throughputBytesPerSecond` is `uncached_io_bench_throughput_bytes_per_second`. */
export function metricName({ name, unit }: Measure): string {
  const stem = name === 'eventLoopDelayMsMax' ? 'eventLoopDelayMax' : name.replace(unitInName, '')
  const snake = stem.replace(/[A-Z]|(?<=\D)(?=\d)/g, (letter) => `_${letter.toLowerCase()}`)
  return `${PREFIX}${snake.replace(/_p_(\d)/, '_p$1')}_${baseUnits[unit].suffix}`
}

/**
 * A gauge for each measure, which holds the median of the rounds so far.
 *
 * Not histograms: a benchmark has some ten runs of each kind, which are no population, and what was measured inside a run comes
 * as quantiles of its own histogram. Gauges of medians say what the tables say.
 */
export class BenchMetrics {
  readonly registry = new Registry()
  private readonly values = new Map<string, number[]>()
  private readonly gauges = new Map<string, Gauge>()
  private readonly runs = this.gauge('runs', 'Runs that have ended, by what came of them', [...labelNames, 'state'])
  private readonly broken = this.gauge('claim_broken', 'Whether a claim to be uncached is broken', labelNames)
  private readonly neighbourLatency = this.gauge(
    'neighbour_read_seconds',
    'How long reads of the neighbour took: median over the rounds of a percentile of a phase',
    // Not `quantile`, which is for summaries of what Prometheus itself has counted.
    [...labelNames, 'phase', 'rank'],
  )
  private readonly progress = this.gauge('progress_ratio', 'Share of the planned runs that have ended', [])
  private readonly secondsLeft = this.gauge('remaining_seconds', 'Time that the rest takes, estimated', [])

  constructor(environment: Environment) {
    for (const measure of measures) {
      this.gauges.set(
        measure.name,
        this.register(metricName(measure), `${measure.label}, median of the rounds`, labelNames),
      )
    }
    const { kernel, node, packageVersion, fileSystemType, footprintSource } = environment
    const labels = {
      kernel,
      node,
      version: packageVersion,
      file_system: fileSystemType ?? '',
      footprint: footprintSource,
    }
    this.gauge('info', 'Where the numbers come from', Object.keys(labels)).set(labels, 1)
    this.progress.set(0)
  }

  runEnded(run: RunFigures): void {
    const labels = labelsOf(run)
    this.runs.inc({ ...labels, state: 'measured' })
    // A sweep has many kinds of runs under one name.
    if (run.point !== null) return
    for (const { name, unit, valueOf } of measures) {
      const value = valueOf(run)
      if (value !== null)
        this.gauges.get(name)!.set(labels, this.medianWith(name, labels, value * baseUnits[unit].perUnit))
    }
    this.broken.set(labels, 0)
    this.setNeighbour(run, labels)
  }

  notRun(run: NotRun): void {
    this.runs.inc({ ...labelsOf(run), state: run.state })
  }

  claimBroken(claim: BrokenClaim): void {
    this.broken.set(labelsOf(claim), 1)
  }

  /** @param secondsLeft `null` when it cannot be told yet */
  progressed(doneRatio: number, secondsLeft: number | null): void {
    this.progress.set(doneRatio)
    if (secondsLeft !== null) this.secondsLeft.set(secondsLeft)
  }

  private setNeighbour({ neighbour }: RunFigures, labels: Labels): void {
    if (neighbour === null) return
    for (const phase of ['before', 'during', 'after'] as const) {
      const { p50Ns, p99Ns, p999Ns, maxNs } = neighbour[phase].latency
      for (const [rank, ns] of Object.entries({ p50: p50Ns, p99: p99Ns, 'p99.9': p999Ns, worst: maxNs })) {
        const seconds = this.medianWith(`neighbour ${phase} ${rank}`, labels, ns / 1e9)
        this.neighbourLatency.set({ ...labels, phase, rank }, seconds)
      }
    }
  }

  /** The median of all values that came under a name, this one included. */
  private medianWith(name: string, { subject, workload, situation }: Labels, value: number): number {
    const key = JSON.stringify([name, subject, workload, situation])
    const all = [...(this.values.get(key) ?? []), value]
    this.values.set(key, all)
    return median(all)
  }

  private gauge(name: string, help: string, names: readonly string[]): Gauge {
    return this.register(`${PREFIX}${name}`, help, names)
  }

  private register(name: string, help: string, names: readonly string[]): Gauge {
    return new Gauge({ name, help, labelNames: [...names], registers: [this.registry] })
  }
}

function labelsOf(run: { readonly subject: string; readonly workload: string; readonly situation: Situation }): Labels {
  const { subject, workload, situation } = run
  return { subject, workload, situation }
}
