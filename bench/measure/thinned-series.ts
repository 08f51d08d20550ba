/** A point of a curve: milliseconds since its beginning, and bytes. */
export type Point = readonly [atMs: number, bytes: number]

/** As many as a chart can show. */
const POINTS_MAX = 120

/**
 * Keeps a curve in few points, however long it takes. When there are too many, two neighbours become one: the larger of
 * them, so that a peak stays to be seen.
 */
export class ThinnedSeries {
  private points: Point[] = []
  /** How many samples come together in one point. */
  private perPoint = 1
  private inLast = 0

  add(atMs: number, bytes: number): void {
    const last = this.points.at(-1)
    if (last !== undefined && this.inLast < this.perPoint) {
      this.points[this.points.length - 1] = larger(last, [atMs, bytes])
      this.inLast++
      return
    }
    if (this.points.length === POINTS_MAX) this.halve()
    this.points.push([atMs, bytes])
    this.inLast = 1
  }

  /** In the order of time. */
  value(): readonly Point[] {
    return this.points
  }

  private halve(): void {
    this.points = this.points.flatMap((point, index) => {
      const next = this.points[index + 1]
      return index % 2 === 1 ? [] : [next === undefined ? point : larger(point, next)]
    })
    this.perPoint *= 2
  }
}

function larger(a: Point, b: Point): Point {
  return b[1] > a[1] ? b : a
}
