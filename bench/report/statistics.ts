/** The middle value; of an even number of values, the mean of the middle two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of no values')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]!
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2
}

/** `value / base`, or `null` where there is no base or it is zero. */
export function ratio(value: number, base: number | null | undefined): number | null {
  return base === null || base === undefined || base === 0 ? null : value / base
}
