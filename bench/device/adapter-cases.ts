/** What stands between a program and its writer: streams, and those who listen to it. */
import { subscribe } from 'node:diagnostics_channel'
import fs from 'node:fs'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Registry } from 'prom-client'
import { createWriteStream } from 'uncached-io'
import { collectMetrics } from 'uncached-io/metrics'
import { KIB } from '../units.ts'
import { makeChunks } from '../workloads/large.ts'
import type { JobOutcome, ThroughputCase } from './cases.ts'

/** As fs.createReadStream reads. */
const PIECE_BYTES = 64 * KIB

function streamed(
  name: string,
  summary: string,
  cached: boolean,
  open: (path: string) => Writable & { readonly bytesWritten: number },
): ThroughputCase {
  return {
    name,
    summary,
    content: 'large',
    cached,
    prepare() {
      const chunks = makeChunks()
      return {
        async write(path, bytes): Promise<JobOutcome> {
          const stream = open(path)
          await pipeline(Readable.from(pieces(chunks, bytes), { objectMode: false }), stream)
          return { bytes: stream.bytesWritten, bufferBytes: null }
        },
      }
    },
  }
}

function* pieces(chunks: readonly Uint8Array[], bytes: number): Generator<Uint8Array> {
  for (let index = 0, leftBytes = bytes; leftBytes > 0; index = (index + 1) % chunks.length) {
    const chunk = chunks[index]!
    for (let at = 0; at < chunk.length && leftBytes > 0; at += PIECE_BYTES) {
      const piece = chunk.subarray(at, Math.min(at + PIECE_BYTES, at + leftBytes))
      leftBytes -= piece.length
      yield piece
    }
  }
}

/** The same case with something that listens, from before its first writer is opened. */
function heard(name: string, summary: string, same: ThroughputCase, listen: () => void): ThroughputCase {
  return {
    ...same,
    name,
    summary,
    prepare() {
      listen()
      return same.prepare()
    },
  }
}

function listenToAll(): void {
  const heardOf = { events: 0 }
  for (const name of ['open', 'flush', 'sync', 'downgrade', 'error', 'close']) {
    subscribe(`uncached-io:${name}`, () => {
      heardOf.events++
    })
  }
}

function collect(): void {
  collectMetrics(new Registry())
}

/** @param smallRecords what is heard: the case in which every call counts */
export function adapterCases(smallRecords: ThroughputCase): readonly ThroughputCase[] {
  return [
    heard('small-events', 'small-records, with a listener to every event', smallRecords, listenToAll),
    heard('small-metrics', 'small-records, with uncached-io/metrics', smallRecords, collect),
    streamed('stream', 'pipeline of 64 KiB into createWriteStream', false, (path) =>
      createWriteStream(path, { strategy: 'direct' }),
    ),
    streamed('fs-stream', 'the same into fs.createWriteStream, fsync', true, (path) =>
      fs.createWriteStream(path, { flush: true }),
    ),
  ]
}
