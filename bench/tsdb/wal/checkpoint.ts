import { rm } from 'node:fs/promises'
import { TsdbError } from '../errors.ts'
import { renameDurably, syncFolder } from '../files/folder.ts'
import {
  checkpointFolder,
  deleteCovered,
  lastCheckpoint,
  listSegments,
  removeTemporary,
  segmentPath,
  temporaryCheckpointFolder,
} from './wal-folder.ts'
import { type WalOptions, WalWriter } from './wal-writer.ts'

export interface CheckpointOptions extends Pick<WalOptions, 'strategy' | 'segmentBytes'> {}

/**
 * Writes a checkpoint: records that stand from now on for all segments up to one, and for the checkpoint before. Then
 * deletes those. Segment by segment as the log itself, in `checkpoint.00000005`, which has that name when all of it is
 * durable and not before: whenever the process dies, a replay finds the old log or the new one, and the next writer or
 * checkpoint clears up the rest.
 *
 * @param upToSegment the segment behind it has to be there, so that a log is never without segments: Prometheus would
 *   begin a new one at 0
 * @param records what is still needed of those segments and of the last checkpoint, in order
 * @throws {TsdbError} ERR_TSDB_STATE when there is such a checkpoint or a later one, or no segment behind; what the
 *   writer throws. Nothing has changed then, unless old files could not be deleted: the next one deletes them.
 */
export async function writeCheckpoint(
  folder: string,
  upToSegment: number,
  records: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: CheckpointOptions,
): Promise<void> {
  for await (const step of checkpointSteps(folder, upToSegment, records, options)) void step
}

/**
 * {@link writeCheckpoint}, step by step: a process may die between any two of them.
 *
 * @yields before each step that changes something, what it is
 */
export async function* checkpointSteps(
  folder: string,
  upToSegment: number,
  records: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: CheckpointOptions,
): AsyncGenerator<string, void, void> {
  await assertPossible(folder, upToSegment)
  yield 'remove what others left'
  await removeTemporary(folder)
  const temporary = temporaryCheckpointFolder(folder, upToSegment)
  yield 'write the records'
  await writeRecords(temporary, records, options)
  yield 'sync the new folder'
  await syncFolder(temporary)
  yield 'rename it'
  await renameDurably(temporary, checkpointFolder(folder, upToSegment))
  yield* deleteCovered(folder)
}

async function assertPossible(folder: string, upToSegment: number): Promise<void> {
  const last = await lastCheckpoint(folder)
  if (last !== null && last.segment >= upToSegment) {
    throw new TsdbError('ERR_TSDB_STATE', `a checkpoint up to segment ${upToSegment} is there`, { file: last.folder })
  }
  const segments = await listSegments(folder)
  if (segments.includes(upToSegment + 1)) return
  const what = `a checkpoint up to ${upToSegment} needs this segment behind it`
  throw new TsdbError('ERR_TSDB_STATE', what, { file: segmentPath(folder, upToSegment + 1) })
}

/** Everything in the folder is durable then. On failure the folder is removed: its space may be what is missing. */
async function writeRecords(
  temporary: string,
  records: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: CheckpointOptions,
): Promise<void> {
  try {
    // Nothing is committed in between, so nothing is ever cut: without preallocation it takes no more than it needs.
    const writer = await WalWriter.open(temporary, { ...options, preallocate: false })
    try {
      for await (const record of records) await writer.append(record)
      await writer.end()
    } catch (error) {
      await writer.fail(error)
      throw error
    }
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw error
  }
}
