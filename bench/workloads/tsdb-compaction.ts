import { link, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { requireStrategy } from '../subjects/strategies.ts'
import { UnsupportedError } from '../subjects/subject.ts'
import { blockFolder, listBlocks } from '../tsdb/block/folders.ts'
import { verifyBlock } from '../tsdb/block/verify-block.ts'
import { chunkBytesOf } from '../tsdb/chunks/segment.ts'
import { compactBlocks } from '../tsdb/compaction/compact.ts'
import { generateBlocks } from '../tsdb/samples/generate-blocks.ts'
import { defaultSettings } from '../tsdb/settings.ts'
import { MIB } from '../units.ts'
import type { Workload } from './workload.ts'

/** Prometheus compacts three blocks into one; a fourth makes sure that there are enough bytes. */
const BLOCKS = 4
const SEED = 2026
/** As most servers are set up. */
const INTERVAL_MS = 15_000
/** The beginning of a block range, long ago. */
const START_MS = 1_699_999_200_000 - (1_699_999_200_000 % defaultSettings.blockRangeMs)
/** Bytes of a generated sample in a chunk, about: it decides how many series there are. */
const BYTES_PER_SAMPLE = 2

/**
 * The compaction of blocks of Prometheus's TSDB into one, by the app in bench/tsdb: inputs are read, chunks, index and
 * meta.json are written, all under one strategy, everything is made durable, the inputs are deleted.
 */
export const tsdbCompaction: Workload = {
  name: 'tsdb-compaction',
  summary: `chunks of Prometheus blocks, merged into one block`,
  defaultBytes: 128 * MIB,
  warmUpBytes: 0,
  table: 'compaction',
  subjects: 'strategies',
  // Nothing throttles it.
  situations: ['alone', 'neighbour'],
  writesOneFile: false,
  setUp: makeInputs,
  footprintPath: ({ path }) => path,
  async prepare(subject, { path, setUpFolder }) {
    await mkdir(path)
    const strategy = await requireStrategy(subject, path)
    const strategies = { chunks: strategy, index: strategy, wal: strategy }
    const blocks = await listBlocks(setUpFolder)
    for (const { ulid } of blocks) await linkBlock(blockFolder(setUpFolder, ulid), blockFolder(path, ulid))
    return {
      async run() {
        const ulids = blocks.map(({ ulid }) => ulid)
        const { meta, chunkBytes, readsWhy } = await compactBlocks(path, ulids, { ...defaultSettings, strategies })
        if (readsWhy !== null)
          throw new UnsupportedError('ERR_READ_THROUGH_CACHE', `inputs went through the cache: ${readsWhy}`)
        return { bytes: chunkBytes, sampleCount: meta.stats.numSamples }
      },
    }
  },
  async check({ path, setUpFolder }, writtenBytes) {
    const [block, ...others] = await listBlocks(path)
    if (block === undefined) return 'there is no block'
    if (others.length > 0) return `there are ${others.length + 1} blocks instead of one`
    const { stats } = await verifyBlock(blockFolder(path, block.ulid), 'direct')
    const inputs = await listBlocks(setUpFolder)
    const samples = inputs.reduce((sum, { stats: ofInput }) => sum + ofInput.numSamples, 0)
    if (stats.numSamples !== samples) return `there are ${stats.numSamples} samples instead of ${samples}`
    const bytes = await chunkBytesOf(blockFolder(path, block.ulid))
    return bytes === writtenBytes ? null : `there are ${bytes} bytes of chunks, it says to have written ${writtenBytes}`
  },
}

/** Blocks with this many bytes of chunks in all, or a little more, written past the page cache. */
async function makeInputs(folder: string, bytes: number): Promise<void> {
  const { blockRangeMs } = defaultSettings
  const samplesPerSeries = blockRangeMs / INTERVAL_MS
  const seriesCount = Math.max(1, Math.ceil(bytes / BLOCKS / BYTES_PER_SAMPLE / samplesPerSeries))
  const options = { seed: SEED, seriesCount, startMs: START_MS, intervalMs: INTERVAL_MS }
  await generateBlocks(folder, defaultSettings, options, async (blocks) => {
    let sum = 0
    for (const { ulid } of blocks) sum += await chunkBytesOf(blockFolder(folder, ulid))
    return blocks.length > 1 && sum >= bytes
  })
}

/** The same files under other names: a run may delete them. */
async function linkBlock(from: string, to: string): Promise<void> {
  await mkdir(to)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await linkBlock(source, target)
    else await link(source, target)
  }
}
