import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { dropPages } from '../../bench/measure/drop-pages.ts'
import { residentBytesOf } from '../../bench/measure/footprint.ts'
import { readBack } from '../../bench/measure/read-back.ts'
import { packageFolder } from '../../bench/package.ts'
import { MIB } from '../../bench/units.ts'
import { demandFileSystemsInCI, mounted, named, whyNot } from '../filesystem/file-systems.ts'

demandFileSystemsInCI()

// On the project's own file system: the system's temporary folder may be one that has no other place for its pages.
const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))
const never = new AbortController().signal

function durableFile(path: string): string {
  const file = openSync(path, 'w')
  writeSync(file, Buffer.alloc(4 * MIB, 1))
  fsyncSync(file)
  closeSync(file)
  return path
}

describe('dropPages', () => {
  it('drops the pages of a file that is durable', async () => {
    const path = durableFile(join(folder, 'dropped'))
    expect(await residentBytesOf(path)).toBe(4 * MIB)
    await dropPages(path)
    expect(await residentBytesOf(path)).toBe(0)
  })
})

describe('readBack', () => {
  it('reads as left, cold and warm, and leaves the file in the page cache', async () => {
    const path = durableFile(join(folder, 'read'))
    const read = await readBack(path, 1, never)
    for (const seconds of Object.values(read ?? {})) expect(seconds).toBeGreaterThan(0)
    expect(Object.keys(read ?? {})).toEqual(['asLeftSeconds', 'coldSeconds', 'warmSeconds'])
    expect(await residentBytesOf(path)).toBe(4 * MIB)
  })

  it('takes what nothing is left of for cold', async () => {
    const read = await readBack(durableFile(join(folder, 'cold')), 0, never)
    expect(read?.asLeftSeconds).toBe(read?.coldSeconds)
  })

  it('ends when it is told to', async () => {
    const path = durableFile(join(folder, 'ended'))
    await expect(readBack(path, 1, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })

  it.skipIf(whyNot !== null)(named('says nothing where pages cannot be dropped'), async () => {
    const tmpfs = mounted('tmpfs')
    try {
      expect(await readBack(durableFile(join(tmpfs.folder, 'file')), 1, never)).toBeNull()
    } finally {
      tmpfs.remove()
    }
  })
})
