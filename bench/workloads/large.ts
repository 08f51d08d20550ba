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
  quickBytes: 256 * MIB,
  makeFeed(bytes) {
    return new PieceFeed(makeChunks(), bytes)
  },
  check(path, bytes) {
    expected ??= makePeriod()
    return checkPeriodicFile(path, bytes, expected)
  },
}

export const large = fileWorkload(largeContent)

/** Made once in the process that checks. */
let expected: Uint8Array | undefined

/** The chunks that take turns, aligned in memory. */
export function makeChunks(): Buffer[] {
  const period = makePeriod()
  return Array.from({ length: CHUNKS }, (_, i) =>
    Buffer.from(period.buffer, period.byteOffset + i * CHUNK_BYTES, CHUNK_BYTES),
  )
}

function makePeriod(): Uint8Array {
  const period = allocAligned(CHUNKS * CHUNK_BYTES)
  fillPseudoRandom(period)
  return period
}
