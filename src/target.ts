import { constants } from 'node:os'
import { type Alignment, statusOf } from './alignment.ts'
import type { Binding, NativeFile } from './binding.ts'
import { CacheKeeper } from './cache-keeper.ts'
import type { Engine } from './engine.ts'
import { codeOf, detachedError, UncachedIOError } from './errors.ts'
import { type Footprint, FootprintCheck } from './footprint.ts'
import { type ByteRange, resolveRanges } from './kept-ranges.ts'
import { allocate } from './memory.ts'
import type { OpenFile } from './open-file.ts'
import type { PathLike, Settings } from './options.ts'
import { residencyOf } from './page-cache.ts'
import { exactLength, floorTo, keepsBehind, positionMax, progress, remaining } from './plan.ts'
import { placeOf } from './slab.ts'
import type { Span } from './span.ts'
import { type Strategy, type StrategyTraits, traitsOf } from './strategy.ts'

/** A file opened for a writer, nothing changed in it yet. */
export interface Opened {
  readonly target: Target
  /** Why the strategy is not the one asked for; null when it is. */
  readonly why: string | null
}

/** Opens a next file as the writer's first one was opened. */
export type OpenNext = (path: PathLike, next: Settings) => Promise<Opened>

/**
 * How often in a row the kernel may take nothing (or be interrupted) before a write is given up. A signal or a short
 * write comes once or twice; a hundred times without one block is a loop.
 */
const maxIdleAttempts = 100

/**
 * An open file under one strategy: every system call on it, in the order that makes its content, its length and its
 * name durable. Knows nothing of buffers, callers or concurrency.
 */
export class Target {
  /** File offset of the first byte to be written. Known after `begin`. */
  start = 0
  readonly path: string
  readonly descriptor: number
  /** Bytes that transfers brought to the file, by the strategy they were made under: padding and blocks written again too. */
  readonly transferredBytes: Record<Strategy, number> = { direct: 0, dontcache: 0, evict: 0, buffered: 0 }
  /** What the file asks for; null where nothing need be aligned. */
  readonly alignment: Alignment | null
  /** Offsets and lengths of transfers are multiples of this. 1 where nothing need be aligned. */
  readonly block: number
  /** Memory addresses of transfers are multiples of this. */
  readonly memoryAlignment: number
  /** Whether the file was made by opening it: nothing is lost when it is begun and then discarded. */
  readonly made: boolean
  /** What brings writes to the kernel. */
  readonly engine: Engine
  private readonly native: Binding
  private readonly file: NativeFile
  #strategy: Strategy
  #traits: StrategyTraits
  readonly #cache: CacheKeeper
  #footprint: FootprintCheck | undefined
  /** Bytes of the file that were in the cache before anything was written. */
  #baselineBytes = 0
  #lengthAtOpen = 0
  #preallocatedEnd = 0
  /** The file is at most this long: transfers may have been cut short, failed or padded. */
  #reach = 0
  #closed: Promise<void> | undefined
  #folder: Buffer | undefined

  constructor(
    private readonly opened: OpenFile,
    private readonly settings: Settings,
  ) {
    this.path = opened.path
    this.descriptor = opened.file.descriptor()
    this.#strategy = opened.strategy
    this.#traits = traitsOf[opened.strategy]
    this.alignment = opened.alignment
    this.block = opened.block
    this.memoryAlignment = opened.memoryAlignment
    this.made = opened.origin === 'made'
    this.engine = opened.engine
    this.native = opened.native
    this.file = opened.file
    this.#cache = new CacheKeeper(this.native, this.file, this.path)
  }

  get strategy(): Strategy {
    return this.#strategy
  }

  get traits(): StrategyTraits {
    return this.#traits
  }

  /** What was found of the footprint; null where it is not verified. */
  get footprint(): Footprint | null {
    return this.#footprint?.found ?? null
  }

  /**
   * From now on the footprint is looked at while writing. `onExcess` is told of each that is more than the strategy in
   * effect lets there be; `writtenBytes` of the file there are by then.
   */
  verify(writtenBytes: () => number, onExcess: (excess: string, residentBytes: number) => void): void {
    const { bufferSize, queueDepth } = this.settings
    const scope = () => ({
      strategy: this.#strategy,
      baselineBytes: this.#baselineBytes,
      keptBytes: this.#cache.kept.totalBytes,
      writtenBytes: writtenBytes(),
      buffersBytes: bufferSize * queueDepth,
    })
    this.#footprint = new FootprintCheck(this.native, this.file, scope, onExcess)
  }

  /** A last look at the footprint, if it is verified, when everything is durable. */
  async verifyAtEnd(): Promise<void> {
    await this.#footprint?.last()
  }

