import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { situations } from '../schema/run.ts'
import { strategySubject } from '../subjects/strategies.ts'
import type { Subject } from '../subjects/subject.ts'
import { MIB } from '../units.ts'
import { type SinkFeed, whyNotAll } from './file-workload.ts'
import { largeContent } from './large.ts'
import type { WorkDone, Workload } from './workload.ts'

/** The other writer. */
const buffered = strategySubject('buffered', 'plain writes through the page cache')

/**
 * The subject and a buffered writer at the same time, in one process, each with half of the bytes: a database whose compaction
 * is uncached and whose other files are not. The figures are those of both together, but the footprint, and the claim
 * about it, is that of the subject's file alone, and so is the write latency.
 */
export const mixed: Workload = {
  name: 'mixed',
  summary: 'chunks of 1 MiB to two files at once, the other one buffered',
  defaultBytes: 256 * MIB,
  warmUpBytes: 16 * MIB,
  table: 'throughput',
  subjects: 'all',
  situations,
  writesOneFile: false,
  setUp: null,
  footprintPath: ({ path }) => join(path, 'subject'),
  async prepare(subject, { path, bytes, bytesPerSecond }) {
    await mkdir(path)
    const rate = bytesPerSecond === null ? null : bytesPerSecond / 2
    const halves = halvesOf(path, bytes)
    const feeds = [largeContent.makeFeed(halves[0].bytes), largeContent.makeFeed(halves[1].bytes)] as const
    return {
      async run() {
        const [own, other] = await Promise.all([
          write(subject, halves[0], feeds[0], rate),
          write(buffered, halves[1], feeds[1], rate),
        ])
        return { ...own, bytes: own.bytes + other.bytes }
      },
    }
  },
  async check({ path, bytes }, writtenBytes) {
    const wrongLength = whyNotAll(writtenBytes, bytes)
    if (wrongLength !== null) return wrongLength
    for (const half of halvesOf(path, bytes)) {
      const wrong = await largeContent.check(half.path, half.bytes)
      if (wrong !== null) return `${half.path}: ${wrong}`
    }
    return null
  },
}

async function write(subject: Subject, half: Half, feed: SinkFeed, rate: number | null): Promise<WorkDone> {
  const sink = await subject.open(half.path)
  const writeLatency = await feed.writeInto(sink, rate)
  return { bytes: await sink.finish(), writeLatency }
}

interface Half {
  readonly path: string
  readonly bytes: number
}

function halvesOf(folder: string, bytes: number): readonly [Half, Half] {
  const first = Math.ceil(bytes / 2)
  return [
    { path: join(folder, 'subject'), bytes: first },
    { path: join(folder, 'buffered'), bytes: bytes - first },
  ]
}
