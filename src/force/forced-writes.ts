import { constants } from 'node:fs'
import { getSystemErrorMap } from 'node:util'
import { binding } from '../binding.ts'
import { UncachedIOError } from '../errors.ts'
import { allocAligned } from '../memory.ts'
import { IoThread } from './io-thread.ts'
import { originals } from './originals.ts'
import { countPassed, noteDirect, notePassed } from './report.ts'
import type { Failure, Outcome } from './write-job.ts'

/** What is to be written, as node:fs was told. */
export interface AskedWrite {
  readonly chunks: readonly Uint8Array[]
  /** Null: where the descriptor stands. */
  readonly position: number | null
}

/** A write that goes past the page cache: its own number for the file, which stays open until it is done. */
interface Claim {
  readonly descriptor: number
  readonly file: string
}

/** Linux writes no more at once. */
const maxBytes = 0x7ffff000

const thread = new IoThread()
const underWay = new Set<Promise<unknown>>()

/** Whether writes were called for and are not done. */
export function areUnderWay(): boolean {
  return underWay.size > 0
}

/** When everything called for so far is done. */
export async function settled(): Promise<void> {
  await Promise.allSettled(underWay)
}

/** Waits for it without turning the event loop. */
export function settleSync(): void {
  thread.run('', null)
}

/** Null: to be left to node:fs. Else the number of bytes that were written, as write(2) gives it. */
export function forceWrite(descriptor: unknown, asked: AskedWrite): Promise<number> | null {
  const claim = claimOf(descriptor, asked)
  if (claim === null) return null
  const written = write(claim, asked)
  underWay.add(written)
  const forget = (): void => void underWay.delete(written)
  written.then(forget, forget)
  return written
}

export function forceWriteSync(descriptor: unknown, asked: AskedWrite): number | null {
  const claim = claimOf(descriptor, asked)
  if (claim === null) return null
  try {
    const { chunks, position } = asked
    const bytes = copyOf(chunks)
    const outcome = thread.run(claim.file, { descriptor: claim.descriptor, bytes, position })
    return countOf(outcome, asked) ?? originals.writevSync(claim.descriptor, chunks, position ?? undefined)
  } finally {
    binding().closeDuplicate(claim.descriptor)
  }
}

async function write({ descriptor, file }: Claim, asked: AskedWrite): Promise<number> {
  try {
    const { chunks, position } = asked
    const outcome = await thread.start(file, { descriptor, bytes: copyOf(chunks), position })
    return countOf(outcome, asked) ?? (await writeThrough(descriptor, asked))
  } finally {
    binding().closeDuplicate(descriptor)
  }
}

function writeThrough(descriptor: number, { chunks, position }: AskedWrite): Promise<number> {
  return new Promise((resolve, reject) => {
    originals.writev(descriptor, chunks, position, (error, writtenBytes) => {
      if (error === null) resolve(writtenBytes)
      else reject(error)
    })
  })
}

/** The number of bytes; null for what node:fs has to write. */
function countOf(outcome: Outcome, { chunks }: AskedWrite): number | null {
  if ('failed' in outcome) throw asNode(outcome.failed)
  if ('refused' in outcome) {
    notePassed(outcome.refused, byteLengthOf(chunks), outcome.why)
    return null
  }
  noteDirect(outcome.writtenBytes)
  return outcome.writtenBytes
}

/** Null for what is nothing to write past the cache, or an error that node:fs has the words for. */
function claimOf(descriptor: unknown, { chunks }: AskedWrite): Claim | null {
  const bytes = byteLengthOf(chunks)
  if (bytes === 0 || !isDescriptor(descriptor)) return null
  const native = binding()
  let duplicate: number
  try {
    const flags = native.descriptorFlags(descriptor)
    if ((flags & (constants.O_WRONLY | constants.O_RDWR)) === 0) return null
    if ((flags & constants.O_DIRECT) !== 0) {
      countPassed('already-direct', bytes)
      return null
    }
    duplicate = native.duplicate(descriptor)
  } catch {
    return null
  }
  const status = originals.fstatSync(duplicate, { bigint: true })
  if (status.isFile()) return { descriptor: duplicate, file: `${status.dev}:${status.ino}` }
  native.closeDuplicate(duplicate)
  countPassed('not-a-file', bytes)
  return null
}

function isDescriptor(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31
}

/** The caller's memory is the caller's again when the thread has its own; aligned, so that it is not copied once more. */
function copyOf(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = allocAligned(Math.min(byteLengthOf(chunks), maxBytes))
  let offset = 0
  for (const chunk of chunks) {
    const part = chunk.subarray(0, bytes.byteLength - offset)
    bytes.set(part, offset)
    offset += part.byteLength
  }
  return bytes
}

function byteLengthOf(chunks: readonly Uint8Array[]): number {
  let bytes = 0
  for (const chunk of chunks) bytes += chunk.byteLength
  return bytes
}

/** The error that node:fs would have given. */
function asNode({ code, message }: Failure): Error {
  for (const [errno, [name, words]] of getSystemErrorMap()) {
    if (name === code) return Object.assign(new Error(`${code}: ${words}, write`), { errno, code, syscall: 'write' })
  }
  return new UncachedIOError(code, message, { syscall: 'write' })
}