  /**
   * Goes on under another strategy, with the file and the alignment it was opened with: where a file system takes O_DIRECT
   * and uses the cache all the same, that changes nothing but what follows a write.
   */
  goOnAs(strategy: Strategy): void {
    this.#strategy = strategy
    this.#traits = traitsOf[strategy]
  }

  /** Reads a range of what is in the file into the page cache, where it stays when the rest is dropped. */
  async warm(range: ByteRange): Promise<void> {
    await this.#cache.warm(range)
  }

  /** As `warm`, what the caller asked for when opening, in a file that ends at `end`. */
  async warmKept(end: number): Promise<void> {
    for (const range of resolveRanges(this.settings.keepCached, end)) await this.warm(range)
  }

  /**
   * Preallocates and empties as the settings say; a file for which there is no space keeps its content. Gives the bytes
   * that stand before `start` in its block: they have to be written again with what follows.
   */
  async begin(): Promise<Uint8Array> {
    const { truncate, append } = this.settings
    const { size } = await statusOf(this.file)
    this.#lengthAtOpen = size
    this.#reach = size
    this.start = append ? size : this.settings.start
    if (this.settings.verify && size > 0 && !truncate) this.#baselineBytes = await this.residentBytes()
    await this.#preallocate()
    if (truncate && size > 0) {
      await this.file.ftruncate(0)
      this.#lengthAtOpen = 0
      this.#reach = 0
      await this.#preallocate()
    }
    if (this.opened.origin !== 'found') {
      this.#folder = await this.native.realFolder(this.opened.absolutePath)
    }
    const headBytes = this.start % this.block
    if (headBytes === 0) return new Uint8Array(0)
    return (await this.#readBlock(this.start - headBytes)).subarray(0, headBytes)
  }

  async #preallocate(): Promise<void> {
    const { preallocate } = this.settings
    if (preallocate === 0) return
    const end = this.start + preallocate
    // When space runs out half-way the file is longer all the same.
    this.#reach = Math.max(this.#reach, end)
    await this.file.fallocate(0, this.start, preallocate)
    this.#preallocatedEnd = end
  }

