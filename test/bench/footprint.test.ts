import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { residentBytesOf } from '../../bench/measure/footprint.ts'
import { packageFolder } from '../../bench/package.ts'
import { KIB } from '../../bench/units.ts'

const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Written through the page cache, of which it takes whole pages. */
function cachedFile(path: string, bytes: number): void {
  writeFileSync(path, Buffer.alloc(bytes, 1))
}

describe('residentBytesOf', () => {
  it('tells of a file', async () => {
    cachedFile(join(folder, 'one'), 64 * KIB)
    expect(await residentBytesOf(join(folder, 'one'))).toBe(64 * KIB)
  })

  it('adds up all files in a folder and its folders, each link once', async () => {
    const top = join(folder, 'top')
    mkdirSync(join(top, 'a', 'b'), { recursive: true })
    cachedFile(join(top, 'x'), 16 * KIB)
    cachedFile(join(top, 'a', 'y'), 32 * KIB)
    cachedFile(join(top, 'a', 'b', 'z'), 64 * KIB)
    symlinkSync(join(top, 'x'), join(top, 'link'))
    expect(await residentBytesOf(top)).toBe(112 * KIB)
  })

  it('rejects when there is nothing of that name', async () => {
    await expect(residentBytesOf(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
