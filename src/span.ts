import type { Borrowing } from './borrowings.ts'
import type { Range } from './inflight.ts'

/** One transfer: a range of the file, and the memory it is written from. `bytes[0]` goes to `start`. */
export class Span implements Range {
  doneBytes = 0
  state: Range['state'] = 'flying'

  /**
   * @param dataEnd file offset behind the caller's last byte: what follows up to the end of the transfer is padding
   * @param borrowing whose memory `bytes` is; null: it is a buffer of the pool
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly start: number,
    public end: number,
    public dataEnd: number = end,
    readonly borrowing: Borrowing | null = null,
  ) {}
}