  /**
   * Writes a span whole, from where an earlier try of it stopped; then, under `evict`, waits for its writeback and
   * drops it. Calls one of the two when the kernel is done with its memory; after a failure `span.doneBytes` says how
   * far it came, in whole blocks.
   */
  write(span: Span, landed: () => void, failed: (error: unknown) => void): void {
    this.#reach = Math.max(this.#reach, span.end)
    this.#footprint?.begin()
    const strategy = this.#strategy
    // By callbacks, because the kernel takes nearly every write whole: then one promise is all it costs.
    this.#writeOnce(span).then(
      (takenBytes) => {
        this.transferredBytes[strategy] += takenBytes
        if (this.#traits.evictAfterWrite || !tookAll(span, takenBytes)) {
          this.#goOn(span, takenBytes).then(landed, failed)
          return
        }
        span.doneBytes += takenBytes
        landed()
      },
      (error: unknown) => {
        if (codeOf(error) === 'EINTR') this.#goOn(span, 0).then(landed, failed)
        else failed(error)
      },
    )
  }

  /** After the first attempt, of which the kernel took `takenBytes`. */
  async #goOn(span: Span, takenBytes: number): Promise<void> {
    let doneBytes = progress(takenBytes, this.block)
    span.doneBytes += doneBytes
    for (let idleAttempts = 0; span.start + span.doneBytes < span.end; ) {
      idleAttempts = doneBytes > 0 ? 0 : idleAttempts + 1
      if (idleAttempts > maxIdleAttempts) throw noProgress(this.path, span.start + span.doneBytes)
      const strategy = this.#strategy
      const againBytes = await this.#writeOnce(span).catch(takenWhenInterrupted)
      this.transferredBytes[strategy] += againBytes
      doneBytes = progress(againBytes, this.block)
      span.doneBytes += doneBytes
    }
    // The kernel only reads the memory, so losing it is no crash; but what it read is unknown.
    if (!holdsAll(span)) throw detachedError(this.path, `what is at ${span.start} is unknown`)
    if (this.#traits.evictAfterWrite) await this.#cache.evict(span.start, span.end - span.start)
  }

  /** One system call. Gives the bytes that the kernel took. */
  #writeOnce(span: Span): Promise<number> {
    const { from, position, length } = remaining(span.start, span.end, span.doneBytes)
    if (span.end > positionMax) return Promise.reject(tooFar(this.path, position))
    const flags = this.#traits.dontCache ? this.native.constants.RWF_DONTCACHE : 0
    const throughRing = this.engine === 'io_uring'
    try {
      const place = placeOf(span.bytes)
      return this.file.pwrite(span.bytes, from, length, position, flags, throughRing, place)
    } catch (error) {
      // What the addon refuses at once: memory that is gone, a file that was closed.
      return Promise.reject(error)
    }
  }

  /** Reads `length` bytes at `position`, both on blocks, or fewer at the end of the file. Gives the number read. */
  async read(into: Uint8Array, position: number, length: number): Promise<number> {
    let gotBytes = 0
    while (gotBytes < length) {
      const bytes = await this.file.pread(into, gotBytes, length - gotBytes, position + gotBytes, 0)
      gotBytes += bytes
      // A read that ends off the alignment has met the end of the file.
      if (bytes === 0 || gotBytes % (this.alignment?.readOffset ?? 1) !== 0) break
    }
    return gotBytes
  }

  /** What was in the file behind `position` in the same block before it was opened; null: nothing, pad with zeros. */
  async keptBehind(position: number): Promise<Uint8Array | null> {
    if (!keepsBehind(position, this.#lengthAtOpen, this.block)) return null
    const start = floorTo(position, this.block)
    return (await this.#readBlock(start)).subarray(position - start)
  }

  /** The block at `start`, zeros where the file is shorter. */
  async #readBlock(start: number): Promise<Buffer> {
    const block = allocate(this.block, this.memoryAlignment)
    return block.fill(0, await this.read(block, start, this.block))
  }

  /** Cuts off padding behind `writtenEnd` and, when the writer is done with the file, what was preallocated. */
  async settleLength(writtenEnd: number, done: boolean): Promise<void> {
    const length = exactLength(this.#lengthAtOpen, writtenEnd, done ? 0 : this.#preallocatedEnd)
    if (this.#reach > length) {
      await this.file.ftruncate(length)
      this.#reach = length
      this.#cache.noteCut(length)
    }
    if (done) this.#preallocatedEnd = 0
  }

  /**
   * Cuts the file behind `written`, when what follows is nobody's. Never rejects: a failure to do so adds nothing to
   * the one that led here.
   */
  async cutBehind(written: number): Promise<void> {
    await this.settleLength(written > this.start ? written : 0, true).catch(() => undefined)
  }

  /**
   * Makes everything in the file durable, and once its name if it was made here; then drops what the strategy does not
   * leave in the cache.
   */
  async sync(): Promise<void> {
    const cutFrom = this.#cache.takeCut()
    await this.file.fdatasync()
    const folder = this.#folder
    if (folder !== undefined) {
      await this.native.syncFolder(folder)
      this.#folder = undefined
    }
    await this.#cache.dropAfterSync(this.#traits, this.start, cutFrom)
  }

  /** Closes; called again, gives the same answer. */
  async close(): Promise<void> {
    this.#closed ??= (async () => {
      // The addon refuses to close what is being looked at.
      await this.#footprint?.settled()
      await this.file.close()
    })()
    await this.#closed
  }

  /**
   * Closes a file into which nothing was written, as it was: removes it when it was made here. Never rejects: whoever
   * discards has something worse to tell.
   */
  async discard(): Promise<void> {
    await this.settleLength(0, true).catch(() => undefined)
    await this.close().catch(() => undefined)
    if (this.made) await this.native.unlink(this.opened.absolutePath).catch(() => undefined)
  }

  /** Bytes of the file that are in the page cache now. */
  async residentBytes(): Promise<number> {
    return (await residencyOf(this.native, this.file)).residentBytes
  }
}

/** Whether the kernel, at the first attempt, took all that was left of a span. */
function tookAll(span: Span, takenBytes: number): boolean {
  return span.start + span.doneBytes + takenBytes === span.end && holdsAll(span)
}

/** Whether the memory is still there: a chunk can be transferred away while the kernel reads it. */
function holdsAll({ bytes, start, end }: Span): boolean {
  return bytes.length >= end - start
}

/** EINTR is a write of nothing. */
function takenWhenInterrupted(error: unknown): number {
  if (codeOf(error) === 'EINTR') return 0
  throw error
}

/** As the kernel answers where its own limit is lower. */
function tooFar(path: string, position: number): UncachedIOError {
  const errno = -constants.errno.EFBIG
  const message = `no file is written past ${positionMax} bytes, where positions would be rounded`
  return new UncachedIOError('EFBIG', `EFBIG: ${message}`, { path, position, syscall: 'pwritev2', errno })
}

function noProgress(path: string, position: number): UncachedIOError {
  return new UncachedIOError(
    'ERR_NO_PROGRESS',
    `the kernel took nothing of a write at ${position} of '${path}' ${maxIdleAttempts} times in a row`,
    { path, position, syscall: 'pwritev2' },
  )
}
