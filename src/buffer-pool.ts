import { markAsUntransferable } from 'node:worker_threads'
import { binding } from './binding.ts'
import { argumentError } from './errors.ts'
import { integer } from './options.ts'
import { alignedStart, isPowerOfTwo } from './plan.ts'

/**
 * What the process keeps in buffers of all writers together before writers get fewer than `queueDepth`. A quarter of
 * the smallest container that people give a database, and 64 writers at full depth with buffers of 1 MiB.
 */
const sharedCapBytes = 256 * 1024 * 1024

/** What is kept for the next writer when nobody uses it: enough for a few writers, too little to notice. */
const sharedRetainedBytesMax = 16 * 1024 * 1024

/** 4096: the page, and the strictest memory alignment that disks have. */
const defaultAlignment = 4096

/**
 * Zeroed memory whose address is a multiple of `alignment` bytes: a view of an ArrayBuffer that is a little too large.
 * A chunk in such memory, of `bufferSize` or more, is written without a copy.
 *
 * @param alignment a power of two up to 1 GiB; the default, 4096, satisfies every disk known
 * @throws TypeError ERR_INVALID_ARG_TYPE; RangeError ERR_OUT_OF_RANGE
 * @throws {UncachedIOError} ERR_UNSUPPORTED_PLATFORM, ERR_NO_BINARY
 */
export function allocAligned(byteLength: number, alignment: number = defaultAlignment): Uint8Array {
  integer('byteLength', byteLength, 0)
  integer('alignment', alignment, 1, 2 ** 30)
  if (!isPowerOfTwo(alignment)) {
    throw argumentError('ERR_OUT_OF_RANGE', `alignment must be a power of two, not ${alignment}`)
  }
  const { buffer, byteOffset } = allocate(byteLength, alignment)
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** As `allocAligned`, for arguments known to be right. */
export function allocate(byteLength: number, alignment: number): Buffer {
  const memory = new ArrayBuffer(byteLength + alignment)
  const misalignment = binding().misalignment(new Uint8Array(memory), alignment)
  return Buffer.from(memory, alignedStart(misalignment, alignment), byteLength)
}

/** Aligned buffers shared by all writers of a thread, each of `byteLength` bytes at a multiple of `alignment`. */
export class BufferPool {
  #usedBytes = 0
  #retainedBytes = 0
  readonly #waiting: (() => void)[] = []
  readonly #retained: { buffer: Buffer; alignment: number }[] = []

  constructor(
    readonly capBytes: number,
    readonly retainedBytesMax: number,
  ) {}

  /** Bytes that writers hold now. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Bytes kept for the next one who asks. */
  get retainedBytes(): number {
    return this.#retainedBytes
  }

  /**
   * A buffer with any content, or null when the cap is reached. `always` is for what a writer needs to go on at all: it
   * is given beyond the cap.
   */
  take(byteLength: number, alignment: number, always: boolean): Buffer | null {
    if (!always && this.#usedBytes + byteLength > this.capBytes) return null
    const fits = this.#retained.find((one) => one.buffer.byteLength === byteLength && one.alignment === alignment)
    if (fits !== undefined) {
      this.#retained.splice(this.#retained.indexOf(fits), 1)
      this.#retainedBytes -= byteLength
      this.#usedBytes += byteLength
      return fits.buffer
    }
    const buffer = allocate(byteLength, alignment)
    // A slot of reserve() is a view of this memory: postMessage must not carry it off under a write in flight.
    markAsUntransferable(buffer.buffer)
    this.#usedBytes += byteLength
    return buffer
  }

  /** Resolves when any buffer is given back. */
  async given(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  /** Gives back what take gave. Forgets buffers that were detached, and those beyond what is worth keeping. */
  give(buffer: Buffer, byteLength: number, alignment: number): void {
    this.#usedBytes -= byteLength
    for (const resolve of this.#waiting.splice(0)) resolve()
    if (buffer.byteLength !== byteLength || byteLength > this.retainedBytesMax) return
    // The size given back last is the likeliest to be asked for next: older ones make room.
    while (this.#retainedBytes + byteLength > this.retainedBytesMax) {
      this.#retainedBytes -= this.#retained.shift()?.buffer.byteLength ?? 0
    }
    this.#retainedBytes += byteLength
    this.#retained.push({ buffer, alignment })
  }
}

/** The pool of this thread. */
export const sharedPool = new BufferPool(sharedCapBytes, sharedRetainedBytesMax)
