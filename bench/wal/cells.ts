/** One cell of the table: a WAL of one strategy, written in batches of one size under one sync policy. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlockDevice, readDeviceBytes } from '../measure/device-io.ts'
import { median } from '../report/statistics.ts'
import type { Strategy, SyncPolicy } from '../tsdb/settings.ts'
import { KIB, MIB } from '../units.ts'
import { checkBatches, WalBatches, writeBatches } from '../workloads/wal-batches.ts'

/** From a scrape of three series to one of a large target in one batch. */
export const batchSizes: readonly number[] = [50, 200, KIB, 4 * KIB, 64 * KIB, MIB]

export type Sync = Exclude<SyncPolicy, object>
export const syncs: readonly Sync[] = ['never', 'every-batch']

/** Enough commits for a 99th percentile, not so many that a round takes a minute. */
const COMMITS = 1000
/** Of large batches there are fewer: 64 MiB are half of a segment. */
const BYTES_MAX = 64 * MIB

export interface Cell {
  readonly strategy: Strategy
  readonly batchBytes: number
  readonly sync: Sync
}

export interface CellRun {
  readonly p50Ns: number
  readonly p99Ns: number
  readonly bytesPerSecond: number
  readonly cpuNsPerCommit: number
  /** What the device wrote for each byte of a record; `null` where that cannot be told. */
  readonly deviceBytesPerByte: number | null
}

/**
 * Writes the WAL, checks it and removes it.
 *
 * @throws when it does not hold what was written; what the writer throws
 */
export async function runCell(cell: Cell, folder: string, device: BlockDevice | null): Promise<CellRun> {
  const path = join(folder, 'wal')
  const bytes = Math.min(COMMITS * cell.batchBytes, BYTES_MAX)
  const batches = new WalBatches(cell.batchBytes, bytes)
  try {
    const before = device === null ? null : await readDeviceBytes(device)
    const cpuAtStart = process.cpuUsage()
    const startedAtMs = performance.now()
    const { commitLatency } = await writeBatches(path, cell.strategy, cell.sync, batches)
    const seconds = (performance.now() - startedAtMs) / 1e3
    const { user, system } = process.cpuUsage(cpuAtStart)
    const after = device === null ? null : await readDeviceBytes(device)
    const wrong = await checkBatches(path, batches)
    if (wrong !== null) throw new Error(`the WAL is wrong: ${wrong}`)
    return {
      p50Ns: commitLatency?.p50Ns ?? 0,
      p99Ns: commitLatency?.p99Ns ?? 0,
      bytesPerSecond: batches.byteLength / seconds,
      cpuNsPerCommit: ((user + system) * 1e3) / batches.count,
      deviceBytesPerByte:
        after === null || before === null ? null : (after.writtenBytes - before.writtenBytes) / batches.byteLength,
    }
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

/** The medians of several runs of one cell. */
export function mediansOf(runs: readonly CellRun[]): CellRun {
  const of = (valueOf: (run: CellRun) => number) => median(runs.map(valueOf))
  return {
    p50Ns: of((run) => run.p50Ns),
    p99Ns: of((run) => run.p99Ns),
    bytesPerSecond: of((run) => run.bytesPerSecond),
    cpuNsPerCommit: of((run) => run.cpuNsPerCommit),
    deviceBytesPerByte: runs.some((run) => run.deviceBytesPerByte === null)
      ? null
      : of((run) => run.deviceBytesPerByte ?? 0),
  }
}
