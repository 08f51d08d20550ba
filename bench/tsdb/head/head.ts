import { CHUNK_SAMPLES, Samples, TIME_MS_MAX } from '../chunks/samples.ts'
import { encodeXor, xorBytesMax } from '../chunks/xor.ts'
import { TsdbError } from '../errors.ts'
import { formatLabels, type Labels, labelsKey } from '../labels.ts'

/** A chunk that is complete and not in a block yet. */
export interface HeadChunk {
  readonly minTimeMs: number
  readonly maxTimeMs: number
  readonly count: number
  readonly data: Uint8Array
}

/** A series with the samples that are not in a block yet. */
export interface HeadSeries {
  /** Counted from 1, as Prometheus does: 0 is no reference. */
  readonly reference: number
  readonly labels: Labels
  /** In the order of time; none reaches over the border of two block ranges. */
  chunks: HeadChunk[]
  /** The samples that do not make a chunk yet. */
  readonly open: Samples
  lastTimeMs: number
  /** The time of the newest sample that was accepted to be appended later on; whoever does that keeps it. */
  lastAcceptedMs: number
  /** The head has forgotten it: it had no samples left. */
  isForgotten: boolean
}

/** Encoded chunks are laid into memory of this size, one behind the other: an ArrayBuffer for each would take as much again. */
const ARENA_BYTES = 1024 * 1024

/** The samples of the last hours, in memory: chunks of 120, encoded as soon as they are full. */
export class Head {
  private readonly byKey = new Map<string, HeadSeries>()
  private readonly byReference = new Map<number, HeadSeries>()
  private lastReference = 0
  private arena = new Uint8Array(0)
  private arenaUsed = 0
  /** Samples before this are in blocks, or were never taken. */
  minValidTimeMs = -Infinity

  /** @param blockRangeMs blocks begin at multiples of it */
  constructor(private readonly blockRangeMs: number) {}

  get seriesCount(): number {
    return this.byReference.size
  }

  /** All series, in the order in which they came. */
  get series(): HeadSeries[] {
    return [...this.byReference.values()]
  }

  /** The series of these labels, made when it is new. */
  seriesOf(labels: Labels): HeadSeries {
    const key = labelsKey(labels)
    const known = this.byKey.get(key)
    if (known !== undefined) return known
    this.lastReference++
    return this.add(this.lastReference, labels, key)
  }

  /** A series of a WAL that is replayed, with the reference that it has there. Known labels keep the one they have. */
  restore(reference: number, labels: Labels): HeadSeries {
    this.lastReference = Math.max(this.lastReference, reference)
    const key = labelsKey(labels)
    return this.byKey.get(key) ?? this.add(reference, labels, key)
  }

  private add(reference: number, labels: Labels, key: string): HeadSeries {
    const series: HeadSeries = {
      reference,
      labels,
      chunks: [],
      open: new Samples(CHUNK_SAMPLES),
      lastTimeMs: -Infinity,
      lastAcceptedMs: -Infinity,
      isForgotten: false,
    }
    this.byKey.set(key, series)
    this.byReference.set(reference, series)
    return series
  }

  /**
   * Whether a sample may be appended.
   *
   * @param lastMs of the sample before in its series, `fromMs` the oldest time that is taken: those of the head
   * @returns `null`, or the error: ERR_TSDB_OUT_OF_ORDER, ERR_TSDB_DUPLICATE_SAMPLE
   */
  refusalOf(
    series: HeadSeries,
    timestampMs: number,
    lastMs = series.lastTimeMs,
    fromMs = this.minValidTimeMs,
  ): TsdbError | null {
    if (!Number.isInteger(timestampMs) || Math.abs(timestampMs) > TIME_MS_MAX) {
      const what = `${timestampMs} is no time in whole milliseconds, within 2^52 of 1970`
      return new TsdbError('ERR_TSDB_OUT_OF_ORDER', what)
    }
    if (timestampMs > lastMs && timestampMs >= fromMs) return null
    const name = formatLabels(series.labels)
    if (timestampMs === lastMs) {
      return new TsdbError('ERR_TSDB_DUPLICATE_SAMPLE', `${name} has a sample of ${timestampMs} already`)
    }
    const what = `${name} is at ${Math.max(lastMs, fromMs)}: a sample of ${timestampMs} is too old`
    return new TsdbError('ERR_TSDB_OUT_OF_ORDER', what)
  }

  /**
   * Takes a sample. Of a series that was forgotten meanwhile, the one of the same labels takes it, which has to be looked up
   * each time: whoever keeps series asks `seriesOf` again for those.
   *
   * @throws {TsdbError} as `refusalOf`
   */
  append(series: HeadSeries, timestampMs: number, value: number): void {
    if (series.isForgotten) return this.append(this.seriesOf(series.labels), timestampMs, value)
    const refusal = this.refusalOf(series, timestampMs)
    if (refusal !== null) throw refusal
    const { open } = series
    if (
      open.count > 0 &&
      (open.count === CHUNK_SAMPLES || this.rangeOf(timestampMs) !== this.rangeOf(open.timestampsMs[0]!))
    ) {
      this.complete(series)
    }
    open.timestampsMs[open.count] = timestampMs
    open.values[open.count] = value
    open.count++
    series.lastTimeMs = timestampMs
  }

  /** The beginning of the block range that a time is in. */
  rangeOf(timestampMs: number): number {
    return Math.floor(timestampMs / this.blockRangeMs) * this.blockRangeMs
  }

  /** The beginnings of all block ranges that have samples, the oldest first. */
  ranges(): number[] {
    const ranges = new Set<number>()
    for (const { chunks, open } of this.byReference.values()) {
      for (const { minTimeMs } of chunks) ranges.add(this.rangeOf(minTimeMs))
      if (open.count > 0) ranges.add(this.rangeOf(open.timestampsMs[0]!))
    }
    return [...ranges].toSorted((a, b) => a - b)
  }

  /** The chunks of a series with samples before `endMs`, the border of a range; what is open there is completed. */
  chunksBefore(series: HeadSeries, endMs: number): HeadChunk[] {
    if (series.open.count > 0 && series.open.timestampsMs[0]! < endMs) this.complete(series)
    return series.chunks.filter(({ minTimeMs }) => minTimeMs < endMs)
  }

  /**
   * Forgets all samples before `endMs`, the border of a range, which are in a block now, and series that have none
   * left and are to get none.
   */
  forget(endMs: number): void {
    this.minValidTimeMs = Math.max(this.minValidTimeMs, endMs)
    for (const series of this.byReference.values()) {
      series.chunks = series.chunks.filter(({ minTimeMs }) => minTimeMs >= endMs)
      if (series.open.count > 0 && series.open.timestampsMs[0]! < endMs) series.open.count = 0
      if (series.chunks.length > 0 || series.open.count > 0 || series.lastAcceptedMs >= endMs) continue
      series.isForgotten = true
      this.byKey.delete(labelsKey(series.labels))
      this.byReference.delete(series.reference)
    }
  }

  /** Encodes the open samples. */
  private complete(series: HeadSeries): void {
    const { open } = series
    const { count, timestampsMs } = open
    const needed = xorBytesMax(count)
    if (this.arenaUsed + needed > this.arena.length) {
      this.arena = new Uint8Array(ARENA_BYTES)
      this.arenaUsed = 0
    }
    const end = encodeXor(open, this.arena, this.arenaUsed)
    const data = this.arena.subarray(this.arenaUsed, end)
    this.arenaUsed = end
    series.chunks.push({ minTimeMs: timestampsMs[0]!, maxTimeMs: timestampsMs[count - 1]!, count, data })
    open.count = 0
  }
}
