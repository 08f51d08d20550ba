import { codeOf } from '../../errors.ts'
import { TsdbError } from '../errors.ts'
import { type ReadWay, readWayOf } from '../files/input-file.ts'
import type { Strategy } from '../settings.ts'
import { damageError } from './damage.ts'
import { decodeRecord } from './records.ts'
import { SegmentReader } from './segment-reader.ts'
import { segmentPath, type WalPosition } from './wal-folder.ts'
import type { LoggedRecord } from './wal-reader.ts'
import type { WalState } from './wal-writer.ts'

/** What a live reader sees of a writer. */
export interface Followed {
  readonly folder: string
  readonly strategy: Strategy
  readonly firstSegment: number
  readonly committed: WalPosition
  readonly state: WalState
  changed(): Promise<void>
}

export interface FollowOptions {
  /** Where a record begins, or will begin. Default: the beginning of the first segment that the writer writes. */
  readonly from?: WalPosition
  /**
   * Default: through the page cache where the writer leaves the records there, past it where not: reading must not bring
   * into the cache what the strategy keeps out.
   */
  readonly reads?: ReadWay
}

/** Four pages: what comes at once is little, and there may be many readers. */
const WINDOW_BYTES = 128 * 1024

/**
 * The records of a writer in the same process as they become committed, from segment to segment, until it has ended and
 * all of them were read. Waits for the writer without asking again and again, and holds it up in no way; there may be
 * several at once. Never looks behind what is committed: there a writer's padding may stand for a moment.
 *
 * @throws {TsdbError} ERR_TSDB_STATE when the segment that comes next was deleted; codes of `replay` for corruption
 * @throws the writer's failure, once everything committed was read; the kernel's error
 */
export async function* follow(writer: Followed, options: FollowOptions = {}): AsyncGenerator<LoggedRecord, void, void> {
  const reads = options.reads ?? readWayOf(writer.strategy)
  let { segment, offset } = options.from ?? { segment: writer.firstSegment, offset: 0 }
  for (;;) {
    if (!(await hasBegun(writer, segment))) return
    const reader = await openSegment(segmentPath(writer.folder, segment), reads, offset)
    try {
      if (!(yield* recordsOf(writer, reader, segment))) return
    } finally {
      await reader.close()
    }
    segment++
    offset = 0
  }
}

/** Waits for a segment; false when it won't come because the writer has ended. */
async function hasBegun(writer: Followed, segment: number): Promise<boolean> {
  for (;;) {
    const changed = writer.changed()
    if (writer.committed.segment >= segment) return true
    if (!goesOn(writer.state)) return false
    await changed
  }
}

/** The records of one segment. Gives whether another one follows. */
async function* recordsOf(
  writer: Followed,
  reader: SegmentReader,
  segment: number,
): AsyncGenerator<LoggedRecord, boolean, void> {
  for (;;) {
    // All at one moment: what is decided below belongs together.
    const changed = writer.changed()
    const { committed, state } = writer
    const isClosed = committed.segment > segment
    yield* recordsUpTo(reader, segment, isClosed ? await reader.byteLength() : committed.offset)
    if (isClosed) return true
    if (!goesOn(state)) return false
    await changed
  }
}

async function* recordsUpTo(
  reader: SegmentReader,
  segment: number,
  limit: number,
): AsyncGenerator<LoggedRecord, void, void> {
  for (;;) {
    const step = reader.next()
    if (step.kind === 'record') {
      const { offset, bytes } = step
      yield { segment, offset, record: decodeRecord(bytes, reader.path, offset), bytes, checkpoint: null }
    } else if (step.kind === 'damage' || !(await reader.fill(limit))) {
      const damage = step.kind === 'damage' ? step : reader.end()
      if (damage !== null) throw damageError(damage, reader.path)
      return
    }
  }
}

/** @throws the writer's failure */
function goesOn(state: WalState): boolean {
  if (state.is === 'failed') throw state.error
  return state.is === 'open'
}

async function openSegment(path: string, reads: ReadWay, offset: number): Promise<SegmentReader> {
  try {
    return await SegmentReader.open(path, reads, WINDOW_BYTES, offset)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    throw new TsdbError('ERR_TSDB_STATE', 'this segment was deleted before it was read', { file: path }, error)
  }
}
