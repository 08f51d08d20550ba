import type { RunPlan } from './result.ts'

/** A workload as far as planning goes. */
export interface PlannedWorkload {
  readonly name: string
  readonly bytes: number
  /** Who can do it; all where that is not said. */
  readonly subjects?: readonly string[]
}

/**
 * One round: every subject on every workload, once. Each round begins with another subject, so that what changes
 * slowly (a disk that warms up, a neighbour on the host) does not always hit the same one, and so that no subject
 * always runs after the same other.
 */
export function planRound(
  round: number,
  subjects: readonly string[],
  workloads: readonly PlannedWorkload[],
): RunPlan[] {
  const first = (round - 1) % Math.max(1, subjects.length)
  const rotated = [...subjects.slice(first), ...subjects.slice(0, first)]
  return workloads.flatMap((workload) =>
    rotated
      .filter((subject) => workload.subjects?.includes(subject) ?? true)
      .map((subject) => ({ subject, workload: workload.name, round, bytes: workload.bytes })),
  )
}
