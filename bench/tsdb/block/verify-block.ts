import { checkChunk } from '../chunks/check-chunk.ts'
import { ChunkReader } from '../chunks/chunk-reader.ts'
import { TsdbError } from '../errors.ts'
import type { ReadWay } from '../files/input-file.ts'
import { IndexReader } from '../index/index-reader.ts'
import { SeriesEntry } from '../index/series-entry.ts'
import { type BlockMeta, type BlockStats, readMeta } from './meta.ts'
import { verifyPostings } from './verify-postings.ts'

/**
 * Reads a whole block: every checksum, the order of samples, that chunks span what their series say and the block what
 * its meta.json says, and that there are as many of everything as it says.
 *
 * @param way `direct` leaves nothing of it in the page cache
 * @throws {TsdbError} for whatever is wrong, with file and offset; the kernel's error
 */
export async function verifyBlock(folder: string, way: ReadWay): Promise<BlockMeta> {
  const meta = await readMeta(folder)
  const index = await IndexReader.open(folder, way)
  try {
    const chunks = await ChunkReader.open(folder, way)
    try {
      const found = await count(index, chunks, meta)
      for (const name of ['numSeries', 'numChunks', 'numSamples'] as const) {
        if (found[name] === meta.stats[name]) continue
        const what = `${name} is ${meta.stats[name]} in meta.json, and ${found[name]} are there`
        throw new TsdbError('ERR_TSDB_MALFORMED', what, { file: folder })
      }
    } finally {
      await chunks.close()
    }
  } finally {
    await index.close()
  }
  await verifyPostings(folder, way)
  return meta
}

async function count(index: IndexReader, chunks: ChunkReader, meta: BlockMeta): Promise<BlockStats> {
  const entry = new SeriesEntry()
  let numSeries = 0
  let numChunks = 0
  let numSamples = 0
  while (await index.next(entry)) {
    numSeries++
    for (let i = 0; i < entry.chunkCount; i++) {
      const indexed = {
        minTimeMs: entry.minTimesMs[i]!,
        maxTimeMs: entry.maxTimesMs[i]!,
        reference: entry.references[i]!,
      }
      const { minTimeMs, maxTimeMs, reference } = indexed
      if (minTimeMs < meta.minTime || maxTimeMs >= meta.maxTime) {
        throw index.error(`a chunk from ${minTimeMs} to ${maxTimeMs}, which meta.json leaves out`)
      }
      const stored = chunks.at(reference) ?? (await chunks.load(reference))
      numChunks++
      numSamples += stored.data.readUInt16BE(0)
      checkChunk(stored, indexed, chunks)
    }
  }
  return { numSeries, numChunks, numSamples }
}
