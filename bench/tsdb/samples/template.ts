/** Puts together what a target exposes: so many series, with such a share of measurements. */
import {
  type Block,
  type BlockSupply,
  type Families,
  isMeasured,
  type LabelPair,
  REPORT,
  type SeriesTemplate,
} from './fleet-metrics.ts'
import type { Run, Shape } from './shapes.ts'

/** The series of all targets of one kind and size. */
export interface TargetTemplate {
  /** Of each series, without the labels of the target. */
  readonly labels: readonly (readonly LabelPair[])[]
  /** Of each series, as in `SeriesTemplate`. */
  readonly scales: Float64Array
  /** Covers all series, in their order. */
  readonly runs: readonly Run[]
  /** How many of the first series a scrape that fails has, too. */
  readonly reportCount: number
}

/**
 * Single series at a target's end that make up for the share of measurements that whole blocks miss. The largest block,
 * a histogram, has 14.
 */
const FILLING_SERIES = 16

/**
 * @param size how many series, at least 1
 * @param noise the share of measurements that is aimed at, 0 to 1
 */
export function composeTarget(families: Families, size: number, noise: number): TargetTemplate {
  const fixed = [...REPORT, ...families.info].slice(0, size)
  const series = [...fixed]
  const reportCount = Math.min(REPORT.length, size)
  let measured = series.filter(isMeasured).length
  const add = (block: Block) => {
    series.push(...block)
    measured += block.filter(isMeasured).length
  }
  const lacksMeasurements = () => measured < noise * series.length

  const blocks = { measured: blocksOf(families.measured), counted: blocksOf(families.counted) }
  for (;;) {
    const block = blocks[lacksMeasurements() ? 'measured' : 'counted'].next().value
    if (series.length + block.length > size - FILLING_SERIES) break
    add(block)
  }
  for (const numbers = { measured: 0, counted: 0 }; series.length < size; ) {
    const kind = lacksMeasurements() ? 'measured' : 'counted'
    add([families[kind].single(numbers[kind]++)])
  }
  return templateOf(series, reportCount)
}

function* blocksOf({ once, numbered }: BlockSupply): Generator<Block, never> {
  yield* once
  for (let number = 0; ; number++) {
    for (const block of numbered) yield block(number)
  }
}

/** Series of one shape go next to each other, so that one loop moves them all. A histogram's series stay together. */
function templateOf(series: readonly SeriesTemplate[], reportCount: number): TargetTemplate {
  const byShape = new Map<Shape, SeriesTemplate[]>()
  for (const one of series.slice(reportCount)) {
    const alike = byShape.get(one.shape)
    if (alike === undefined) byShape.set(one.shape, [one])
    else alike.push(one)
  }
  const ordered = [...series.slice(0, reportCount), ...[...byShape.values()].flat()]
  return {
    labels: ordered.map(({ labels }) => labels),
    scales: Float64Array.from(ordered, ({ scale }) => scale),
    runs: runsOf(ordered),
    reportCount,
  }
}

function runsOf(series: readonly SeriesTemplate[]): Run[] {
  const runs: Run[] = []
  for (let start = 0; start < series.length; ) {
    const { shape } = series[start]!
    const next = series.findIndex((one, index) => index > start && one.shape !== shape)
    const end = next < 0 ? series.length : next
    runs.push({ shape, start, end })
    start = end
  }
  return runs
}
