import { markAsUntransferable } from 'node:worker_threads'
import { binding } from './binding.ts'
import { ringRuns } from './engine.ts'
import { allocate, allocateLarge, largePageBytes } from './memory.ts'
import { ceilTo } from './plan.ts'

/** Larger slabs are not registered: pinning all of their pages at once would hold up the event loop. */
const registeredBytesMax = 16 * 1024 * 1024

/** What stands for "no place in the ring's table". */
const noPlace = -1

/** The slab that each buffer is of. */
export const slabOf = new WeakMap<Uint8Array, Slab>()

/** The place in the ring's table of the memory that a buffer is of; negative for any other memory. */
export function placeOf(bytes: Uint8Array): number {
  return slabOf.get(bytes)?.place ?? noPlace
}

/** Memory for several buffers of one size, so that they can share large pages and one place in the ring's table. */
export class Slab {
  readonly #memory: Buffer
  /** With what it is too large by, which malloc may have touched. */
  readonly #whole: Uint8Array
  readonly #free: Buffer[]
  /** Whether it was tried to register it. Where it was refused writes are the same, and dearer without large pages. */
  #tried = false
  /** In the ring's table; negative: none. */
  place = noPlace
  /** When it was last given a buffer back, in ms of `performance.now`. */
  idleSinceMs = 0

  constructor(
    readonly byteLength: number,
    readonly alignment: number,
    readonly count: number,
  ) {
    const stride = ceilTo(byteLength, alignment)
    const bytes = stride * (count - 1) + byteLength
    this.#memory = bytes < largePageBytes ? allocate(bytes, alignment) : allocateLarge(bytes, alignment)
    this.#whole = new Uint8Array(this.#memory.buffer)
    // A slot of reserve() is a view of this memory: postMessage must not carry it off under a write in flight.
    markAsUntransferable(this.#memory.buffer)
    // The last one first in the list: buffers are taken from its end, so memory is touched from its beginning.
    this.#free = Array.from({ length: count }, (_, i) => {
      const start = stride * (count - 1 - i)
      const buffer = this.#memory.subarray(start, start + byteLength)
      slabOf.set(buffer, this)
      return buffer
    })
  }

  /** 0 when somebody detached the memory: it can be used no more. */
  get bytes(): number {
    return this.#memory.byteLength
  }

  /** Whether all of its buffers are here. */
  get idle(): boolean {
    return this.#free.length === this.count
  }

  /** Bytes that the ring writes from without pinning them each time. */
  get registeredBytes(): number {
    return this.place >= 0 ? this.bytes : 0
  }

  /** A buffer with any content, null when all are out. */
  take(): Buffer | null {
    return this.bytes === 0 ? null : (this.#free.pop() ?? null)
  }

  give(buffer: Buffer): void {
    this.#free.push(buffer)
    this.idleSinceMs = performance.now()
    // Not before its first use: who writes ten bytes and ends has touched one page, and shall not pin all of them.
    if (this.place < 0 && !this.#tried && ringRuns()) this.#register()
  }

  /** Gives the memory back to the system at once, whenever this object may be collected. Only when it is idle. */
  release(): void {
    this.#free.length = 0
    try {
      binding().releaseMemory(this.#whole, this.place)
    } catch {
      // Locked by mlockall: it goes with the object.
    }
    this.place = noPlace
  }

  #register(): void {
    this.#tried = true
    if (this.bytes < largePageBytes || this.bytes > registeredBytesMax) return
    try {
      this.place = binding().registerBuffer(this.#memory)
    } catch {
      // RLIMIT_MEMLOCK, mostly; memoryUse tells. Not tried again: it would fail with every buffer.
    }
  }
}
