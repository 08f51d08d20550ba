import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'

/** A folder on the disk (TMPDIR), removed when the test that made it, or else the file's tests, are through. */
export function temporaryFolder(parent: string = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'uncached-io-test-'))
  whenDone(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function whenDone(work: () => void): void {
  try {
    onTestFinished(work)
  } catch {
    // Not called by a test but by its file.
    afterAll(work)
  }
}

let count = 0

/** A path in `folder` that no other test has. */
export function freshPath(folder: string, name = 'file'): string {
  return join(folder, `${name}-${count++}`)
}
