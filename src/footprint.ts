import type { Binding, NativeFile } from './binding.ts'
import { UncachedIOError } from './errors.ts'
import { type PageCacheResidency, residencyOf } from './page-cache.ts'
import type { Strategy } from './strategy.ts'

/** What a writer found of its own file in the page cache. */
export interface Footprint {
  /** Bytes that were there when it last looked. */
  readonly residentBytes: number
  /** The most that it saw. */
  readonly peakBytes: number
  /** How often it looked. */
  readonly checks: number
}

/**
 * 64 KiB: the kernel zeroes the rest of a page through the cache when a file is cut inside it, a page at each flush until
 * the next sync drops them.
 */
export const cutPagesBytesMax = 64 * 1024

/** 5 %: what may stay of a large file, where the kernel had a page in use at the moment it was to be dropped. */
const residualShareMax = 0.05

/** Twice of what was ever seen of RWF_DONTCACHE between writing and writeback, at full speed. */
const dontCacheBytesMax = 256 * 1024 * 1024

/** What the limits depend on. */
export interface FootprintScope {
  readonly strategy: Strategy
  /** Of the file, when it was opened or emptied: pages that nobody need drop. */
  readonly baselineBytes: number
  /** What the caller wants to have in the cache. */
  readonly keptBytes: number
  /** In the file by this writer. */
  readonly writtenBytes: number
  /** What `queueDepth` buffers hold. */
  readonly buffersBytes: number
}

/** What is wrong with a footprint under its strategy; null when nothing is. `settled`: synced, and nothing under way. */
export function excessOf(seen: PageCacheResidency, scope: FootprintScope, settled: boolean): string | null {
  const { strategy } = scope
  if (strategy === 'buffered') return null
  const underWayBytes = (seen.dirtyBytes ?? 0) + (seen.writebackBytes ?? 0)
  if (strategy === 'direct' && underWayBytes > cutPagesBytesMax) {
    return `its writes go through the page cache: ${underWayBytes} bytes wait there for the disk`
  }
  const ownBytes = seen.residentBytes - scope.baselineBytes - scope.keptBytes
  const limitBytes = residualLimit(scope, settled)
  if (ownBytes <= limitBytes) return null
  return `${ownBytes} bytes of it are in the page cache, ${limitBytes} may be`
}

function residualLimit({ strategy, writtenBytes, buffersBytes }: FootprintScope, settled: boolean): number {
  const residualBytes = Math.max(cutPagesBytesMax, Math.floor(writtenBytes * residualShareMax))
  if (settled || strategy === 'direct') return residualBytes
  return residualBytes + (strategy === 'dontcache' ? dontCacheBytesMax : 2 * buffersBytes)
}

/** A footprint that is not what the strategy promises, as an error. */
export function footprintError(
  path: string,
  strategy: Strategy,
  residentBytes: number,
  excess: string,
): UncachedIOError {
  const message = `${strategy} does not keep '${path}' out of the page cache: ${excess}`
  return new UncachedIOError('ERR_FOOTPRINT', message, { path, residentBytes })
}

/**
 * Looks at the footprint of one open file, one look at a time. Whether what it sees is too much is asked of `scope` after
 * each look; `onExcess` is told.
 */
export class FootprintCheck {
  #residentBytes = 0
  #peakBytes = 0
  #checks = 0
  #running: Promise<void> | undefined

  constructor(
    private readonly native: Binding,
    private readonly file: NativeFile,
    private readonly scope: () => FootprintScope,
    private readonly onExcess: (excess: string, residentBytes: number) => void,
  ) {}

  get found(): Footprint {
    return { residentBytes: this.#residentBytes, peakBytes: this.#peakBytes, checks: this.#checks }
  }

  /** Begins a look, unless one is under way. What keeps it from looking is no failure of the writing. */
  begin(): void {
    this.#running ??= this.#look(false)
      .catch(() => undefined)
      .finally(() => {
        this.#running = undefined
      })
  }

  /** Resolves when no look is under way. */
  async settled(): Promise<void> {
    await this.#running
  }

  /**
   * A last look, when everything is durable and nothing under way.
   *
   * @throws the kernel's error: what can't be verified must not pass for verified
   */
  async last(): Promise<void> {
    await this.settled()
    await this.#look(true)
  }

  async #look(settled: boolean): Promise<void> {
    const seen = await residencyOf(this.native, this.file)
    this.#checks++
    this.#residentBytes = seen.residentBytes
    this.#peakBytes = Math.max(this.#peakBytes, seen.residentBytes)
    const excess = excessOf(seen, this.scope(), settled)
    if (excess !== null) this.onExcess(excess, seen.residentBytes)
  }
}
