import type { Head, HeadSeries } from '../head/head.ts'
import type { WalWriter } from '../wal/wal-writer.ts'
import { samplesRecords, seriesRecords } from './log-records.ts'

/** Room for the samples of a small scrape, at first. */
const FIRST_CAPACITY = 256

/** Samples that are committed together: logged first, then in the head. */
export class Batch {
  private readonly series: HeadSeries[] = []
  private timestampsMs = new Float64Array(FIRST_CAPACITY)
  private values = new Float64Array(FIRST_CAPACITY)
  /** Records that are still to be logged, and the first of them; `null` before they are made. */
  private records: Iterator<Uint8Array> | null = null
  private next: IteratorResult<Uint8Array> | null = null

  get count(): number {
    return this.series.length
  }

  add(series: HeadSeries, timestampMs: number, value: number): void {
    const { count } = this
    if (count === this.values.length) this.grow()
    this.series.push(series)
    this.timestampsMs[count] = timestampMs
    this.values[count] = value
  }

  /**
   * Logs the samples, and series that the log does not know. After a rejection that may be tried again it goes on with
   * what is not logged yet.
   *
   * @param known series of which the log has a record; those of this batch are added
   */
  async log(wal: WalWriter, known: WeakSet<HeadSeries>): Promise<void> {
    const records = (this.records ??= this.makeRecords(known))
    this.next ??= this.following(records)
    while (this.next.done !== true) {
      const wait = wal.append(this.next.value)
      if (wait !== null) await wait
      this.next = this.following(records)
    }
  }

  private following(records: Iterator<Uint8Array>): IteratorResult<Uint8Array> {
    try {
      return records.next()
    } catch (error) {
      // Its records end here, and not all are logged: another call begins anew.
      this.records = null
      this.next = null
      throw error
    }
  }

  /** Gives the samples to the head, which takes all of them: they were looked at before. */
  applyTo(head: Head): void {
    for (const [i, series] of this.series.entries()) head.append(series, this.timestampsMs[i]!, this.values[i]!)
  }

  private *makeRecords(known: WeakSet<HeadSeries>): Generator<Uint8Array> {
    const { series, timestampsMs, values, count } = this
    const unknown = [...new Set(series)].filter((one) => !known.has(one))
    yield* seriesRecords(unknown)
    for (const one of unknown) known.add(one)
    const refs = Float64Array.from(series, ({ reference }) => reference)
    yield* samplesRecords({ refs, timestampsMs, values, count })
  }

  private grow(): void {
    const [timestampsMs, values] = [this.timestampsMs, this.values]
    this.timestampsMs = new Float64Array(2 * timestampsMs.length)
    this.timestampsMs.set(timestampsMs)
    this.values = new Float64Array(2 * values.length)
    this.values.set(values)
  }
}
