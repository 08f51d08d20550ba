/** What is compared: a way to get bytes into a file, durably. */
import type { Strategy } from 'uncached-io'
import type { SweepPoint } from '../run/result.ts'

/** An open file that takes pieces in order. */
export interface Sink {
  /**
   * Takes one piece, whole. The caller leaves the piece's memory as it is until the run is over.
   *
   * @returns `null` when the next piece may follow at once, or a promise to await before it.
   */
  put(piece: Buffer): Promise<void> | null
  /**
   * Writes what is still buffered, makes the file durable and closes it.
   *
   * @returns how many bytes the subject says it has written.
   */
  finish(): Promise<number>
}

/** What a subject promises about the page cache. Checked against the worst round, marked when broken. */
export interface ResidencyClaim {
  /** Most bytes of the file in the cache while writing; absent where nothing is promised. */
  readonly peakBytesMax?: number
  /** Largest share of the file in the cache after close: 0 is "not a page". */
  readonly residualShareMax: number
}

export interface Subject {
  readonly name: string
  /** One line for `--help`: what it does, and how it treats small pieces. */
  readonly summary: string
  /** `null` for subjects that go through the page cache and say so. */
  readonly claim: ResidencyClaim | null
  /** The strategy of this package that it stands for; `null` for others. */
  readonly strategy: Strategy | null
  /**
   * Creates the file and opens it.
   *
   * @param point of a sweep: the size of a buffer, and how many may be in flight
   * @throws {UnsupportedError} where that cannot be done here, or what is varied cannot be set
   */
  open(path: string, point?: SweepPoint | null): Promise<Sink>
}

/**
 * How much a buffered subject gathers before it calls the kernel. 64 KiB is the stream buffer of Node 22 and later,
 * so the comparison does not depend on which Node runs it, and no subject wins by a larger buffer of its own.
 */
export const GATHER_BYTES = 64 * 1024

/** This kernel or file system cannot do what the subject is named after. A row in the table, not a failure. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** @throws {UnsupportedError} when a sweep asks somebody who has nothing to be set */
export function requireNoPoint(name: string, point: SweepPoint | null | undefined): void {
  if (point === null || point === undefined) return
  throw new UnsupportedError('ERR_NOT_IN_SWEEP', `${name} has neither a block size nor a depth to be set`)
}
