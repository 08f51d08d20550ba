/** Ratios taken pair by pair: what changes from round to round (the disk, the neighbours) is in both numbers. */
import { median, ratio } from './statistics.ts'

interface OfRound {
  readonly round: number
}

/** Ratios over all pairs. */
export interface PairedRatio {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly pairs: number
}

/** Each run with the one of the base in the same round; those without are left out. */
export function pairsOf<Run extends OfRound, Base extends OfRound>(
  runs: readonly Run[],
  base: readonly Base[],
): [run: Run, partner: Base][] {
  return runs.flatMap((run): [Run, Base][] => {
    const partner = base.find(({ round }) => round === run.round)
    return partner === undefined ? [] : [[run, partner]]
  })
}

/**
 * The ratios of `runs` to those of `base` in the same round.
 *
 * @param valueOf the number that is compared
 * @returns `null` when there is not one pair.
 */
export function pairedRatio<Run extends OfRound, Base extends OfRound>(
  runs: readonly Run[],
  base: readonly Base[],
  valueOf: (run: Run | Base) => number,
): PairedRatio | null {
  const ratios = pairsOf(runs, base)
    .map(([run, partner]) => ratio(valueOf(run), valueOf(partner)))
    .filter((found) => found !== null)
  if (ratios.length === 0) return null
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios), pairs: ratios.length }
}

/** What is smaller is told by its first digit. */
const SMALL_RATIO = 0.01

/** `0.97x`, or `-` where there is none. */
export function formatRatio(value: number | null | undefined): string {
  if (value === null || value === undefined) return '-'
  return value > 0 && value < SMALL_RATIO ? `${Number(value.toPrecision(1))}x` : `${value.toFixed(2)}x`
}

/** The median with the range it comes from: `0.97x (0.91-1.02)`. */
export function formatPairedRatio(found: PairedRatio | null): string {
  if (found === null) return '-'
  const range = found.pairs > 1 ? ` (${found.min.toFixed(2)}-${found.max.toFixed(2)})` : ''
  return `${formatRatio(found.median)}${range}`
}
