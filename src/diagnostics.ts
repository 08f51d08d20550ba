import { channel } from 'node:diagnostics_channel'
import type { Engine } from './engine.ts'
import type { Strategy } from './strategy.ts'
import type { Mode } from './writer-contract.ts'
import type { WriterProgress } from './writer-progress.ts'

/** A writer has begun a file: opened, or reset to it. */
export interface OpenEvent {
  readonly writer: WriterProgress
  readonly path: string
  readonly mode: Mode
}

/** All bytes accepted so far were brought to the file: by `flush`, `sync`, `warm`, `reset` or `end`. */
export interface FlushEvent {
  readonly writer: WriterProgress
  readonly path: string
  readonly latencyNs: number
  /** Bytes of the caller in the file by now. */
  readonly writtenBytes: number
}

/** Bytes were made durable. */
export interface SyncEvent {
  readonly writer: WriterProgress
  readonly path: string
  readonly latencyNs: number
  /** Bytes of the caller that are durable by now. */
  readonly syncedBytes: number
}

/** A file is not written as it was asked for, from the start or from now on. */
export interface DowngradeEvent {
  readonly writer: WriterProgress
  readonly path: string
  readonly asked: Strategy | 'auto'
  readonly from: Strategy | 'auto'
  readonly to: Strategy
  readonly why: string
}

/** A call was rejected because of the file: by the kernel, or because a promise was not kept. */
export interface ErrorEvent {
  /** Null: the file could not be opened. */
  readonly writer: WriterProgress | null
  readonly path: string
  readonly error: Error
  readonly code: string
  /** Whether the call may be tried again. */
  readonly retryable: boolean
}

/** A writer is done with a file: it has ended, gone on to another, or failed. */
export interface CloseEvent {
  readonly writer: WriterProgress
  readonly path: string
  readonly strategy: Strategy
  readonly engine: Engine
  readonly acceptedBytes: number
  readonly writtenBytes: number
  readonly syncedBytes: number
  readonly droppedBytes: number
  /** Why it failed; null when it ended. */
  readonly error: Error | null
}

/** The channels of node:diagnostics_channel. Ask `hasSubscribers` before anything is built for them. */
export const channels = {
  open: channel('uncached-io:open'),
  flush: channel('uncached-io:flush'),
  sync: channel('uncached-io:sync'),
  downgrade: channel('uncached-io:downgrade'),
  error: channel('uncached-io:error'),
  close: channel('uncached-io:close'),
} as const

/** Nanoseconds between two readings of `performance.now`. */
export function elapsedNs(beganMs: number): number {
  return Math.round((performance.now() - beganMs) * 1e6)
}
