/** What is run, by name. */
import { DirectIOWriter, type Engine } from 'uncached-io'
import { fsFileHandle } from '../subjects/fs-filehandle.ts'
import { fsWriteStream } from '../subjects/fs-write-stream.ts'
import { explain } from '../subjects/strategies.ts'
import type { Subject } from '../subjects/subject.ts'
import { MIB } from '../units.ts'
import { largeContent, makeChunks } from '../workloads/large.ts'
import { adapterCases } from './adapter-cases.ts'
import { ChunkFeed } from './chunk-feed.ts'
import { commandCase } from './command-case.ts'
import { ChunkCopyLoop, CopyLoop } from './copy-loop.ts'
import type { Feed } from './feed.ts'
import { ReserveFeed, WriteSyncFeed } from './record-feed.ts'
import { SyncStretches } from './sync-stretches.ts'

/** What a job came to, beside the time that it took. */
export interface JobOutcome {
  readonly bytes: number
  /** What the writer may hold by its own rules, `bufferSize * queueDepth`; `null` where there is no such rule. */
  readonly bufferBytes: number | null
}

/** Everything is made that has to be there before the clock starts. */
export interface Job {
  /** Opens, writes, makes durable, closes. May be called for one file after the other. */
  write(path: string, bytes: number): Promise<JobOutcome>
}

/** Run in pairs with fio, for throughput and CPU. */
export interface ThroughputCase {
  readonly name: string
  readonly summary: string
  /** The workload whose content the file has; `null` where there is no file. */
  readonly content: 'large' | 'small-records' | null
  /** Whether the page cache is used, so that its memory has to be warm. */
  readonly cached: boolean
  prepare(): Job
}

/** Run beside timers and calls of `stat`. */
export interface LoopCase {
  readonly name: string
  readonly summary: string
  readonly engine: Engine
  makeFeed(): Feed
  /** What the program does besides writing, alone; `null` where that is nothing. */
  readonly alone: ((bytes: number) => Promise<unknown>) | null
}

const feeds = {
  chunks: () => new ChunkFeed(makeChunks()),
  copiedChunks: () => new ChunkFeed(makeOrdinaryChunks()),
  records: () => new WriteSyncFeed(),
  slots: () => new ReserveFeed(),
} satisfies Record<string, () => Feed>

/** What a program has that does not know of alignment. */
function makeOrdinaryChunks(): Uint8Array[] {
  return makeChunks().map((chunk) => {
    const ordinary = Buffer.alloc(MIB)
    ordinary.set(chunk)
    return ordinary
  })
}

interface OurWay {
  readonly engine: Engine
  readonly preallocate: boolean
}

const usual: OurWay = { engine: 'io_uring', preallocate: true }

/** A direct writer of ours, with its defaults but for what `way` says. */
export async function writeWith(
  feed: Feed,
  { engine, preallocate }: OurWay,
  path: string,
  bytes: number,
  stretches: SyncStretches,
): Promise<JobOutcome> {
  try {
    const writer = await DirectIOWriter.open(path, { engine, preallocate: preallocate ? bytes : 0 })
    await feed.write(writer, bytes, stretches)
    return { bytes: await writer.end(), bufferBytes: writer.bufferSize * writer.queueDepth }
  } catch (error) {
    throw explain(error)
  }
}

function ours(
  name: string,
  summary: string,
  content: 'large' | 'small-records',
  makeFeed: () => Feed,
  way: Partial<OurWay> = {},
): ThroughputCase {
  return {
    name,
    summary,
    content,
    cached: false,
    prepare() {
      const feed = makeFeed()
      return { write: (path, bytes) => writeWith(feed, { ...usual, ...way }, path, bytes, new SyncStretches()) }
    },
  }
}

function cached(subject: Subject): ThroughputCase {
  return {
    name: subject.name,
    summary: `${subject.name === 'fs-filehandle' ? 'FileHandle.write' : 'fs.createWriteStream'}, 1 MiB, fsync`,
    content: 'large',
    cached: true,
    prepare() {
      return {
        async write(path, bytes) {
          const sink = await subject.open(path)
          await largeContent.makeFeed(bytes).writeInto(sink)
          return { bytes: await sink.finish(), bufferBytes: null }
        },
      }
    },
  }
}

function copying(name: string, of: string, makeLoop: () => { run(bytes: number): number }): ThroughputCase {
  return {
    name,
    summary: `the copying of ${of} alone: no file, no writer`,
    content: null,
    cached: false,
    prepare() {
      const loop = makeLoop()
      return { write: async (_, bytes) => ({ bytes: loop.run(bytes), bufferBytes: null }) }
    },
  }
}

function copyAlone(bytes: number): Promise<number> {
  return new CopyLoop().runInTurns(bytes)
}

const smallRecords = ours('small-records', '157 bytes in 4 pieces, writeSync', 'small-records', feeds.records)

/** All that is run in pairs with fio, in the order of the table. */
export const throughputCases: readonly ThroughputCase[] = [
  ours('large', 'aligned chunks of 1 MiB, not copied', 'large', feeds.chunks),
  ours('large-threads', 'the same, with the engine threads', 'large', feeds.chunks, { engine: 'threads' }),
  ours('large-growing', 'the same, without preallocation', 'large', feeds.chunks, { preallocate: false }),
  ours('large-copied', 'ordinary Buffers of 1 MiB, copied', 'large', feeds.copiedChunks),
  copying('copy-chunks', 'large-copied', () => new ChunkCopyLoop(makeOrdinaryChunks())),
  smallRecords,
  ours('small-threads', 'the same, with the engine threads', 'small-records', feeds.records, { engine: 'threads' }),
  ours('small-reserve', '157 bytes by reserve and commit', 'small-records', feeds.slots),
  copying('copy-loop', 'small-records', () => new CopyLoop()),
  ...adapterCases(smallRecords),
  commandCase,
  cached(fsFileHandle),
  cached(fsWriteStream),
]

/** All that is run beside timers, in the order of the table. */
export const loopCases: readonly LoopCase[] = (['io_uring', 'threads'] as const).flatMap((engine) => [
  { name: `small-records ${engine}`, summary: 'small-records', engine, makeFeed: feeds.records, alone: copyAlone },
  { name: `large ${engine}`, summary: 'large', engine, makeFeed: feeds.chunks, alone: null },
])

/** @throws when there is no case of this name; names from outside are checked where options are read. */
export function caseNamed<Case extends { readonly name: string }>(cases: readonly Case[], name: string): Case {
  const found = cases.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no case is named ${name}`)
  return found
}
