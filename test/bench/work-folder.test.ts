import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { makeWorkFolder, whyNotUsable, whyTooLittleSpace } from '../../bench/run/work-folder.ts'
import { GIB } from '../../bench/units.ts'

const folder = mkdtempSync(join(tmpdir(), 'bench-folder-'))
const file = join(folder, 'file')
writeFileSync(file, '')
afterAll(() => rmSync(folder, { recursive: true }))

describe('whyNotUsable', () => {
  it('has nothing against a folder', async () => {
    expect(await whyNotUsable(folder)).toBeNull()
  })

  it('says what is wrong', async () => {
    expect(await whyNotUsable(file)).toBe(`${file} is not a folder`)
    expect(await whyNotUsable(join(folder, 'none'))).toBe(`${join(folder, 'none')} does not exist`)
    expect(await whyNotUsable(join(file, 'below'))).toBe(`${join(file, 'below')} cannot be written to (ENOTDIR)`)
  })
})

describe('whyTooLittleSpace', () => {
  it('compares what one file needs with what is free', async () => {
    expect(await whyTooLittleSpace(folder, 1)).toBeNull()
    const message = await whyTooLittleSpace(folder, 1e9 * GIB)
    expect(message).toMatch(/^not enough space in .*: 1020000000 GiB needed, [\d.]+ \wiB free$/)
  })
})

describe('makeWorkFolder', () => {
  it('makes a folder of its own and removes it with what is in it', async () => {
    const work = await makeWorkFolder(folder)
    expect(dirname(work.path)).toBe(folder)
    writeFileSync(join(work.path, 'data'), 'x')
    work.remove()
    expect(existsSync(work.path)).toBe(false)
    expect(() => work.remove()).not.toThrow()
  })
})
