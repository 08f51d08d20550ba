import { ByteBuffer } from '../encoding/byte-buffer.ts'
import type { Head, HeadSeries } from '../head/head.ts'
import { encodeSamples, encodeSeries } from '../wal/records.ts'
import type { WalWriter } from '../wal/wal-writer.ts'

/** Room for the samples of a small scrape, at first. */
const FIRST_CAPACITY = 256

/** Samples that are committed together: logged first, then in the head. */
export class Batch {
  private readonly series: HeadSeries[] = []
  private timestampsMs = new Float64Array(FIRST_CAPACITY)
  private values = new Float64Array(FIRST_CAPACITY)
  /** Records that are still to be logged; `null` before they are made. */
  private records: Buffer[] | null = null

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
    this.records ??= this.makeRecords(known)
    for (let record = this.records[0]; record !== undefined; record = this.records[0]) {
      const wait = wal.append(record)
      if (wait !== null) await wait
      this.records.shift()
    }
  }

  /** Gives the samples to the head, which takes all of them: they were looked at before. */
  applyTo(head: Head): void {
    for (const [i, series] of this.series.entries()) head.append(series, this.timestampsMs[i]!, this.values[i]!)
  }

  private makeRecords(known: WeakSet<HeadSeries>): Buffer[] {
    const { series, timestampsMs, values, count } = this
    const unknown = [...new Set(series)].filter((one) => !known.has(one))
    const records: Buffer[] = []
    if (unknown.length > 0) {
      const buffer = new ByteBuffer()
      encodeSeries(
        buffer,
        unknown.map(({ reference: ref, labels }) => ({ ref, labels })),
      )
      records.push(buffer.view())
      for (const one of unknown) known.add(one)
    }
    const buffer = new ByteBuffer()
    encodeSamples(buffer, { refs: series.map(({ reference }) => reference), timestampsMs, values, count })
    records.push(buffer.view())
    return records
  }

  private grow(): void {
    const [timestampsMs, values] = [this.timestampsMs, this.values]
    this.timestampsMs = new Float64Array(2 * timestampsMs.length)
    this.timestampsMs.set(timestampsMs)
    this.values = new Float64Array(2 * values.length)
    this.values.set(values)
  }
}
