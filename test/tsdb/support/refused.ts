import { expect } from 'vitest'
import { compactBlocks } from '../../../bench/tsdb/compaction/compact.ts'
import { hashesOf } from './block-files.ts'
import { settingsOf } from './blocks.ts'

/** Asserts that blocks can't be compacted, for what reason, and that every file of the data folder is as it was. */
export async function expectRefused(dataFolder: string, ulids: readonly string[], expected: object): Promise<void> {
  const before = hashesOf(dataFolder)
  const error: unknown = await compactBlocks(dataFolder, ulids, settingsOf('direct')).then(
    () => 'the blocks were compacted',
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject(expected)
  expect(hashesOf(dataFolder)).toEqual(before)
  if (!('file' in expected)) return
  expect((error as Error).message).toContain(expected.file)
  if ('offset' in expected) expect((error as Error).message).toContain(` at byte ${String(expected.offset)}: `)
}
