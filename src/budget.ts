import { binding } from './binding.ts'
import { integer } from './options.ts'

/** Memory that may be held, in bytes. */
export interface Budget {
  readonly capBytes: number
  /** Whether `byteLength` more bytes may be held, and counts them if so. `always`: they are, come what may. */
  take(byteLength: number, always: boolean): boolean
  give(byteLength: number): void
}

/**
 * What the process keeps in buffers of all writers together before writers get fewer than `queueDepth`. A quarter of
 * the smallest container that people give a database, and 32 writers at full depth with buffers of 2 MiB.
 */
const defaultCapBytes = 256 * 1024 * 1024

/** What the process may hold, and holds. */
export function processMemory(): { readonly capBytes: number; readonly heldBytes: number } {
  return binding().memory(defaultCapBytes)
}

/** One for all threads of the process: it is counted in the addon. */
export const processBudget: Budget = {
  get capBytes() {
    return processMemory().capBytes
  },
  take: (byteLength, always) => binding().takeMemory(byteLength, always, defaultCapBytes),
  give: (byteLength) => binding().giveMemory(byteLength),
}

/**
 * Sets how many bytes the buffers of all writers of the process may hold together, on all threads. Default 256 MiB. Two
 * buffers each writer gets in any case: without them writers would wait for each other for ever. What writers hold
 * beyond a lowered cap they give back as they go on.
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE; RangeError ERR_OUT_OF_RANGE
 * @throws {UncachedIOError} ERR_UNSUPPORTED_PLATFORM, ERR_NO_BINARY
 */
export function setMemoryCap(capBytes: number): void {
  binding().setMemoryCap(integer('capBytes', capBytes, 0))
}
