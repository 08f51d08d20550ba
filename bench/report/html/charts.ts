/** The charts of a workload in a situation. */

import type { RunFigures } from '../../schema/run.ts'
import { GIB, MIB } from '../../units.ts'
import type { Group, SubjectRow } from '../groups.ts'
import { cpuSeconds } from '../measures.ts'
import { chart } from './chart.ts'
import { colourAt } from './palette.ts'
import type { Html } from './template.ts'

/** The names of all subjects of the report, whose colours are the same in all charts. */
export type Names = readonly string[]

/** All that have something to show. */
export async function chartsOf(group: Group, names: Names): Promise<Html[]> {
  const rows = group.rows.filter(({ runs }) => runs.length > 0)
  const charts = [
    group.situation === 'alone' ? await footprintChart(rows, names) : await neighbourChart(rows, names),
    await effortChart(rows, names),
    await ratioChart(rows, names),
  ]
  return charts.filter((each) => each !== null)
}

/** A scale that gives each subject its colour. */
function colour(rows: readonly SubjectRow[], names: Names) {
  const domain = rows.map(({ subject }) => subject)
  return {
    field: 'subject',
    type: 'nominal',
    scale: { domain, range: domain.map((subject) => colourAt(names.indexOf(subject))) },
  }
}

/** The run whose peak is in the middle stands for its subject. */
function middleRun(runs: readonly RunFigures[]): RunFigures {
  const sorted = runs.toSorted((a, b) => a.footprint.peakBytes - b.footprint.peakBytes)
  return sorted[sorted.length >> 1]!
}

async function footprintChart(rows: readonly SubjectRow[], names: Names): Promise<Html | null> {
  const values = rows.flatMap(({ subject, runs }) =>
    middleRun(runs).footprintSeries.map(([ms, bytes]) => ({ subject, seconds: ms / 1e3, mib: bytes / MIB })),
  )
  if (values.length === 0) return null
  const spec = {
    data: { values },
    mark: { type: 'line', strokeWidth: 2 },
    encoding: {
      x: { field: 'seconds', type: 'quantitative', title: 'seconds' },
      y: { field: 'mib', type: 'quantitative', title: 'MiB in the page cache' },
      color: colour(rows, names),
    },
  }
  const peaks = rows.map((row) => `${row.subject} ${((row.medianOf('footprintPeakBytes') ?? 0) / MIB).toFixed(0)} MiB`)
  return await chart(spec, {
    caption: 'Page cache over time, one run each',
    label: `Page cache over time. At most: ${peaks.join(', ')}.`,
  })
}

async function effortChart(rows: readonly SubjectRow[], names: Names): Promise<Html | null> {
  const points = rows.flatMap(({ subject, runs }) =>
    runs
      .filter(({ bytes }) => bytes > 0)
      .map((run) => ({ subject, cpu: (cpuSeconds(run) * 1e3 * GIB) / run.bytes, rate: run.bytes / run.seconds / MIB })),
  )
  if (points.length === 0) return null
  const medians = rows.flatMap((row) => {
    const [cpu, rate] = [row.medianOf('cpuSecondsPerGib'), row.medianOf('throughputBytesPerSecond')]
    return cpu === null || rate === null ? [] : [{ subject: row.subject, cpu: cpu * 1e3, rate: rate / MIB }]
  })
  const encoding = {
    x: { field: 'cpu', type: 'quantitative', title: 'CPU, ms per GiB (less is better)' },
    y: { field: 'rate', type: 'quantitative', title: 'MiB/s (more is better)' },
    color: colour(rows, names),
  }
  const spec = {
    layer: [
      { data: { values: points }, mark: { type: 'point', opacity: 0.5, size: 30 }, encoding },
      { data: { values: medians }, mark: { type: 'point', filled: true, size: 120 }, encoding },
    ],
  }
  const told = medians.map(({ subject, cpu, rate }) => `${subject} ${rate.toFixed(0)} MiB/s at ${cpu.toFixed(0)} ms`)
  return await chart(spec, {
    caption: 'Throughput against CPU: small every run, large the median',
    label: `Throughput against CPU per GiB: ${told.join(', ')}.`,
  })
}

const quantiles = [
  ['p50', 'p50Ns'],
  ['p99', 'p99Ns'],
  ['p99.9', 'p999Ns'],
  ['worst', 'maxNs'],
] as const

async function neighbourChart(rows: readonly SubjectRow[], names: Names): Promise<Html | null> {
  const values = rows.flatMap((row) =>
    quantiles.flatMap(([quantile, field]) => {
      const ns = row.median((run) => run.neighbour?.during.latency[field] ?? null)
      return ns === null ? [] : [{ subject: row.subject, quantile, us: Math.max(0.1, ns / 1e3) }]
    }),
  )
  if (values.length === 0) return null
  const spec = {
    data: { values },
    mark: { type: 'line', point: { size: 60, filled: true }, strokeWidth: 2 },
    encoding: {
      x: {
        field: 'quantile',
        type: 'ordinal',
        sort: quantiles.map(([name]) => name),
        title: null,
        axis: { labelAngle: 0 },
      },
      y: { field: 'us', type: 'quantitative', scale: { type: 'log' }, title: 'read latency, microseconds (log)' },
      color: colour(rows, names),
    },
  }
  const told = values
    .filter(({ quantile }) => quantile === 'p99')
    .map(({ subject, us }) => `${subject} ${us.toFixed(0)}`)
  return await chart(spec, {
    caption: 'What the neighbour waits for a read while the writer writes',
    label: `The neighbour's read latency. p99 in microseconds: ${told.join(', ')}.`,
  })
}

/** What is compared in the chart: the rest is in the table. */
const shown = ['throughputBytesPerSecond', 'cpuSecondsPerGib', 'neighbourP99Ns']
const labels: Readonly<Record<string, string>> = {
  throughputBytesPerSecond: 'throughput',
  cpuSecondsPerGib: 'CPU per GiB',
  neighbourP99Ns: "neighbour's p99",
}

async function ratioChart(rows: readonly SubjectRow[], names: Names): Promise<Html | null> {
  const values = rows.flatMap((row) =>
    shown.flatMap((measure) => {
      const comparison = row.comparisonOf(measure)
      if (comparison === null || comparison.ratio.low <= 0) return []
      const { median, low, high } = comparison.ratio
      return [{ subject: row.subject, what: `${row.subject}, ${labels[measure]}`, median, low, high }]
    }),
  )
  if (values.length === 0) return null
  const y = { field: 'what', type: 'nominal', title: null, sort: null }
  const x = { type: 'quantitative', scale: { type: 'log' }, title: 'ratio to the baseline (log)' }
  const spec = {
    height: { step: 18 },
    width: 240,
    data: { values },
    layer: [
      {
        mark: { type: 'rule', color: 'var(--text)', strokeDash: [3, 3] },
        data: { values: [{ one: 1 }] },
        encoding: { x: { ...x, field: 'one' } },
      },
      {
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: {
          y,
          x: { ...x, field: 'low' },
          x2: { field: 'high' },
          color: { ...colour(rows, names), legend: null },
        },
      },
      {
        mark: { type: 'point', filled: true, size: 50 },
        encoding: { y, x: { ...x, field: 'median' }, color: { ...colour(rows, names), legend: null } },
      },
    ],
  }
  const told = values.map(({ what, median }) => `${what} ${median.toFixed(2)}`)
  return await chart(spec, {
    caption: 'Against the baseline: median of the ratios with its interval',
    label: `Ratios to the baseline: ${told.join('; ')}.`,
  })
}
