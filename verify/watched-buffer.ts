import { type Fill, floorTo, grainOf, sealAt, tailOf } from '../src/plan.ts'

/**
 * The buffer being filled and the tail, see Filling, and the byte that it holds for one position of the file.
 *
 * @invariant this.block <= this.bufferSize && this.bufferSize % this.block === 0 && this.bufferSize <= 1_073_741_824
 * @invariant 0 <= this.offset && this.offset % this.block === 0 && 0 <= this.filled
 * @invariant this.limit === 0 ? this.filled < this.block : this.filled <= this.limit
 * @invariant this.limit >= 0 && this.limit % this.block === 0 && this.limit <= this.bufferSize
 * @invariant this.offset + this.filled <= 9_000_100_000_000_000
 */
export class WatchedBuffer {
  offset = 0
  filled = 0
  limit = 0
  held = 0

  /** @requires block <= bufferSize && bufferSize % block === 0 && bufferSize <= 1_073_741_824 */
  constructor(
    readonly block: number,
    readonly bufferSize: number,
  ) {}

  get position(): number {
    return this.offset + this.filled
  }

  get fill(): Fill {
    return { offset: this.offset, filled: this.filled, limit: this.limit }
  }

  /** How much may be filled or lent in one piece. */
  get piece(): number {
    return sealAt(this.offset, this.bufferSize, this.block, grainOf(this.block))
  }

  /**
   * The block in which a file starts is read.
   *
   * @requires 0 <= start && start <= 9_000_000_000_000_000
   */
  open(start: number, byte: number): void {
    this.offset = floorTo(start, this.block)
    this.filled = start - this.offset
    this.limit = 0
    this.held = byte
  }

  attach(): void {
    if (this.limit === 0) this.limit = this.piece
  }

  /** @requires 0 <= count && count <= this.limit - this.filled && this.position + count <= 9_000_100_000_000_000 */
  take(count: number): void {
    this.filled += count
  }

  keepTail(): void {
    const tail = tailOf(this.fill, this.block)
    this.offset = tail.offset
    this.filled = tail.filled
    this.limit = tail.limit
  }

  /**
   * Whole blocks went by it.
   *
   * @requires this.filled === 0 && 0 <= count && count % this.block === 0 && count <= 1_073_741_824
   * @requires this.offset <= 9_000_000_000_000_000
   */
  skip(count: number): void {
    this.limit = 0
    this.offset += count
  }

  /** @requires this.filled < this.block */
  giveBack(): void {
    this.limit = 0
  }

  /**
   * Comes back to an earlier position, of whose block `held` is the byte.
   *
   * @requires 0 <= position && position <= this.position
   * @ensures this.position === position
   */
  restore(position: number, held: number): void {
    const boundary = floorTo(position, this.block)
    if (this.limit > 0 && this.offset <= boundary) {
      this.filled = position - this.offset
    } else {
      this.offset = boundary
      this.filled = position - boundary
      this.limit = 0
      this.held = held
    }
  }
}
