import { createHistogram } from 'node:perf_hooks'
import { latencyOf } from '../measure/latency.ts'
import { requireInEffect } from '../subjects/strategies.ts'
import { ByteBuffer } from '../tsdb/encoding/byte-buffer.ts'
import type { Strategy, SyncPolicy } from '../tsdb/settings.ts'
import { encodeSamples } from '../tsdb/wal/records.ts'
import { replay } from '../tsdb/wal/wal-reader.ts'
import { WalWriter } from '../tsdb/wal/wal-writer.ts'
import type { WorkDone } from './workload.ts'

/** Different records that take turns. A prime number, so that one in another's place is noticed. */
const RECORDS = 7
/** Of a samples record: type, first reference and time; and of each sample: two deltas and the value. */
const RECORD_HEAD_BYTES = 17
const SAMPLE_BYTES = 11
/** Some scrape of long ago. */
const START_MS = 1_700_000_000_000

/** Batches of one samples record each, of about `batchBytes`, until all of them have `bytes`. */
export class WalBatches {
  readonly count: number
  /** Of all records together. */
  readonly byteLength: number
  private readonly records: readonly Buffer[]

  constructor(batchBytes: number, bytes: number) {
    this.records = Array.from({ length: RECORDS }, (_, i) => makeRecord(batchBytes, i))
    let byteLength = 0
    let count = 0
    while (byteLength < bytes) byteLength += this.record(count++).length
    this.count = count
    this.byteLength = byteLength
  }

  record(index: number): Buffer {
    return this.records[index % RECORDS]!
  }
}

function makeRecord(bytes: number, seed: number): Buffer {
  const count = Math.max(1, Math.round((bytes - RECORD_HEAD_BYTES) / SAMPLE_BYTES))
  const refs = Float64Array.from({ length: count }, (_, i) => 1 + i)
  const timestampsMs = Float64Array.from({ length: count }, (_, i) => START_MS + ((i * 7 + seed) % 50))
  const values = Float64Array.from({ length: count }, (_, i) => (i + 1) / (seed + 3))
  const buffer = new ByteBuffer()
  encodeSamples(buffer, { refs, timestampsMs, values, count })
  return buffer.view()
}

/**
 * Writes all batches into a WAL, one after the other, and ends it.
 *
 * @throws {UnsupportedError} when another strategy is in effect
 */
export async function writeBatches(
  folder: string,
  strategy: Strategy,
  sync: SyncPolicy,
  batches: WalBatches,
): Promise<WorkDone> {
  const latency = createHistogram()
  const wal = await WalWriter.open(folder, { strategy, sync })
  try {
    requireInEffect(wal.mode, strategy)
  } catch (error) {
    await wal.end()
    throw error
  }
  for (let i = 0; i < batches.count; i++) {
    const startedAt = process.hrtime.bigint()
    const wait = wal.append(batches.record(i))
    if (wait !== null) await wait
    await wal.commit()
    latency.record(process.hrtime.bigint() - startedAt)
  }
  await wal.end()
  return {
    bytes: batches.byteLength,
    commitLatency: latencyOf(latency),
  }
}

/** @returns `null` when all batches are in the WAL, and nothing else, or what is wrong with it */
export async function checkBatches(folder: string, batches: WalBatches): Promise<string | null> {
  const log = replay(folder)
  let count = 0
  for await (const { bytes, segment, offset } of log) {
    if (count === batches.count) return `there are more than ${batches.count} records`
    if (!bytes.equals(batches.record(count)))
      return `record ${count} (segment ${segment}, byte ${offset}) is another one`
    count++
  }
  if (log.outcome.torn !== null) return `it ends with a torn record: ${log.outcome.torn.why}`
  return count === batches.count ? null : `there are ${count} records instead of ${batches.count}`
}
