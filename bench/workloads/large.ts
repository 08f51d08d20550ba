import { allocAligned } from 'uncached-io'
import { formatBytes, GIB, MIB } from '../units.ts'
import { type FileContent, fileWorkload } from './file-workload.ts'
import { checkPeriodicFile, fillPseudoRandom } from './periodic-content.ts'
import { PieceFeed } from './piece-feed.ts'

const CHUNK_BYTES = MIB

/**
 * Different chunks that take turns. A prime number, so that no buffer count of a subject divides it and chunks that
 * change places are noticed; few, so that making them takes no time.
 */
const CHUNKS = 7

/** 1 MiB chunks, as from a compaction, a download or a backup. The chunks are aligned in memory, for every subject. */
export const largeContent: FileContent = {
  name: 'large',
  summary: `chunks of ${formatBytes(CHUNK_BYTES)}`,
  defaultBytes: GIB,
  warmUpBytes: 16 * MIB,
  makeFeed(bytes, point = null) {
    return new PieceFeed(makeChunks(point?.blockBytes ?? CHUNK_BYTES), bytes)
  },
  check(path, bytes, point = null) {
    const chunkBytes = point?.blockBytes ?? CHUNK_BYTES
    if (expected?.chunkBytes !== chunkBytes) expected = { chunkBytes, period: makePeriod(chunkBytes) }
    return checkPeriodicFile(path, bytes, expected.period)
  },
}

export const large = fileWorkload(largeContent)

/** Made once in the process that checks. */
let expected: { readonly chunkBytes: number; readonly period: Uint8Array } | undefined

/** The chunks that take turns, aligned in memory. */
export function makeChunks(chunkBytes = CHUNK_BYTES): Buffer[] {
  const period = makePeriod(chunkBytes)
  return Array.from({ length: CHUNKS }, (_, i) =>
    Buffer.from(period.buffer, period.byteOffset + i * chunkBytes, chunkBytes),
  )
}

function makePeriod(chunkBytes: number): Uint8Array {
  const period = allocAligned(CHUNKS * chunkBytes)
  fillPseudoRandom(period)
  return period
}
