/**
 * One round: everything in every group, once. In each round the groups begin with another member, so that what changes
 * slowly (a disk that warms up, a neighbour on the host) does not always hit the same one, and so that nobody always runs
 * after the same other.
 *
 * @param round counted from 1
 * @param groups who is compared with each other
 */
export function planRound<Cell>(round: number, groups: readonly (readonly Cell[])[]): Cell[] {
  return groups.flatMap((group) => {
    const first = (round - 1) % Math.max(1, group.length)
    return [...group.slice(first), ...group.slice(0, first)]
  })
}
