import type { Range } from '../src/inflight.ts'

/** A transfer on its way, and what its memory holds for the watched byte. */
export class WatchedRange implements Range {
  doneBytes = 0

  constructor(
    readonly start: number,
    public end: number,
    public dataEnd: number,
    public state: Range['state'],
    readonly content: number,
    readonly address: number,
  ) {}
}

/**
 * What direct I/O asks of a system call.
 *
 * @requires position % block === 0 && length % block === 0 && length > 0 && position >= 0
 * @requires address % memory === 0
 */
export function transfer(position: number, length: number, address: number, block: number, memory: number): boolean {
  return position >= 0 && length > 0 && address >= 0 && block > 0 && memory > 0
}
