import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanUp, listBlocks } from '../block/folders.ts'
import { type Place, TsdbError } from '../errors.ts'
import { type ReadWay } from '../files/input-file.ts'
import type { Head, HeadSeries } from '../head/head.ts'
import type { WalRecord } from '../wal/records.ts'
import { cutTorn } from '../wal/repair.ts'
import { checkpointFolder, segmentPath } from '../wal/wal-folder.ts'
import { replay, type TornTail } from '../wal/wal-reader.ts'

/** What was found when a database was opened. */
export interface Recovery {
  /** Names of folders that a process that died had left, and that were removed. */
  readonly removed: readonly string[]
  /** Samples of the WAL that are in the head again. */
  readonly replayedSamples: number
  /** Samples of the WAL that are in blocks already. */
  readonly samplesInBlocks: number
  /** Samples of series that the WAL does not name, or not newer than the one before: other programs' logs have such. */
  readonly droppedSamples: number
  /** Records of kinds that were passed over, because nothing of them is in blocks: exemplars, metadata. */
  readonly otherRecords: number
  /** Where the WAL broke off in the middle of a record; what was behind its last whole record is cut off. `null`: nowhere. */
  readonly torn: TornTail | null
}

/**
 * Brings a data folder in order and its WAL into the head.
 *
 * @param known gets the series of which the log has a record
 * @throws {TsdbError} for blocks without meta.json, for a WAL that is broken elsewhere than at its end or has records of
 *   deletions or histograms, for a log of samples out of order; the kernel's
 *   error
 */
export async function recover(
  dataFolder: string,
  walFolder: string,
  reads: ReadWay,
  head: Head,
  known: WeakSet<HeadSeries>,
): Promise<Recovery> {
  await refuseOutOfOrderLog(dataFolder)
  const removed = await cleanUp(dataFolder)
  for (const { maxTime } of await listBlocks(dataFolder)) head.minValidTimeMs = Math.max(head.minValidTimeMs, maxTime)
  const replayed = new Replayed(head, known)
  let torn: TornTail | null = null
  if (existsSync(walFolder)) {
    const log = replay(walFolder, { reads })
    for await (const { record, segment, offset, checkpoint } of log) {
      const folder = checkpoint === null ? walFolder : checkpointFolder(walFolder, checkpoint)
      replayed.take(record, { file: segmentPath(folder, segment), offset })
    }
    torn = log.outcome.torn
    if (torn !== null) await cutTorn(walFolder, torn)
  }
  const { replayedSamples, samplesInBlocks, droppedSamples, otherRecords } = replayed
  return { removed, replayedSamples, samplesInBlocks, droppedSamples, otherRecords, torn }
}

/**
 * Prometheus logs samples that come out of order on their own. They are not handled here, and without them the samples
 * would look complete.
 */
async function refuseOutOfOrderLog(dataFolder: string): Promise<void> {
  const folder = join(dataFolder, 'wbl')
  if (!existsSync(folder)) return
  for (const name of await readdir(folder)) {
    const file = join(folder, name)
    if ((await stat(file)).size === 0) continue
    throw new TsdbError('ERR_TSDB_UNSUPPORTED', 'a log of samples out of order (wbl)', { file })
  }
}

/** Exemplars, marks of chunks mapped into memory, and metadata: nothing of them is in blocks. */
const typesPassedOver: ReadonlySet<number> = new Set([4, 5, 6])

class Replayed {
  replayedSamples = 0
  samplesInBlocks = 0
  droppedSamples = 0
  otherRecords = 0
  private readonly series = new Map<number, HeadSeries>()

  constructor(
    private readonly head: Head,
    private readonly known: WeakSet<HeadSeries>,
  ) {}

  /** @throws {TsdbError} ERR_TSDB_UNSUPPORTED for a record that is about samples and not handled here */
  take(record: WalRecord, place: Place): void {
    if (record.kind === 'other') this.passOver(record.type, place)
    else if (record.kind === 'samples') this.takeSamples(record)
    else {
      for (const { ref, labels } of record.series) {
        const series = this.head.restore(ref, labels)
        this.series.set(ref, series)
        // Otherwise the log names it by another reference than the head does.
        if (series.reference === ref) this.known.add(series)
      }
    }
  }

  private passOver(type: number, place: Place): void {
    if (!typesPassedOver.has(type)) {
      // The log is cut down to what the head holds: samples would be lost, or deleted ones come back.
      throw new TsdbError('ERR_TSDB_UNSUPPORTED', `a record of type ${type}, which is not handled here`, place)
    }
    this.otherRecords++
  }

  private takeSamples({ refs, timestampsMs, values, count }: WalRecord & { readonly kind: 'samples' }): void {
    const { head } = this
    for (let i = 0; i < count; i++) {
      const series = this.series.get(refs[i]!)
      const timestampMs = timestampsMs[i]!
      if (timestampMs < head.minValidTimeMs) {
        this.samplesInBlocks++
      } else if (series === undefined || head.refusalOf(series, timestampMs) !== null) {
        this.droppedSamples++
      } else {
        head.append(series, timestampMs, values[i]!)
        this.replayedSamples++
      }
    }
  }
}
