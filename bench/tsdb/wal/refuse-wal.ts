import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TsdbError } from '../errors.ts'
import { lastCheckpoint, listSegments, segmentPath, WAL_FOLDER } from './wal-folder.ts'

/**
 * Refuses to add blocks from outside to a folder with a log that holds something. Ours and a Prometheus server take the
 * samples of a log that are older than the newest block for those of blocks: they would be lost.
 *
 * @throws {TsdbError} ERR_TSDB_STATE
 */
export async function refuseWal(dataFolder: string): Promise<void> {
  const folder = join(dataFolder, WAL_FOLDER)
  if (!existsSync(folder)) return
  let isEmpty = (await lastCheckpoint(folder)) === null
  for (const segment of await listSegments(folder)) isEmpty &&= (await stat(segmentPath(folder, segment))).size === 0
  if (isEmpty) return
  const what = 'this data folder has a log of samples, which blocks from outside would hide: take another folder'
  throw new TsdbError('ERR_TSDB_STATE', what, { file: folder })
}
