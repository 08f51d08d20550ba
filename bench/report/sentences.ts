/** A report in five sentences, for somebody who has to decide. Bad news is told as good news is. */
import type { Comparison, Report } from '../schema/report.ts'
import type { Situation } from '../schema/run.ts'
import { NO_WRITER } from '../subjects/index.ts'
import { formatBytes, MIB } from '../units.ts'
import { type Group, groupsOf, type SubjectRow } from './groups.ts'
import { formatRatio } from './pairs.ts'
import { ROUNDS_MIN } from './verdict.ts'

/** What the sentences are about, when it was run. */
const SUBJECT = 'direct'
const WORKLOAD = 'large'

/** @param report its `summary` is not looked at. @returns five sentences, also where something was not measured */
export function summarySentences(report: Report): string[] {
  const groups = groupsOf(report)
  const alone = groupOf(groups, 'alone')
  return [
    pageCacheSentence(report, alone),
    throughputSentence(report, alone),
    cpuSentence(report, alone),
    neighbourSentence(report, groupOf(groups, 'neighbour') ?? groupOf(groups, 'neighbour-throttled')),
    confidenceSentence(report),
  ]
}

/** `large` where it was run, or else what was. */
function groupOf(groups: readonly Group[], situation: Situation): Group | null {
  const here = groups.filter((group) => group.situation === situation)
  return here.find(({ workload }) => workload.name === WORKLOAD) ?? here[0] ?? null
}

function rowOf(group: Group | null, subject: string): SubjectRow | null {
  return group?.rows.find((row) => row.subject === subject && row.runs.length > 0) ?? null
}

/** Why there is nothing to be said of it. */
function whyMissing(what: string, group: Group | null, subjects: readonly string[]): string {
  const missing = subjects.filter((subject) => rowOf(group, subject) === null)
  const reasons = missing.map((subject) => {
    const notRun = group?.rows.find((row) => row.subject === subject)?.notRun ?? null
    return `${subject} ${notRun === null ? 'was not run' : `could not be run (${notRun.code})`}`
  })
  return `${what}: nothing to be said, since ${reasons.join(' and ')}.`
}

function pageCacheSentence({ baseline }: Report, group: Group | null): string {
  const [own, base] = [rowOf(group, SUBJECT), rowOf(group, baseline)]
  if (group === null || own === null || base === null) return whyMissing('Page cache', group, [SUBJECT, baseline])
  const { workload } = group
  return (
    `Of ${formatBytes(workload.bytes)} (${workload.name}), ${SUBJECT} had ${size(own, 'footprintPeakBytes')} in the page ` +
    `cache at most and left ${size(own, 'footprintResidualBytes')}; ${baseline} had ` +
    `${size(base, 'footprintPeakBytes')} and left ${size(base, 'footprintResidualBytes')}.`
  )
}

function size(row: SubjectRow, measure: string): string {
  return formatBytes(row.medianOf(measure) ?? 0)
}

function throughputSentence({ baseline }: Report, group: Group | null): string {
  const own = rowOf(group, SUBJECT)
  const rate = own?.medianOf('throughputBytesPerSecond') ?? null
  if (group === null || own === null || rate === null) return whyMissing('Throughput', group, [SUBJECT])
  const compared = ratioText(own.comparisonOf('throughputBytesPerSecond'), baseline)
  return `Throughput of ${SUBJECT} on ${group.workload.name}, fsync included: ${(rate / MIB).toFixed(0)} MiB/s, ${compared}.`
}

function cpuSentence({ baseline }: Report, group: Group | null): string {
  const own = rowOf(group, SUBJECT)
  if (group === null || own === null) return whyMissing('CPU', group, [SUBJECT])
  const compared = ratioText(own.comparisonOf('cpuSecondsPerGib'), baseline)
  const [ownKernel, baseKernel] = [own, rowOf(group, baseline)].map((row) =>
    milliseconds(row, 'kernelCpuSecondsPerGib'),
  )
  const kernel = ownKernel === null ? '' : `; kernel threads took ${ownKernel} ms${beside(baseKernel, baseline)}`
  return `CPU of ${SUBJECT}: ${milliseconds(own, 'cpuSecondsPerGib')} ms per GiB, ${compared}${kernel}.`
}

