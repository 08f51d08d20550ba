import { binding } from './binding.ts'
import type { Borrowing } from './borrowings.ts'
import type { Filling } from './filling.ts'
import { buffersFor } from './plan.ts'
import { Span } from './span.ts'
import type { Target } from './target.ts'
import type { WriteBehind } from './write-behind.ts'

/** 1 MiB: from here on a write of its own costs less than the copy, whatever larger buffers there are. */
const lendFromBytes = 1024 * 1024

/** Which chunks go out from the caller's own memory, without a copy, and in which pieces. */
export class Lending {
  constructor(
    private readonly target: Target,
    private readonly filling: Filling,
    private readonly behind: WriteBehind,
    private readonly sizes: { readonly bufferSize: number; readonly queueDepth: number; readonly grain: number },
  ) {}

  /** A chunk of 1 MiB or of a buffer, on a block, whose memory is aligned, if that is all there is. */
  lendable(chunks: readonly Uint8Array[]): Uint8Array | null {
    const only = chunks.length === 1 ? (chunks[0] as Uint8Array) : null
    return only !== null && this.#aligned(only) ? only : null
  }

  /** Whether all of a chunk can go out at once: whole blocks, from a place where full buffers begin. */
  fits(bytes: Uint8Array): boolean {
    const { bufferSize, queueDepth, grain } = this.sizes
    const { filled, position } = this.filling
    if (filled > 0 || position % grain !== 0 || bytes.length % this.target.block !== 0) return false
    const fresh = { offset: position, filled: 0, limit: 0 }
    const pieces = buffersFor(bytes.length, fresh, bufferSize, this.target.block, grain)
    if (this.behind.outstanding + pieces > queueDepth) return false
    return this.#aligned(bytes)
  }

  /** The next piece of a chunk of which `wholeBytes` are lent. The filling moves on over it. */
  piece(bytes: Uint8Array, from: number, wholeBytes: number, borrowing: Borrowing): Span {
    const start = this.filling.offset
    const count = this.filling.advance(wholeBytes - from)
    borrowing.parts++
    return new Span(bytes.subarray(from, from + count), start, start + count, start + count, borrowing)
  }

  #aligned(bytes: Uint8Array): boolean {
    const leastBytes = Math.min(this.sizes.bufferSize, lendFromBytes)
    if (bytes.length < leastBytes || this.filling.filled % this.target.block !== 0) return false
    return binding().misalignment(bytes, this.target.memoryAlignment) === 0
  }
}
