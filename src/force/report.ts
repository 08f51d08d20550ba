import type { Refusal } from './write-job.ts'

/**
 * Why a write went as node:fs makes it. `not-a-file`: a pipe, a socket, a terminal or a device. `already-direct`: opened
 * with O_DIRECT by the program itself. `no-direct-io`: the file system has none. `cannot-be-reopened`: a file that is
 * opened by its number once more, to read and to write, and the kernel refuses.
 */
export type PassReason = Refusal | 'not-a-file' | 'already-direct'

export interface Passed {
  readonly writes: number
  readonly bytes: number
}

/** What became of the writes of this thread so far. */
export interface ForceReport {
  /** Whether writes are forced: FORCEDIRECTIO was set when the program began. */
  readonly active: boolean
  readonly directWrites: number
  readonly directBytes: number
  readonly passedThrough: Readonly<Record<PassReason, Passed>>
}

const none: Passed = { writes: 0, bytes: 0 }
let active = false
let directWrites = 0
let directBytes = 0
const passedThrough: Record<PassReason, Passed> = {
  'not-a-file': none,
  'already-direct': none,
  'no-direct-io': none,
  'cannot-be-reopened': none,
}

export function noteActive(): void {
  active = true
}

export function noteDirect(bytes: number): void {
  directWrites++
  directBytes += bytes
}

/** A regular file that is written through the cache all the same is warned of, once for each reason. */
export function notePassed(reason: Refusal, bytes: number, why: string): void {
  if (passedThrough[reason].writes === 0) {
    const message = `FORCEDIRECTIO is set, and a file is written through the page cache: ${why}`
    process.emitWarning(message, { code: 'UNCACHED_IO_PASSED_THROUGH' })
  }
  countPassed(reason, bytes)
}

export function countPassed(reason: PassReason, bytes: number): void {
  const before = passedThrough[reason]
  passedThrough[reason] = { writes: before.writes + 1, bytes: before.bytes + bytes }
}

/** What `uncached-io/force` has done to the writes of this thread so far; of other threads and processes it knows nothing. */
export function forceReport(): ForceReport {
  return { active, directWrites, directBytes, passedThrough: { ...passedThrough } }
}
