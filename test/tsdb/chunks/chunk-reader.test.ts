import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { ChunkReader, type StoredChunk } from '../../../bench/tsdb/chunks/chunk-reader.ts'
import { ChunkWriter } from '../../../bench/tsdb/chunks/chunk-writer.ts'
import type { TsdbError } from '../../../bench/tsdb/errors.ts'
import { pageCacheOf } from '../../../src/index.ts'
import { someBytes } from '../../support/bytes.ts'
import { codeFrom, errorFrom, expectBytes } from '../../writer/tools.ts'
import { openFilesIn } from '../support/open-files.ts'
import { folderForBlock, HEADER, recordOf, segmentName, segmentsOf, type TestChunk } from '../support/segments.ts'

const TWO_32 = 2 ** 32

/** A block with these segments. */
function blockOf(...files: readonly Uint8Array[]): string {
  const folder = folderForBlock()
  for (const [index, file] of files.entries()) writeFileSync(join(folder, 'chunks', segmentName(index)), file)
  return folder
}

async function withReader<T>(folder: string, use: (reader: ChunkReader) => Promise<T>): Promise<T> {
  const reader = await ChunkReader.open(folder, 'buffered')
  try {
    return await use(reader)
  } finally {
    await reader.close()
    expect(openFilesIn(folder)).toEqual([])
  }
}

function expectChunk(found: StoredChunk | null, chunk: TestChunk): void {
  expect(found?.encoding).toBe(chunk.encoding)
  expectBytes(found!.data, chunk.data)
  expectBytes(found!.record, recordOf(chunk))
}

/** Also one that is read at once, since it is larger than half of what is read ahead, and one that is longer than that. */
const chunks = [
  2,
  100,
  127,
  128,
  70_000,
  600_000,
  20_000,
  3_000_000,
  5,
  ...Array.from({ length: 200 }, (_, i) => 9_999 - i),
].map((length, i): TestChunk => ({ encoding: i % 4, data: someBytes(length, i) }))

describe.each(['direct', 'buffered'] as const)('chunks that are read %s', (way) => {
  const { files, references } = segmentsOf(chunks, 1_500_000)

  it('are there in the order in which they stand, mostly without waiting', async () => {
    const folder = blockOf(...files)
    const reader = await ChunkReader.open(folder, way)
    expect(reader.why).toBeNull()
    expect(reader.at(references[0]!)).toBeNull()
    let waits = 0
    for (const [i, chunk] of chunks.entries()) {
      const atHand = reader.at(references[i]!)
      if (atHand === null) waits++
      expectChunk(atHand ?? (await reader.load(references[i]!)), chunk)
      expect(reader.placeOf(references[i]!)).toEqual({
        file: join(folder, 'chunks', segmentName(Math.floor(references[i]! / TWO_32))),
        offset: references[i]! % TWO_32,
      })
    }
    // Each segment's beginning, each border of a window, and the two that are large.
    expect(waits).toBeLessThan(15)
    await reader.close()
  })

  it('are there in any order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: chunks.length - 1 }), { maxLength: 100 }), async (order) => {
        const reader = await ChunkReader.open(folder, way)
        for (const i of order) expectChunk(reader.at(references[i]!) ?? (await reader.load(references[i]!)), chunks[i]!)
        await reader.close()
      }),
      { numRuns: 15 },
    )
  })
  const folder = blockOf(...files)

  it('are those that a writer wrote', async () => {
    const written = folderForBlock()
    const writer = await ChunkWriter.open(written, { strategy: way, segmentBytes: 1_500_000 }, 0)
    for (const { encoding, data } of chunks) await writer.add(encoding, data).wait
    await writer.end()
    const reader = await ChunkReader.open(written, way)
    for (const [i, chunk] of chunks.entries()) expectChunk(await reader.load(references[i]!), chunk)
    await reader.close()
    if (way === 'direct') expect((await pageCacheOf(join(written, 'chunks', segmentName(0)))).residentBytes).toBe(0)
  })
})

describe('segments', () => {
  const segment = Buffer.concat([HEADER, recordOf({ encoding: 1, data: someBytes(20) })])

  it.each([
    ['another magic number', [0x85, 0xbd, 0x40, 0xde, 1, 0, 0, 0], 'ERR_TSDB_BAD_MAGIC', 0],
    ['another version', [0x85, 0xbd, 0x40, 0xdd, 2, 0, 0, 0], 'ERR_TSDB_BAD_VERSION', 4],
    ['half a header', [0x85, 0xbd, 0x40, 0xdd], 'ERR_TSDB_TRUNCATED', 0],
    ['nothing', [], 'ERR_TSDB_TRUNCATED', 0],
  ])('are refused when one has %s', async (_, header, code, offset) => {
    const folder = blockOf(segment, Buffer.from(header), segment)
    const file = join(folder, 'chunks', '000002')
    await expect(ChunkReader.open(folder, 'direct')).rejects.toMatchObject({ code, file, offset })
    expect(openFilesIn(folder)).toEqual([])
  })

  it.each(['000001', '000002'])('are refused when one is missing: %s', async (missing) => {
    const folder = blockOf(segment, segment, segment)
    const file = join(folder, 'chunks', missing)
    rmSync(file)
    await expect(ChunkReader.open(folder, 'direct')).rejects.toMatchObject({ code: 'ERR_TSDB_MALFORMED', file })
    expect(openFilesIn(folder)).toEqual([])
  })

  it('have a folder', async () => {
    const folder = folderForBlock()
    rmSync(join(folder, 'chunks'), { recursive: true })
    expect(await codeFrom(() => ChunkReader.open(folder, 'direct'))).toBe('ENOENT')
  })

  it('are only what is named as one, and what pads their header does not matter', async () => {
    const padded = Buffer.from(segment)
    padded.fill(0xff, 5, 8)
    const folder = blockOf(padded)
    for (const name of ['000002.tmp', '00002', 'tombstones']) writeFileSync(join(folder, 'chunks', name), 'none')
    await withReader(folder, async (reader) => expectChunk(await reader.load(8), { encoding: 1, data: someBytes(20) }))
  })
})

