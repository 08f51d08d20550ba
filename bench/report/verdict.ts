import type { Interval, Verdict } from '../schema/report.ts'

/** With fewer, no interval covers what it says: of four values it is 87.5 % at most. */
export const ROUNDS_MIN = 5
/** An interval from 0.8 to 1.25 of its middle, or wider: what is in it could be a change that anybody would call large. */
const HIGH_TO_LOW_MAX = 1.25 / 0.8

/** What the interval of a ratio allows to say. It has to be on one side of 1 with all of it. */
export function verdictOf({ low, high, count }: Interval, better: 'higher' | 'lower'): Verdict {
  if (count < ROUNDS_MIN) return 'too-few-rounds'
  if (low > 1) return better === 'higher' ? 'better' : 'worse'
  if (high < 1) return better === 'lower' ? 'better' : 'worse'
  return high > low * HIGH_TO_LOW_MAX ? 'too-noisy' : 'no-difference'
}
