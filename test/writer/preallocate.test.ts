import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { allocatedBytes, codeFrom, everyStrategy, expectBytes, expectFile, openSmall } from './tools.ts'

const folder = temporaryFolder()
const preallocate = 300_001

/** What ext4 needs at most for a file of so many bytes: whole blocks of 4096. */
function blocksFor(byteLength: number): number {
  return Math.ceil(byteLength / 4096) * 4096
}

describe.each(everyStrategy)('preallocate under %s', (strategy) => {
  it('keeps the length while open and cuts at end', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { preallocate })
    expect(statSync(path).size).toBe(preallocate)
    expect(allocatedBytes(path)).toBeGreaterThanOrEqual(preallocate)
    const bytes = someBytes(20_001)
    await writer.write(bytes.subarray(0, 10_001))
    await writer.flush()
    expect(statSync(path).size).toBe(preallocate)
    await writer.write(bytes.subarray(10_001))
    await writer.sync()
    expect(statSync(path).size).toBe(preallocate)
    expectBytes(readFileSync(path).subarray(0, 20_001), bytes)
    expectBytes(readFileSync(path).subarray(20_001), Buffer.alloc(preallocate - 20_001))
    await writer.end()
    expectFile(path, bytes)
    expect(allocatedBytes(path)).toBeLessThanOrEqual(blocksFor(20_001))
  })

  it('is undone whole when nothing was written', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { preallocate })
    await writer.end()
    expect(statSync(path).size).toBe(0)
    expect(allocatedBytes(path)).toBe(0)
  })

  it('is no limit', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { preallocate: 10_000 })
    await writer.write(someBytes(9999))
    await writer.flush()
    expect(statSync(path).size).toBe(10_000)
    await writer.write(someBytes(10_002))
    await writer.flush()
    expect(statSync(path).size).toBe(20_001)
    await writer.end()
    expectFile(path, Buffer.concat([someBytes(9999), someBytes(10_002)]))
  })

  it('counts from where writing starts', async () => {
    const path = freshPath(folder)
    writeFileSync(path, someBytes(5000, 2))
    const writer = await openSmall(path, strategy, { preallocate, flags: 'a' })
    expect(statSync(path).size).toBe(5000 + preallocate)
    await writer.write(someBytes(100))
    await writer.end()
    expectFile(path, Buffer.concat([someBytes(5000, 2), someBytes(100)]))
    expect(allocatedBytes(path)).toBeLessThanOrEqual(8192)
  })

  it.each([100, 10_000, 20_000])('keeps what is behind it in the file (preallocate %i)', async (bytes) => {
    const path = freshPath(folder)
    const old = someBytes(15_000, 3)
    writeFileSync(path, old)
    const writer = await openSmall(path, strategy, { preallocate: bytes, flags: 'r+', start: 1000 })
    await writer.write(someBytes(500))
    await writer.end()
    old.set(someBytes(500), 1000)
    expectFile(path, old)
    expect(allocatedBytes(path)).toBeLessThanOrEqual(blocksFor(15_000))
  })

  it.each([false, true])('is cut when the writer fails (flushed before: %s)', async (flushed) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { preallocate })
    await writer.write(someBytes(1001))
    if (flushed) await writer.flush()
    writer.fail()
    await writer[Symbol.asyncDispose]()
    expectFile(path, flushed ? someBytes(1001) : Buffer.alloc(0))
    expect(allocatedBytes(path)).toBeLessThanOrEqual(4096)
  })
})

describe('a preallocation that is larger than a file can be', () => {
  it('leaves no file behind', async () => {
    const path = freshPath(folder)
    expect(await codeFrom(() => openSmall(path, 'direct', { preallocate: 2 ** 52 }))).toMatch(/EFBIG|ENOSPC/)
    expect(() => statSync(path)).toThrow(/ENOENT/)
  })

  it.each(['w', 'a', 'r+'] as const)("changes nothing in a file that is there (flags '%s')", async (flags) => {
    const path = freshPath(folder)
    writeFileSync(path, 'precious')
    const opening = () => openSmall(path, 'direct', { preallocate: 2 ** 52, flags })
    expect(await codeFrom(opening)).toMatch(/EFBIG|ENOSPC/)
    expectFile(path, Buffer.from('precious'))
  })
})
