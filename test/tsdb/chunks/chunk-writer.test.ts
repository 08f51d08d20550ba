import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { ChunkWriter } from '../../../bench/tsdb/chunks/chunk-writer.ts'
import type { Strategy } from '../../../bench/tsdb/settings.ts'
import { pageCacheOf } from '../../../src/index.ts'
import { someBytes } from '../../support/bytes.ts'
import { strategyInEffect } from '../../support/mode.ts'
import { codeFrom, everyStrategy, expectBytes } from '../../writer/tools.ts'
import { openFilesIn } from '../support/open-files.ts'
import { folderForBlock, recordOf, segmentFiles, segmentName, segmentsOf, type TestChunk } from '../support/segments.ts'

interface WrittenBlock {
  readonly folder: string
  readonly references: readonly number[]
  readonly byteLength: number
}

interface WriteOptions {
  readonly strategy: Strategy
  readonly segmentBytes: number
  readonly expectedBytes?: number
  /** Whether chunks are given as they stand in a segment. */
  readonly asRecords?: boolean
}

/** All chunks are given in the same memory, which is spoilt as soon as that may be. */
async function write(chunks: readonly TestChunk[], options: WriteOptions): Promise<WrittenBlock> {
  const { strategy, segmentBytes, expectedBytes = 0, asRecords = false } = options
  const folder = folderForBlock()
  const writer = await ChunkWriter.open(folder, { strategy, segmentBytes }, expectedBytes)
  expect(writer.strategy).toBe(strategyInEffect(strategy))
  const references: number[] = []
  for (const chunk of chunks) {
    const memory = asRecords ? recordOf(chunk) : Uint8Array.from(chunk.data)
    const { reference, wait } = asRecords ? writer.addRecord(memory) : writer.add(chunk.encoding, memory)
    references.push(reference)
    await wait
    memory.fill(0xee)
  }
  await writer.end()
  return { folder, references, byteLength: writer.byteLength }
}

/** That the files are what the format says, to the byte, and there are no others. */
function expectSegments(block: WrittenBlock, chunks: readonly TestChunk[], segmentBytes: number): void {
  const { files, references } = segmentsOf(chunks, segmentBytes)
  expect(block.references).toEqual(references)
  const written = segmentFiles(block.folder)
  expect([...written.keys()]).toEqual(files.map((_, index) => segmentName(index)))
  for (const [index, file] of files.entries()) expectBytes(written.get(segmentName(index))!, file)
  expect(block.byteLength).toBe(files.reduce((sum, { length }) => sum + length, 0))
}

const someChunk = fc
  .record({
    encoding: fc.nat({ max: 255 }),
    length: fc.oneof(fc.integer({ min: 2, max: 400 }), fc.constantFrom(2, 127, 128, 16_383, 16_384)),
    seed: fc.nat(),
  })
  .map(({ encoding, length, seed }): TestChunk => ({ encoding, data: someBytes(length, seed) }))

/** Long enough for several of a writer's buffers, and none of them a whole number of blocks. */
const large = Array.from({ length: 40 }, (_, i): TestChunk => ({ encoding: 1, data: someBytes(300_000 + 7777 * i, i) }))

describe.each(everyStrategy)('chunks that are written %s', (strategy) => {
  test.prop(
    [fc.array(someChunk, { maxLength: 40 }), fc.integer({ min: 1, max: 3000 }), fc.boolean(), fc.nat({ max: 5000 })],
    {
      numRuns: 25,
    },
  )(
    'stand in segments as the format says, cut before the limit',
    async (chunks, segmentBytes, asRecords, expectedBytes) => {
      const block = await write(chunks, { strategy, segmentBytes, asRecords, expectedBytes })
      expectSegments(block, chunks, segmentBytes)
    },
  )

  it.each([1024 * 1024, 4 * 1024 * 1024, 1024 ** 3])('may be large, in segments of %d bytes', async (segmentBytes) => {
    const block = await write(large, { strategy, segmentBytes, expectedBytes: 25 * 1024 * 1024 })
    expectSegments(block, large, segmentBytes)
  })

  it('may fill a segment to the last byte', async () => {
    const chunks = [10, 20, 30, 40].map((length): TestChunk => ({ encoding: 1, data: someBytes(length) }))
    // Each record has 6 bytes beside its data.
    const full = 8 + 16 + 26
    const exact = await write(chunks, { strategy, segmentBytes: full })
    expect([...segmentFiles(exact.folder).values()].map(({ length }) => length)).toEqual([full, 8 + 36, 8 + 46])
    const oneLess = await write(chunks, { strategy, segmentBytes: full - 1 })
    expect([...segmentFiles(oneLess.folder).values()].map(({ length }) => length)).toEqual([24, 34, 44, 54])
  })
})

describe('chunks', () => {
  it('leave nothing in the page cache when they are written past it, in no segment', async () => {
    const { folder } = await write(large, { strategy: 'direct', segmentBytes: 3_000_000, expectedBytes: 10_000_000 })
    const resident = await Promise.all(
      [0, 1, 2, 3, 4].map(
        async (index) => (await pageCacheOf(join(folder, 'chunks', segmentName(index)))).residentBytes,
      ),
    )
    expect(resident).toEqual([0, 0, 0, 0, 0])
  })

  it('have no more space allocated ahead than is expected to be written, in no segment', async () => {
    const folder = folderForBlock()
    const sizeOf = (index: number) => statSync(join(folder, 'chunks', segmentName(index))).size
    const writer = await ChunkWriter.open(folder, { strategy: 'direct', segmentBytes: 1_000_000 }, 1_500_000)
    expect(sizeOf(0)).toBe(1_000_000)
    await writer.add(1, someBytes(900_000)).wait
    await writer.add(1, someBytes(500_000)).wait
    expect(sizeOf(0)).toBe(8 + 900_000 + 8)
    expect(sizeOf(1)).toBe(1_500_000 - sizeOf(0))
    await writer.add(1, someBytes(600_000)).wait
    expect(sizeOf(1)).toBe(8 + 500_000 + 8)
    await writer.end()
    expect(sizeOf(2)).toBe(8 + 600_000 + 8)
  })

  it('are in no file that stays open, when all are written and when they are given up', async () => {
    const ended = await write(large.slice(0, 3), { strategy: 'direct', segmentBytes: 400_000 })
    expect(openFilesIn(ended.folder)).toEqual([])
    const folder = folderForBlock()
    const writer = await ChunkWriter.open(folder, { strategy: 'direct', segmentBytes: 1_000_000 }, 0)
    await writer.add(1, someBytes(10)).wait
    expect(openFilesIn(folder)).toHaveLength(1)
    await writer.drop()
    expect(openFilesIn(folder)).toEqual([])
  })

  it('are 4 GiB at most, of which each byte can be named by a reference', async () => {
    const folder = folderForBlock()
    const options = { strategy: 'direct', segmentBytes: 2 ** 32 + 1 } as const
    await expect(ChunkWriter.open(folder, options, 0)).rejects.toThrow(RangeError)
    const writer = await ChunkWriter.open(folder, { ...options, segmentBytes: 2 ** 32 }, 0)
    await writer.end()
  })

  it('need a folder', async () => {
    const options = { strategy: 'direct', segmentBytes: 1000 } as const
    expect(await codeFrom(() => ChunkWriter.open(join(folderForBlock(), 'missing'), options, 0))).toBe('ENOENT')
  })
})
