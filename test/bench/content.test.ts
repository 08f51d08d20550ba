import { mkdtempSync, rmSync } from 'node:fs'
import { truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { KIB, MIB } from '../../bench/units.ts'
import { checkPeriodicFile, fillPseudoRandom, samplesOf } from '../../bench/workloads/periodic-content.ts'

const folder = mkdtempSync(join(tmpdir(), 'bench-content-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'file')

const period = Buffer.alloc(9577)
fillPseudoRandom(period)

/** The right content, in which `spoil` may do what a bad writer would. */
async function writePeriodic(bytes: number, spoil: (content: Buffer) => void = () => {}): Promise<void> {
  const content = Buffer.alloc(bytes)
  for (let offset = 0; offset < bytes; offset += period.length) period.copy(content, offset)
  spoil(content)
  await writeFile(path, content)
}

describe('checkPeriodicFile', () => {
  it.each([1, 9576, 9577, 3 * MIB + 1, 20 * MIB + 5])('is content with %d right bytes', async (bytes) => {
    await writePeriodic(bytes)
    expect(await checkPeriodicFile(path, bytes, period)).toBeNull()
  })

  it('tells the lengths when they differ', async () => {
    await writePeriodic(1000)
    await truncate(path, 4096)
    expect(await checkPeriodicFile(path, 1000, period)).toBe('the file is 4096 bytes long instead of 1000')
  })

  it('finds a single wrong byte in a small file', async () => {
    await writePeriodic(3 * MIB, (content) => content.writeUInt8((content.readUInt8(2_500_000) + 1) & 255, 2_500_000))
    expect(await checkPeriodicFile(path, 3 * MIB, period)).toBe('wrong content at offset 2500000')
  })

  it('finds a buffer that is missing in a large file', async () => {
    await writePeriodic(24 * MIB, (content) => content.fill(0, 13 * MIB, 14 * MIB))
    expect(await checkPeriodicFile(path, 24 * MIB, period)).toMatch(
      /^wrong content at offset 13\d{6}$|^wrong content at offset 14\d{6}$/,
    )
  })

  it('finds two buffers that have changed places', async () => {
    await writePeriodic(24 * MIB, (content) => {
      const first = Buffer.from(content.subarray(0, MIB))
      content.copy(content, 0, MIB, 2 * MIB)
      first.copy(content, MIB)
    })
    expect(await checkPeriodicFile(path, 24 * MIB, period)).toBe('wrong content at offset 0')
  })
})

describe('samplesOf', () => {
  it('covers a small file without a gap', () => {
    let end = 0
    for (const [offset, length] of samplesOf(5 * MIB + 3)) {
      expect(offset).toBe(end)
      end += length
    }
    expect(end).toBe(5 * MIB + 3)
  })

  it.each([17 * MIB, 100 * MIB + 1, 1024 * MIB])(
    'looks at the first page, the last page and every MiB of %d bytes',
    (bytes) => {
      const samples = samplesOf(bytes)
      expect(samples[0]).toEqual([0, 4 * KIB])
      expect(samples.at(-1)).toEqual([bytes - 4 * KIB, 4 * KIB])
      const seen = new Set(samples.map(([offset]) => Math.floor(offset / MIB)))
      for (let mib = 0; mib < Math.floor(bytes / MIB); mib++) expect(seen).toContain(mib)
      for (const [offset, length] of samples) expect(offset + length).toBeLessThanOrEqual(bytes)
    },
  )
})
