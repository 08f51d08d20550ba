import type { BufferPool } from './buffer-pool.ts'
import { allocate } from './memory.ts'

/**
 * Two buffers a writer always gets, whatever others hold: any slot and any chunk of up to a buffer fits into them, and
 * writers that wait for each other's memory would wait for ever.
 */
const guaranteedBuffers = 2

/** Writers that were collected without an end: what they held is the pool's again. A write in flight keeps its writer. */
const forgotten = new FinalizationRegistry<BufferShare>((share) => share.giveAll())

/** What one writer holds of the shared pool: buffers of one size, at most `buffersMax` with what is in use. */
export class BufferShare {
  readonly #spares: Buffer[] = []
  readonly #held = new Set<Buffer>()

  /** @param owner who uses it; not referred to from here */
  constructor(
    owner: object,
    private readonly pool: BufferPool,
    private readonly bufferBytes: number,
    private readonly alignment: number,
    private readonly buffersMax: number,
  ) {
    forgotten.register(owner, this)
  }

  /** A spare buffer, or a new one if the writer, of whose buffers `inUse` are in use, may have one more. */
  take(inUse: number): Buffer | null {
    return this.#spares.pop() ?? this.#new(inUse)
  }

  /** Lays in spare buffers up to `count`; false when the writer may not have so many. */
  stock(count: number, inUse: number): boolean {
    const before = this.#spares.length
    while (this.#spares.length < count) {
      const buffer = this.#new(inUse)
      if (buffer === null) {
        // What is not enough for us may be enough for others.
        for (const spare of this.#spares.splice(before)) this.#letGo(spare, false)
        this.giveSpares()
        return false
      }
      this.#spares.push(buffer)
    }
    return true
  }

  /**
   * Memory of `byteLength` bytes for `work`: a buffer, or with all of them in use a block of `grain` bytes, which has to
   * do.
   */
  async lend(inUse: number, byteLength: number, grain: number, work: (memory: Buffer) => Promise<void>): Promise<void> {
    const buffer = this.take(inUse)
    try {
      await work(buffer?.subarray(0, byteLength) ?? allocate(grain, grain))
    } finally {
      if (buffer !== null) this.give(buffer)
    }
  }

  give(buffer: Buffer): void {
    this.#letGo(buffer, true)
  }

  giveSpares(): void {
    for (const spare of this.#spares.splice(0)) this.give(spare)
  }

  /** Gives back what nobody can use any more. */
  giveAll(): void {
    for (const buffer of this.#held) this.give(buffer)
  }

  #new(inUse: number): Buffer | null {
    const held = inUse + this.#spares.length
    if (held >= this.buffersMax) return null
    const buffer = this.pool.take(this.bufferBytes, this.alignment, held < guaranteedBuffers)
    if (buffer !== null) this.#held.add(buffer)
    return buffer
  }

  #letGo(buffer: Buffer, tell: boolean): void {
    this.#held.delete(buffer)
    if (tell) this.pool.give(buffer, this.bufferBytes)
    else this.pool.putBack(buffer, this.bufferBytes)
  }
}
