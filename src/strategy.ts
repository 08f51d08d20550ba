import { constants } from 'node:fs'

/** How a file's bytes reach the disk. */
export type Strategy = 'direct' | 'dontcache' | 'evict' | 'buffered'

export const strategies: readonly Strategy[] = ['direct', 'dontcache', 'evict', 'buffered']

/** A strategy as data: what differs between them, for the one writer that runs all four. */
export interface StrategyTraits {
  /** Added to the flags of open(2). O_DIRECT from the start: some file systems refuse to turn it on later. */
  readonly openFlags: number
  /** Whether offsets, lengths and memory must be aligned. */
  readonly aligned: boolean
  /** Whether writes carry RWF_DONTCACHE. */
  readonly dontCache: boolean
  /** Whether each write is followed by its writeback and eviction before its buffer is used again. */
  readonly evictAfterWrite: boolean
  /** What of the file is dropped from the page cache after a sync, when all of it is clean. */
  readonly dropAfterSync: 'cut pages' | 'written' | 'nothing'
}

export const traitsOf: Readonly<Record<Strategy, StrategyTraits>> = {
  // O_DIRECT past the cache. Cutting a file inside a page brings that page into the cache: it is dropped again.
  direct: {
    openFlags: constants.O_DIRECT ?? 0,
    aligned: true,
    dontCache: false,
    evictAfterWrite: false,
    dropAfterSync: 'cut pages',
  },
  // pwritev2 with RWF_DONTCACHE, Linux 6.14: through the cache, dropped by the kernel once written back.
  dontcache: {
    openFlags: 0,
    aligned: false,
    dontCache: true,
    evictAfterWrite: false,
    dropAfterSync: 'written',
  },
  // Through the cache, written back by sync_file_range and dropped by fadvise DONTNEED behind the write position.
  evict: {
    openFlags: 0,
    aligned: false,
    dontCache: false,
    evictAfterWrite: true,
    dropAfterSync: 'written',
  },
  // As everybody writes.
  buffered: {
    openFlags: 0,
    aligned: false,
    dontCache: false,
    evictAfterWrite: false,
    dropAfterSync: 'nothing',
  },
}
