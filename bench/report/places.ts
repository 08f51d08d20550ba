/** What is told apart by where it was run: the same workload on another file system goes by another name. */
import type { BrokenClaim, Place, Report } from '../schema/report.ts'

/** `large on btrfs` */
export function nameAt(workload: string, place: string): string {
  return `${workload} on ${place}`
}

/** All claims that are broken, wherever. */
export function allBrokenClaims({ brokenClaims, places }: Pick<Report, 'brokenClaims' | 'places'>): BrokenClaim[] {
  return [...brokenClaims, ...places.flatMap(brokenAt)]
}

function brokenAt({ name, brokenClaims }: Place): BrokenClaim[] {
  return brokenClaims.map((claim) => ({ ...claim, workload: nameAt(claim.workload, name) }))
}
