import { TsdbError } from '../errors.ts'
import { InputFile, type ReadWay } from '../files/input-file.ts'
import { damageError, isBlank, judgeTail } from './damage.ts'
import type { Damage } from './record-decoder.ts'
import { decodeRecord, type WalRecord } from './records.ts'
import { SegmentReader } from './segment-reader.ts'
import { checkSequence, lastCheckpoint, listSegments, segmentPath, type WalPosition } from './wal-folder.ts'

export interface ReplayOptions {
  /** Number of the segment to begin with, without the checkpoint. Default: the last checkpoint, then what follows it. */
  readonly from?: number
  /** Default: past the page cache. A log is read once. */
  readonly reads?: ReadWay
}

/** A record and where it begins. */
export interface LoggedRecord extends WalPosition {
  readonly record: WalRecord
  /** As it was written. They hold until the next record is asked for. */
  readonly bytes: Buffer
  /** Number of the checkpoint that it is in; `segment` is then one of its files. `null`: it is in the log itself. */
  readonly checkpoint: number | null
}

/** A tail that a crash has left: everything from here on. `cutTorn` removes it. */
export interface TornTail extends WalPosition {
  readonly why: string
  /** Whether whole records stand behind a hole in it. They were written and not yet synced, as what is missing. */
  readonly hasRecords: boolean
}

export interface ReplayOutcome {
  /** Behind the last whole record of the log. */
  readonly end: WalPosition
  /** `null`: the log ends with a whole record. */
  readonly torn: TornTail | null
}

/** A file of the log, or of the checkpoint with this number. */
interface Source {
  readonly path: string
  readonly segment: number
  readonly checkpoint: number | null
}

/** A device is near its full speed, and the memory is little. */
const WINDOW_BYTES = 1024 * 1024

/**
 * Reads a WAL from its beginning to the last whole record. To be iterated once.
 *
 * What a crash leaves at the end of the segment that was written last ends the replay, and `outcome` says where. The one
 * behind it may be there already, empty or zeros, when a crash came while that one was being ended. Everything else that
 * is wrong is corruption, because a segment is durable before a record is written to the next one; and so is anything
 * wrong in a checkpoint, which is durable before it gets its name.
 *
 * Iterating throws {TsdbError}, with file and offset: for corruption ERR_TSDB_BAD_CHECKSUM, ERR_TSDB_MALFORMED,
 * ERR_TSDB_TRUNCATED, ERR_TSDB_BAD_LABELS; for a missing segment ERR_TSDB_MALFORMED; for compressed records
 * ERR_TSDB_UNSUPPORTED. And the kernel's errors: ENOENT without such a folder.
 */
export class Replay implements AsyncIterable<LoggedRecord> {
  #outcome: ReplayOutcome | null = null
  #end: WalPosition = { segment: 0, offset: 0 }

  constructor(
    private readonly folder: string,
    private readonly options: ReplayOptions,
  ) {}

  /** @throws {TsdbError} ERR_TSDB_STATE before the last record was asked for */
  get outcome(): ReplayOutcome {
    if (this.#outcome === null) throw new TsdbError('ERR_TSDB_STATE', 'the replay is not over', { file: this.folder })
    return this.#outcome
  }

  // One generator: one inside another costs a record of few samples more than all the rest.
  async *[Symbol.asyncIterator](): AsyncGenerator<LoggedRecord, void, void> {
    const sources = await this.#sources()
    for (const [index, source] of sources.entries()) {
      const { path, segment, checkpoint } = source
      const reader = await SegmentReader.open(path, this.#reads, WINDOW_BYTES)
      let damage: Damage | null
      try {
        for (;;) {
          const step = reader.next()
          if (step.kind === 'record') {
            const { offset, bytes } = step
            const record = decodeRecord(bytes, path, offset)
            if (checkpoint === null) this.#end = { segment, offset: reader.wholeEnd }
            yield { segment, offset, record, bytes, checkpoint }
          } else if (step.kind === 'damage' || !(await reader.fill(Number.MAX_SAFE_INTEGER))) {
            damage = step.kind === 'damage' ? step : reader.end()
            break
          }
        }
      } finally {
        await reader.close()
      }
      if (damage === null) continue
      const torn = await this.#judge(source, sources.slice(index + 1), reader.wholeEnd, damage)
      this.#outcome = { end: this.#end, torn }
      return
    }
    this.#outcome = { end: this.#end, torn: null }
  }

  get #reads(): ReadWay {
    return this.options.reads ?? 'direct'
  }

  /** The files to be read, in order. */
  async #sources(): Promise<Source[]> {
    const { folder, options } = this
    const checkpoint = options.from === undefined ? await lastCheckpoint(folder) : null
    const sources = checkpoint === null ? [] : await sourcesIn(checkpoint.folder, 0, checkpoint.segment)
    if (checkpoint !== null && sources.length === 0) {
      throw new TsdbError('ERR_TSDB_MALFORMED', 'a checkpoint of nothing', { file: checkpoint.folder })
    }
    const first = checkpoint === null ? (options.from ?? (await listSegments(folder))[0] ?? 0) : checkpoint.segment + 1
    this.#end = { segment: first, offset: 0 }
    return [...sources, ...(await sourcesIn(folder, first, null))]
  }

  /** @throws {TsdbError} unless it is what a crash leaves */
  async #judge(
    { path, segment, checkpoint }: Source,
    later: readonly Source[],
    wholeEnd: number,
    damage: Damage,
  ): Promise<TornTail> {
    if (checkpoint !== null || damage.code === 'ERR_TSDB_UNSUPPORTED') throw damageError(damage, path)
    for (const next of later) {
      if (!(await this.#open(next.path, isBlank))) throw damageError(damage, path)
    }
    const hasRecords = await this.#open(path, (file) => judgeTail(file, wholeEnd, damage))
    const holes = hasRecords ? ', and whole records behind them' : ''
    return { segment, offset: wholeEnd, why: `byte ${damage.offset}: ${damage.why}${holes}`, hasRecords }
  }

  async #open<T>(path: string, look: (file: InputFile) => Promise<T>): Promise<T> {
    const file = await InputFile.open(path, this.#reads)
    try {
      return await look(file)
    } finally {
      await file.close()
    }
  }
}

/** @throws {TsdbError} ERR_TSDB_MALFORMED when one is missing */
async function sourcesIn(folder: string, first: number, checkpoint: number | null): Promise<Source[]> {
  const segments = (await listSegments(folder)).filter((segment) => segment >= first)
  checkSequence(folder, segments, first)
  return segments.map((segment) => ({ path: segmentPath(folder, segment), segment, checkpoint }))
}

/** The records of a WAL: `for await (const { record } of log)`, then `log.outcome`. */
export function replay(folder: string, options: ReplayOptions = {}): Replay {
  return new Replay(folder, options)
}