describe('a reference', () => {
  const folder = blockOf(...segmentsOf([{ encoding: 1, data: someBytes(20) }], 1000).files)

  it.each([0, 7, TWO_32 + 8, 5 * TWO_32 + 8, -1, -TWO_32, Number.NaN])(
    'that no chunk can have is refused: %d',
    async (reference) => {
      await withReader(folder, async (reader) => {
        const wrong = { code: 'ERR_TSDB_MALFORMED' }
        expect(() => reader.at(reference)).toThrow(expect.objectContaining(wrong))
        await expect(reader.load(reference)).rejects.toMatchObject(wrong)
      })
    },
  )

  it.each([9, 30, 34, 1000, TWO_32 - 1])(
    'of another place than a chunk has is told with that: %d',
    async (reference) => {
      await withReader(folder, async (reader) => {
        const error = (await errorFrom(() => reader.load(reference))) as TsdbError
        expect(error.code).toMatch(/^ERR_TSDB_(TRUNCATED|MALFORMED|BAD_CHECKSUM)$/)
        expect(error).toMatchObject({ file: join(folder, 'chunks', '000001'), offset: reference })
      })
    },
  )

  it('to a block without chunks is refused', async () => {
    await withReader(folderForBlock(), async (reader) => {
      await expect(reader.load(8)).rejects.toMatchObject({ code: 'ERR_TSDB_MALFORMED' })
    })
  })
})

describe('a length before a chunk', () => {
  it.each([
    ['of no byte', [0], 'ERR_TSDB_MALFORMED'],
    ['of one byte', [1], 'ERR_TSDB_MALFORMED'],
    ['that is longer than 5 bytes', [0x80, 0x80, 0x80, 0x80, 0x80, 0x01], 'ERR_TSDB_MALFORMED'],
    ['beyond the file', [0xff, 0x01], 'ERR_TSDB_TRUNCATED'],
    ['beyond all memory', [0xff, 0xff, 0xff, 0xff, 0x7f], 'ERR_TSDB_TRUNCATED'],
  ])('is refused when it is %s', async (_, length, code) => {
    const folder = blockOf(Buffer.concat([HEADER, Buffer.from(length), Buffer.alloc(50)]))
    await withReader(folder, async (reader) => {
      await expect(reader.load(8)).rejects.toMatchObject({ code, file: join(folder, 'chunks', '000001'), offset: 8 })
    })
  })

  it('may be longer than it need be', async () => {
    const record = recordOf({ encoding: 1, data: someBytes(20) })
    const folder = blockOf(Buffer.concat([HEADER, Buffer.from([0x80 + 20, 0x80, 0]), record.subarray(1)]))
    await withReader(folder, async (reader) => expectBytes((await reader.load(8)).data, someBytes(20)))
  })
})

describe('damage', () => {
  const small = [9, 3, 12].map((length, i): TestChunk => ({ encoding: 1, data: someBytes(length, i) }))
  const { files, references } = segmentsOf(small, 1000)
  const [segment] = files as [Buffer]

  /** That each chunk is what was written, or told to be wrong. Whether any was. */
  async function damageTold(folder: string): Promise<boolean> {
    let told = false
    const tellTsdbError = (error: unknown): void => {
      expect(error).toMatchObject({ name: 'TsdbError', file: join(folder, 'chunks', '000001') })
      told = true
    }
    let reader: ChunkReader
    try {
      reader = await ChunkReader.open(folder, 'buffered')
    } catch (error) {
      tellTsdbError(error)
      return told
    }
    for (const [i, chunk] of small.entries()) {
      try {
        expectChunk(await reader.load(references[i]!), chunk)
      } catch (error) {
        tellTsdbError(error)
      }
    }
    await reader.close()
    return told
  }

  it('is told wherever a byte is another one, but in the padding of the header', async () => {
    const folder = blockOf(segment)
    const path = join(folder, 'chunks', '000001')
    expect(await damageTold(folder)).toBe(false)
    for (let at = 0; at < segment.length; at++) {
      // The lowest bit, the one that makes a length go on, and all.
      for (const bits of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(segment)
        damaged[at]! ^= bits
        writeFileSync(path, damaged)
        const isPadding = at >= 5 && at < 8
        expect(await damageTold(folder), `byte ${at}`).toBe(!isPadding)
      }
    }
  })

  it('is told wherever the file is cut', async () => {
    const folder = blockOf(segment)
    for (let length = 0; length < segment.length; length++) {
      writeFileSync(join(folder, 'chunks', '000001'), segment.subarray(0, length))
      expect(await damageTold(folder), `${length} bytes`).toBe(true)
    }
  })

  test.prop([fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 60 })], { numRuns: 60 })(
    'of every kind is told, or what is there is a chunk with its checksum',
    async (bytes, offset) => {
      const folder = blockOf(Buffer.concat([HEADER, bytes]))
      await withReader(folder, async (reader) => {
        try {
          const { encoding, data } = await reader.load(8 + offset)
          const record = recordOf({ encoding, data })
          expect(
            Buffer.from(bytes)
              .subarray(offset)
              .includes(record.subarray(-data.length - 5)),
          ).toBe(true)
        } catch (error) {
          expect(error).toMatchObject({ name: 'TsdbError' })
        }
      })
    },
  )
})
