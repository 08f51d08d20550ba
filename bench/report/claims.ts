/** What subjects claim about the page cache, held against what was measured. */
import type { BrokenClaim } from '../schema/report.ts'
import type { RunFigures } from '../schema/run.ts'
import type { ResidencyClaim } from '../subjects/subject.ts'
import { formatBytes, KIB } from '../units.ts'
import { workloadNamed } from '../workloads/index.ts'
import { runsByPlace } from './runs-by.ts'

export interface ClaimingSubject {
  readonly name: string
  readonly claim: ResidencyClaim | null
}

/** All claims that were not kept, by subject, workload and situation. */
export function findBrokenClaims(runs: readonly RunFigures[], subjects: readonly ClaimingSubject[]): BrokenClaim[] {
  return runsByPlace(runs).flatMap(({ workload, situation, runs: here }) =>
    subjects.flatMap(({ name, claim }) => {
      const own = here.filter(({ subject }) => subject === name)
      const broken = claim === null ? [] : brokenClaims(own, claim)
      return broken.map((what) => ({ subject: name, workload, situation, what }))
    }),
  )
}

/** A claim holds for every round, so it is the worst one that is looked at. */
export function brokenClaims(runs: readonly RunFigures[], claim: ResidencyClaim): string[] {
  const broken: string[] = []
  const residualShare = Math.max(0, ...runs.map((run) => run.footprint.residualBytes / run.bytes))
  const residualBytes = Math.max(0, ...runs.map((run) => run.footprint.residualBytes))
  // "Less than 5 %" for those that leave something, "nothing" for those that leave nothing.
  if (claim.residualShareMax === 0 ? residualShare > 0 : residualShare >= claim.residualShareMax) {
    const allowed = claim.residualShareMax === 0 ? 'nothing' : `less than ${claim.residualShareMax * 100} %`
    broken.push(`left ${formatBytes(residualBytes)} (${percent(residualShare)}) in the page cache, not ${allowed}`)
  }
  const peakBytes = Math.max(0, ...runs.map((run) => run.footprint.peakBytes))
  if (peakBytes > (claim.peakBytesMax ?? Infinity)) {
    broken.push(`had ${kib(peakBytes)} in the page cache, not ${kib(claim.peakBytesMax ?? 0)} at most`)
  }
  const hidden = Math.max(0, ...runs.map(hiddenCacheBytes))
  if (broken.length === 0 && hidden > 0) {
    broken.push(
      `was charged with ${formatBytes(hidden)} of page cache that its file does not show: the file system hides it`,
    )
  }
  return broken
}

/** Of a file's length. Below it is what the kernel's own bookkeeping and the moments of sampling come to. */
const HIDDEN_SHARE_MIN = 0.5

/**
 * Page cache that the run's cgroup was charged with and the file does not show, as on overlayfs, where the pages are another
 * file's. Only of runs that write one file: what others have in the cache beside it is no secret.
 */
export function hiddenCacheBytes({ workload, situation, bytes, footprint, memory }: RunFigures): number {
  if (memory === null || situation !== 'alone' || !workloadNamed(workload).writesOneFile) return 0
  const bytesUnseen = memory.cachePeakBytes - footprint.peakBytes
  return bytesUnseen >= bytes * HIDDEN_SHARE_MIN ? bytesUnseen : 0
}

/** One page too many is too many, and would not show in MiB. */
function kib(bytes: number): string {
  return `${Math.ceil(bytes / KIB)} KiB`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
