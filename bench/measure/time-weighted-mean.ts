/** The mean over time of something that is known at some moments. Between two of them it is taken to go straight. */
export class TimeWeightedMean {
  private firstMs: number | null = null
  private lastMs = 0
  private lastValue = 0
  private area = 0

  /** @param atMs not before the moment of the value before. */
  add(atMs: number, value: number): void {
    if (this.firstMs === null) this.firstMs = atMs
    else this.area += ((this.lastValue + value) / 2) * (atMs - this.lastMs)
    this.lastMs = atMs
    this.lastValue = value
  }

  /** The last value when no time has passed, 0 without any. */
  value(): number {
    const tookMs = this.lastMs - (this.firstMs ?? 0)
    return this.firstMs === null || tookMs === 0 ? this.lastValue : this.area / tookMs
  }
}
