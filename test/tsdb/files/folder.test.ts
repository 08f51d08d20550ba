import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { renameDurably, syncFolder } from '../../../bench/tsdb/files/folder.ts'
import { freshPath, temporaryFolder } from '../../support/folders.ts'
import { codeFrom } from '../../writer/tools.ts'

const folder = temporaryFolder()

it('a file that is renamed is there under its new name only, in place of what was there', async () => {
  const [from, to] = [freshPath(folder), freshPath(folder)]
  writeFileSync(from, 'new')
  writeFileSync(to, 'old')
  await renameDurably(from, to)
  expect(existsSync(from)).toBe(false)
  expect(readFileSync(to, 'utf8')).toBe('new')
})

it('what is not there is neither renamed nor synced', async () => {
  expect(await codeFrom(() => renameDurably(freshPath(folder), freshPath(folder)))).toBe('ENOENT')
  expect(await codeFrom(() => syncFolder(join(folder, 'missing')))).toBe('ENOENT')
  await syncFolder(folder)
})
