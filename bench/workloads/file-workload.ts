import type { SweepPoint } from '../run/result.ts'
import type { Latency } from '../schema/latency.ts'
import { situations } from '../schema/run.ts'
import type { Sink } from '../subjects/subject.ts'
import type { Workload } from './workload.ts'

/** Hands data to a sink. Made before the clock starts; used once. */
export interface SinkFeed {
  /** @param bytesPerSecond the rate to keep, or `null`. @returns how long each MiB held up its caller */
  writeInto(sink: Sink, bytesPerSecond?: number | null): Promise<Latency>
}

/** What is in a file, and in which pieces it comes. */
export interface FileContent {
  readonly name: string
  readonly summary: string
  readonly defaultBytes: number
  readonly warmUpBytes: number
  /** @param point of a sweep: the size of the pieces */
  makeFeed(bytes: number, point?: SweepPoint | null): SinkFeed
  /** @returns `null` when the file is right, or a sentence that says what is wrong with it. */
  check(path: string, bytes: number, point?: SweepPoint | null): Promise<string | null>
}

/** One file, written from its beginning to its end by any subject. */
export function fileWorkload(content: FileContent): Workload {
  const { name, summary, defaultBytes, warmUpBytes } = content
  return {
    name,
    summary,
    defaultBytes,
    warmUpBytes,
    table: 'throughput',
    subjects: 'all',
    situations,
    writesOneFile: true,
    setUp: null,
    footprintPath: ({ path }) => path,
    async prepare(subject, { path, bytes, bytesPerSecond, point }) {
      const feed = content.makeFeed(bytes, point)
      return {
        async run() {
          const sink = await subject.open(path, point)
          const writeLatency = await feed.writeInto(sink, bytesPerSecond)
          return { bytes: await sink.finish(), writeLatency }
        },
      }
    },
    async check({ path, bytes, point }, writtenBytes) {
      return whyNotAll(writtenBytes, bytes) ?? (await content.check(path, bytes, point))
    },
  }
}

/** A subject has to say exactly how much it has written. */
export function whyNotAll(writtenBytes: number, bytes: number): string | null {
  return writtenBytes === bytes ? null : `it says to have written ${writtenBytes} bytes instead of ${bytes}`
}
