import { type Budget, processBudget, processMemory } from './budget.ts'
import { ceilTo } from './plan.ts'
import { Slab, slabOf } from './slab.ts'

/** What is kept in any case for the next writer, for a moment: enough for two to four writers. */
const sharedRetainedBytesMax = 16 * 1024 * 1024

/** How long memory is kept that nobody uses. Longer than the pause between two flushes, too short to be noticed. */
const idleMsMax = 1000

/** How often who waits for memory looks for himself: other threads can't tell him that they gave some back. */
const budgetPollMs = 20

/** Memory for how many bytes of buffers is made at once: four buffers of 1 MiB, two large pages. */
const slabBytes = 4 * 1024 * 1024

/** Aligned buffers shared by all writers of a thread, each of `byteLength` bytes at a multiple of `alignment`. */
export class BufferPool {
  #usedBytes = 0
  /** The most that was used since the last sweep. */
  #peakBytes = 0
  /** In the order they were made. */
  #slabs: Slab[] = []
  #waiting: (() => void)[] = []
  #sweeping = false

  /** @param retainedBytesMax kept for a moment when nobody used as much; and at most so much in slabs of several */
  constructor(
    private readonly budget: Budget,
    readonly retainedBytesMax: number,
  ) {}

  /** Bytes that writers hold now. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Bytes of memory of which nobody uses any. */
  get retainedBytes(): number {
    return sumOf(this.#slabs, (slab) => (slab.idle ? slab.bytes : 0))
  }

  /** Bytes that the ring writes from without pinning them each time. */
  get registeredBytes(): number {
    return sumOf(this.#slabs, (slab) => slab.registeredBytes)
  }

  /**
   * A buffer with any content, or null when the budget is used up. `always` is for what a writer needs to go on at all:
   * it is given beyond the budget.
   */
  take(byteLength: number, alignment: number, always: boolean): Buffer | null {
    if (!this.budget.take(byteLength, always)) return null
    try {
      const buffer = this.#kept(byteLength, alignment) ?? this.#made(byteLength, alignment)
      this.#usedBytes += byteLength
      this.#peakBytes = Math.max(this.#peakBytes, this.#usedBytes)
      return buffer
    } catch (error) {
      this.budget.give(byteLength)
      throw error
    }
  }

  /** Gives back what take gave, and tells those who wait. */
  give(buffer: Buffer, byteLength: number): void {
    this.putBack(buffer, byteLength)
    this.#tellWaiting()
  }

  /** As `give`, right after `take`: nobody has more than before, and two who wait would only wake each other. */
  putBack(buffer: Buffer, byteLength: number): void {
    this.#usedBytes -= byteLength
    this.budget.give(byteLength)
    const slab = slabOf.get(buffer) as Slab
    slab.give(buffer)
    if (!slab.idle) return
    this.#trim(this.#keptBytesMax)
    if (!this.#sweeping) this.#sweepLater()
  }

  /** Resolves when a buffer was given back here, or perhaps in another thread. */
  async given(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.#waiting.length === 0) setTimeout(() => this.#tellWaiting(), budgetPollMs)
      this.#waiting.push(resolve)
    })
  }

  /** What was used a moment ago is likely to be used again: buffers of one writer often come back all at once. */
  get #keptBytesMax(): number {
    return Math.max(this.retainedBytesMax, Math.min(this.#peakBytes, this.budget.capBytes))
  }

  #tellWaiting(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #kept(byteLength: number, alignment: number): Buffer | null {
    for (const slab of this.#slabs) {
      if (slab.byteLength !== byteLength || slab.alignment !== alignment) continue
      const buffer = slab.take()
      if (buffer !== null) return buffer
    }
    return null
  }

  #made(byteLength: number, alignment: number): Buffer {
    // What was kept for other sizes makes room.
    this.#trim(Math.max(0, this.#keptBytesMax - this.#usedBytes - byteLength))
    const slab = new Slab(byteLength, alignment, this.#countFor(ceilTo(byteLength, alignment)))
    this.#slabs.push(slab)
    return slab.take() as Buffer
  }

  /** How many buffers to make at once: as many as large pages want, while there are few; then one by one. */
  #countFor(strideBytes: number): number {
    const count = Math.round(slabBytes / strideBytes)
    if (count <= 1) return 1
    const most = this.retainedBytesMax - count * strideBytes
    const sharedBytes = () => sumOf(this.#slabs, (slab) => (slab.count > 1 ? slab.bytes : 0))
    // Memory of another size that nobody uses makes room.
    if (sharedBytes() > most) this.#trim(0)
    return sharedBytes() > most ? 1 : count
  }

  /** Gives memory that nobody uses back to the system until at most `bytes` of it are left, the longest unused first. */
  #trim(bytes: number): void {
    let excess = this.retainedBytes - bytes
    const idle = this.#slabs.filter((slab) => slab.idle).toSorted((a, b) => a.idleSinceMs - b.idleSinceMs)
    for (const slab of idle) {
      if (excess <= 0) return
      excess -= slab.bytes
      this.#drop(slab)
    }
  }

  #dropIdle(): void {
    this.#peakBytes = this.#usedBytes
    const before = performance.now() - idleMsMax
    for (const slab of this.#slabs.filter(({ idle, idleSinceMs }) => idle && idleSinceMs <= before)) this.#drop(slab)
    this.#sweeping = false
    if (this.#slabs.some((slab) => slab.idle)) this.#sweepLater()
  }

  #sweepLater(): void {
    this.#sweeping = true
    // Keeps no process alive.
    setTimeout(() => this.#dropIdle(), idleMsMax).unref()
  }

  #drop(slab: Slab): void {
    this.#slabs.splice(this.#slabs.indexOf(slab), 1)
    slab.release()
  }
}

function sumOf(slabs: readonly Slab[], bytesOf: (slab: Slab) => number): number {
  return slabs.reduce((sum, slab) => sum + bytesOf(slab), 0)
}

/** The pool of this thread. */
export const sharedPool = new BufferPool(processBudget, sharedRetainedBytesMax)

/** The memory of buffers, in bytes. */
export interface MemoryUse {
  /** What all writers of the process may hold together, but for two buffers each; see `setMemoryCap`. */
  readonly capBytes: number
  /** What they hold. */
  readonly heldBytes: number
  /** What this thread keeps for a moment for whoever writes next. */
  readonly retainedBytes: number
  /**
   * Of the memory of this thread, what io_uring writes from without pinning it each time. Stays behind what is held
   * where RLIMIT_MEMLOCK is low: the same writes then cost a little more.
   */
  readonly registeredBytes: number
}

/** @throws {UncachedIOError} ERR_UNSUPPORTED_PLATFORM, ERR_NO_BINARY */
export function memoryUse(): MemoryUse {
  const { retainedBytes, registeredBytes } = sharedPool
  return { ...processMemory(), retainedBytes, registeredBytes }
}
