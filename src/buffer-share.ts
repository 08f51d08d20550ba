import type { BufferPool } from './buffer-pool.ts'

/**
 * Two buffers a writer always gets, whatever others hold: any slot and any chunk of up to a buffer fits into them, and
 * writers that wait for each other's memory would wait for ever.
 */
const guaranteedBuffers = 2

/** What one writer holds of the shared pool: buffers of one size, at most `buffersMax` with what is in use. */
export class BufferShare {
  readonly #spares: Buffer[] = []

  constructor(
    private readonly pool: BufferPool,
    private readonly bufferBytes: number,
    private readonly alignment: number,
    private readonly buffersMax: number,
  ) {}

  /** A spare buffer, or a new one if the writer, of whose buffers `inUse` are in use, may have one more. */
  take(inUse: number): Buffer | null {
    return this.#spares.pop() ?? this.#new(inUse)
  }

  /** Lays in spare buffers up to `count`; false when the writer may not have so many. */
  stock(count: number, inUse: number): boolean {
    while (this.#spares.length < count) {
      const buffer = this.#new(inUse)
      if (buffer === null) {
        // What is not enough for us may be enough for others.
        this.giveSpares()
        return false
      }
      this.#spares.push(buffer)
    }
    return true
  }

  give(buffer: Buffer): void {
    this.pool.give(buffer, this.bufferBytes, this.alignment)
  }

  giveSpares(): void {
    for (const spare of this.#spares.splice(0)) this.give(spare)
  }

  #new(inUse: number): Buffer | null {
    const held = inUse + this.#spares.length
    if (held >= this.buffersMax) return null
    return this.pool.take(this.bufferBytes, this.alignment, held < guaranteedBuffers)
  }
}
