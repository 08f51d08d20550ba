import { dirname } from 'node:path'
import { requireStrategy } from '../subjects/strategies.ts'
import { KIB, MIB } from '../units.ts'
import { whyNotAll } from './file-workload.ts'
import { checkBatches, WalBatches, writeBatches } from './wal-batches.ts'
import type { Workload } from './workload.ts'

/** What a scrape of a small target comes to. */
const BATCH_BYTES = 4 * KIB

/** Small batches of samples, each made durable before the next one begins. */
export const wal: Workload = {
  name: 'wal',
  summary: 'batches of about 4 KiB, each synced',
  // A thousand commits: their 99th percentile stands for ten of them.
  defaultBytes: 4 * MIB,
  warmUpBytes: 0,
  table: 'commits',
  subjects: 'strategies',
  // Nothing throttles it.
  situations: ['alone', 'neighbour'],
  writesOneFile: false,
  setUp: null,
  footprintPath: ({ path }) => path,
  async prepare(subject, { path, bytes }) {
    const strategy = await requireStrategy(subject, dirname(path))
    const batches = new WalBatches(BATCH_BYTES, bytes)
    return { run: () => writeBatches(path, strategy, 'every-batch', batches) }
  },
  async check({ path, bytes }, writtenBytes) {
    const batches = new WalBatches(BATCH_BYTES, bytes)
    return whyNotAll(writtenBytes, batches.byteLength) ?? (await checkBatches(path, batches))
  },
}
