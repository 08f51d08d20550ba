import type { Sink } from '../subjects/subject.ts'
import type { Workload } from './workload.ts'

/** Something that puts pieces into a sink until all bytes are written. */
export interface SinkFeed {
  /** Puts everything into the sink, in order, heeding its backpressure. The sink is finished by the caller. */
  writeInto(sink: Sink): Promise<void>
}

/** What a workload that writes one file is told by. */
export interface FileContent {
  readonly name: string
  readonly summary: string
  readonly defaultBytes: number
  readonly quickBytes: number
  makeFeed(bytes: number): SinkFeed
  /** @returns `null` when the file is right, or a sentence that says what is wrong with it. */
  check(path: string, bytes: number): Promise<string | null>
}

/** One file, written from its beginning to its end by any subject. */
export function fileWorkload(content: FileContent): Workload {
  const { name, summary, defaultBytes, quickBytes } = content
  return {
    name,
    summary,
    defaultBytes,
    quickBytes,
    table: 'throughput',
    subjects: 'all',
    setUp: null,
    async prepare(subject, { path, bytes }) {
      const feed = content.makeFeed(bytes)
      return {
        async run() {
          const sink = await subject.open(path)
          await feed.writeInto(sink)
          return { bytes: await sink.finish() }
        },
      }
    },
    async check({ path, bytes }, writtenBytes) {
      if (writtenBytes !== bytes) return `it says to have written ${writtenBytes} bytes instead of ${bytes}`
      return await content.check(path, bytes)
    },
  }
}
