import { describe, expect, it } from 'vitest'
import { excessOf, type FootprintScope } from '../src/footprint.ts'

const mebibyte = 1024 * 1024
const scope: FootprintScope = {
  strategy: 'direct',
  baselineBytes: 0,
  keptBytes: 0,
  writtenBytes: 100 * mebibyte,
  buffersBytes: 8 * mebibyte,
}
const seen = { residentBytes: 0, dirtyBytes: 0, writebackBytes: 0, source: 'cachestat' } as const

describe('excessOf', () => {
  it('lets direct have 5 % of what was written, and never less than 64 KiB', () => {
    expect(excessOf({ ...seen, residentBytes: 5 * mebibyte }, scope, true)).toBeNull()
    expect(excessOf({ ...seen, residentBytes: 5 * mebibyte + 4096 }, scope, true)).toBe(
      '5246976 bytes of it are in the page cache, 5242880 may be',
    )
    expect(excessOf({ ...seen, residentBytes: 65_536 }, { ...scope, writtenBytes: 0 }, true)).toBeNull()
    expect(excessOf({ ...seen, residentBytes: 69_632 }, { ...scope, writtenBytes: 0 }, true)).toContain('69632 bytes')
  })

  it.each(['dirtyBytes', 'writebackBytes'] as const)('lets no direct write be %s in the cache', (field) => {
    expect(excessOf({ ...seen, [field]: 65_536 }, scope, false)).toBeNull()
    expect(excessOf({ ...seen, [field]: 69_632 }, scope, false)).toContain('69632 bytes wait there for the disk')
    expect(excessOf({ ...seen, [field]: 69_632 }, { ...scope, strategy: 'evict' }, false)).toBeNull()
  })

  it('does not count what was there before, nor what is to be kept', () => {
    const there = { ...seen, residentBytes: 12 * mebibyte }
    expect(excessOf(there, scope, true)).not.toBeNull()
    expect(excessOf(there, { ...scope, baselineBytes: 4 * mebibyte, keptBytes: 4 * mebibyte }, true)).toBeNull()
  })

  it('lets evict have what its buffers hold while it writes, and no more of it in the end', () => {
    const there = { ...seen, residentBytes: 21 * mebibyte }
    expect(excessOf(there, { ...scope, strategy: 'evict' }, false)).toBeNull()
    expect(excessOf(there, { ...scope, strategy: 'evict' }, true)).not.toBeNull()
    expect(excessOf({ ...seen, residentBytes: 22 * mebibyte }, { ...scope, strategy: 'evict' }, false)).not.toBeNull()
  })

  it('gives the kernel time to drop what was written with RWF_DONTCACHE', () => {
    const there = { ...seen, residentBytes: 200 * mebibyte, writebackBytes: 200 * mebibyte }
    expect(excessOf(there, { ...scope, strategy: 'dontcache' }, false)).toBeNull()
    expect(excessOf(there, { ...scope, strategy: 'dontcache' }, true)).not.toBeNull()
  })

  it('asks nothing of buffered', () => {
    const there = { ...seen, residentBytes: 100 * mebibyte, dirtyBytes: 100 * mebibyte }
    expect(excessOf(there, { ...scope, strategy: 'buffered' }, true)).toBeNull()
  })
})
