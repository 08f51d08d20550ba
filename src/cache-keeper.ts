import type { Binding, NativeFile } from './binding.ts'
import { codeOf, UncachedIOError } from './errors.ts'
import { hidesPages } from './file-system.ts'
import { type ByteRange, KeptRanges } from './kept-ranges.ts'
import { floorTo } from './plan.ts'
import type { StrategyTraits } from './strategy.ts'

/** What of one file leaves the page cache and when, and what stays there. */
export class CacheKeeper {
  readonly kept: KeptRanges
  readonly #pageSize: number
  /** Where the kernel brought a page into the cache since the last sync, because a cut fell inside it. */
  #cutFrom: number | undefined

  constructor(
    private readonly native: Binding,
    private readonly file: NativeFile,
    private readonly path: string,
  ) {
    this.#pageSize = native.constants.pageSize
    this.kept = new KeptRanges(this.#pageSize)
  }

  /** Waits for the writeback of what was just written, and drops it. */
  async evict(start: number, length: number): Promise<void> {
    const c = this.native.constants
    const wait = c.SYNC_FILE_RANGE_WAIT_BEFORE | c.SYNC_FILE_RANGE_WRITE | c.SYNC_FILE_RANGE_WAIT_AFTER
    try {
      // sync_file_range looks at the pages of the file itself, which on overlayfs has none.
      if (await hidesPages(this.file)) await this.file.fdatasync()
      else await this.file.syncFileRange(start, length, wait)
    } catch (error) {
      throw writebackFailure(error, this.path, start)
    }
    // DONTNEED leaves a page that is only partly in its range: begin with the one that the last span ended in.
    const from = floorTo(start, this.#pageSize)
    await this.#drop(from, start + length - from)
  }

  /** The kernel zeroes the rest of a page through the cache when it cuts a file inside it. */
  noteCut(length: number): void {
    if (length % this.#pageSize !== 0) this.#cutFrom = Math.min(this.#cutFrom ?? length, length)
  }

  /** To be called before a sync: what is cut while the disk syncs is dirty again, and the next sync's. */
  takeCut(): number | undefined {
    const cutFrom = this.#cutFrom
    this.#cutFrom = undefined
    return cutFrom
  }

  /** Drops what the strategy does not leave in the cache, all of it being clean. */
  async dropAfterSync({ dropAfterSync }: StrategyTraits, start: number, cutFrom: number | undefined): Promise<void> {
    if (dropAfterSync === 'written') await this.#drop(floorTo(start, this.#pageSize), 0)
    else if (dropAfterSync === 'cut pages' && cutFrom !== undefined)
      await this.#drop(floorTo(cutFrom, this.#pageSize), 0)
  }

  /** Reads a range of what is in the file into the cache, where it stays. */
  async warm(range: ByteRange): Promise<void> {
    if (range.length === 0) return
    const { offset, length } = this.kept.add(range)
    try {
      await this.file.populate(offset, length)
    } catch (error) {
      // Before Linux 5.14 the kernel has begun to read, and that is all it can be asked for.
      if (codeOf(error) !== 'EINVAL') throw error
    }
  }

  async #drop(offset: number, length: number): Promise<void> {
    for (const gap of this.kept.gaps(offset, length)) {
      await this.file.fadvise(gap.offset, gap.length, this.native.constants.POSIX_FADV_DONTNEED)
    }
  }
}

/** A failed writeback is final whatever its code, as a failed fsync is: the kernel tells it once and forgets. */
function writebackFailure(error: unknown, path: string, position: number): UncachedIOError {
  const { message, code, errno, syscall } = error as Error & { code: string; errno: number; syscall: string }
  return new UncachedIOError(code, message, {
    errno,
    syscall,
    path,
    position,
    retryable: false,
    cause: error,
  })
}
