import { open } from 'node:fs/promises'
import { TsdbError } from '../errors.ts'
import { InputFile } from '../files/input-file.ts'
import { isBlank } from './damage.ts'
import { listSegments, segmentPath, type WalPosition } from './wal-folder.ts'

/**
 * Cuts the tail off that a crash has left, durably, so that a next segment can follow: to Prometheus, and to the reader
 * here, a torn record is the end of the log only in its last segment. A segment behind it in which there is nothing yet
 * is emptied as well. To be called before a new writer is opened; when it dies half-way, it can be called again after
 * another replay.
 *
 * @param torn of the outcome of a replay of the log as it is
 * @throws {TsdbError} ERR_TSDB_STATE when the segment is shorter than that, or records follow in a later one
 */
export async function cutTorn(folder: string, torn: WalPosition): Promise<void> {
  const later = (await listSegments(folder)).filter((segment) => segment > torn.segment)
  for (const segment of later) await assertBlank(segmentPath(folder, segment))
  // Last first: whenever this stops, the next replay finds nothing behind what is torn.
  for (const segment of later.toReversed()) await cut(segmentPath(folder, segment), 0)
  await cut(segmentPath(folder, torn.segment), torn.offset)
}

async function assertBlank(path: string): Promise<void> {
  const file = await InputFile.open(path, 'direct')
  try {
    if (await isBlank(file)) return
    throw new TsdbError('ERR_TSDB_STATE', 'this segment has records behind what is to be cut off', { file: path })
  } finally {
    await file.close()
  }
}

async function cut(path: string, byteLength: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const { size } = await file.stat()
    if (size < byteLength) {
      const what = `the segment is to be cut to ${byteLength} bytes, and has ${size}`
      throw new TsdbError('ERR_TSDB_STATE', what, { file: path })
    }
    await file.truncate(byteLength)
    await file.sync()
  } finally {
    await file.close()
  }
}