function milliseconds(row: SubjectRow | null, measure: string): string | null {
  const seconds = row?.medianOf(measure) ?? null
  return seconds === null ? null : (seconds * 1e3).toFixed(0)
}

function beside(baseKernel: string | null | undefined, baseline: string): string {
  return baseKernel === null || baseKernel === undefined ? '' : ` beside it, and ${baseKernel} ms beside ${baseline}`
}

/** `1.80x of buffered (1.62-1.95: better)` */
function ratioText(comparison: Comparison | null, baseline: string): string {
  if (comparison === null) return `with nothing to compare to (${baseline})`
  const { ratio, verdict } = comparison
  const range = `${ratio.low.toFixed(2)}-${ratio.high.toFixed(2)}`
  return `${formatRatio(ratio.median)} of ${baseline} (${range}: ${verdictWords[verdict]})`
}

const verdictWords: Readonly<Record<Comparison['verdict'], string>> = {
  better: 'better',
  worse: 'worse',
  'no-difference': 'no difference shown',
  'too-few-rounds': 'too few rounds to tell',
  'too-noisy': 'too noisy to tell',
}

function neighbourSentence({ baseline, environment, runs }: Report, group: Group | null): string {
  if (group === null) {
    return 'What a neighbour feels was not measured: --situations neighbour does, and so does the default profile.'
  }
  const hasLimit = runs.some(({ neighbour }) => (neighbour?.limitBytes ?? null) !== null)
  if (!hasLimit) {
    return `The neighbour had no memory limit, which is not permitted: ${String(environment.memoryCgroup)}.`
  }
  const felt = [baseline, SUBJECT, NO_WRITER].flatMap((subject) => {
    const row = rowOf(group, subject)
    const p99Ns = row?.medianOf('neighbourP99Ns') ?? null
    const share = row?.medianOf('neighbourResidentShare') ?? 0
    if (p99Ns === null) return []
    const kept = `${(share * 100).toFixed(0)} % of its data in memory`
    return [`${microseconds(p99Ns)} ${subject === NO_WRITER ? 'without a writer' : `beside ${subject}`} (${kept})`]
  })
  if (felt.length === 0) return 'What a neighbour feels: no run was finished.'
  return `A neighbour that shares a memory limit reads its hot data in (p99): ${felt.join(', ')}.`
}

function microseconds(ns: number): string {
  return ns >= 1e6 ? `${(ns / 1e6).toFixed(1)} ms` : `${(ns / 1e3).toFixed(0)} us`
}

function confidenceSentence({ roundsDone, brokenClaims, drifts, comparisons, notRun, stoppedBy }: Report): string {
  const doubts = [
    ...(stoppedBy === 'signal' ? ['it was interrupted'] : []),
    ...(roundsDone < ROUNDS_MIN ? [`${ROUNDS_MIN} rounds are the fewest that allow a verdict`] : []),
    ...countText(
      comparisons.filter(({ verdict }) => verdict === 'too-noisy').length,
      'ratio is too noisy',
      'ratios are too noisy',
    ),
    ...countText(drifts.length, 'measure drifted', 'measures drifted'),
    ...countText(notRun.filter(({ state }) => state === 'failed').length, 'run failed', 'runs failed'),
    ...countText(brokenClaims.length, 'claim to be uncached is broken', 'claims to be uncached are broken'),
  ]
  const rounds = roundsDone === 1 ? '1 round' : `${roundsDone} rounds`
  const rest =
    doubts.length === 0 ? 'no drift, no failed run, and every claim to be uncached was kept' : doubts.join(', ')
  return `From ${rounds}: ${rest}.`
}

function countText(count: number, one: string, many: string): string[] {
  return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`]
}
