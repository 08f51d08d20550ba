import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** A folder of this test file's own on the disk (TMPDIR), removed when the file's tests are through. */
export function temporaryFolder(parent: string = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'uncached-io-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

let count = 0

/** A path in `folder` that no other test has. */
export function freshPath(folder: string, name = 'file'): string {
  return join(folder, `${name}-${count++}`)
}
