/** What can be set, with every default and its reason. */

import type { Strategy } from 'uncached-io'

export type { Strategy } from 'uncached-io'

/** How the bytes of a path can get to the disk: all strategies of the package, in the order of tables and messages. */
export const strategies: readonly Strategy[] = ['direct', 'dontcache', 'evict', 'buffered']

/** A strategy for each kind of file, as Prometheus's flag `use-uncached-io` is one for chunks. */
export interface Strategies {
  readonly chunks: Strategy
  readonly index: Strategy
  readonly wal: WalStrategy
}

/** `auto`: by the sync policy, the best one that is possible. */
export type WalStrategy = Strategy | 'auto'

/** When the WAL is made durable: never by itself, after each batch, or when this many milliseconds have gone by. */
export type SyncPolicy = 'never' | 'every-batch' | { readonly everyMs: number }

export interface Settings {
  readonly strategies: Strategies
  /** Bytes of a chunk segment file at most, preallocated and cut to what was written. */
  readonly chunkSegmentBytes: number
  /** Bytes of a WAL segment file at most: whole pages. */
  readonly walSegmentBytes: number
  readonly walSync: SyncPolicy
  /** The time that a block covers, in milliseconds: blocks begin at multiples of it. */
  readonly blockRangeMs: number
}

const MIB = 1024 * 1024
const HOUR_MS = 3_600_000

export const defaultSettings: Settings = {
  strategies: { chunks: 'direct', index: 'direct', wal: 'auto' },
  // The following are Prometheus's own.
  chunkSegmentBytes: 512 * MIB,
  walSegmentBytes: 128 * MIB,
  walSync: 'never',
  blockRangeMs: 2 * HOUR_MS,
}
