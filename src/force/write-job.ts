import { closeSync, constants, openSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { binding } from '../binding.ts'
import { DirectIOWriter } from '../direct-io-writer.ts'
import { codeOf, UncachedIOError } from '../errors.ts'
import { moveTo, nameOf, positionOf } from '../given-file.ts'

/** A write to an open file, as write(2) and pwrite(2) have it. */
export interface WriteJob {
  readonly descriptor: number
  readonly bytes: Uint8Array
  /** Null: where the descriptor stands, which is moved. */
  readonly position: number | null
}

/** Why a write is left to node:fs, with nothing of it done. */
export type Refusal = 'no-direct-io' | 'cannot-be-reopened'

/** What an error says of itself, in a form that passes between threads. */
export interface Failure {
  readonly code: string
  readonly message: string
}

export type Outcome =
  | { readonly writtenBytes: number }
  | { readonly refused: Refusal; readonly why: string }
  | { readonly failed: Failure }

/**
 * Where the lock stands: behind everything that a file can hold, where no program has a reason to lock. Two writes at once
 * to the block in which a file ends would lose one of the two.
 */
const lockOffset = Number.MAX_SAFE_INTEGER
const lockRetryMs = 1
/** Longer than any write takes; somebody has locked the whole file. */
const lockLimitMs = 30_000

/** Brings the bytes to the file past the page cache, when nobody else is writing to it in this way. */
export async function perform(job: WriteJob): Promise<Outcome> {
  const name = nameOf(job.descriptor)
  let lock: number
  try {
    lock = openSync(name, constants.O_WRONLY)
  } catch (error) {
    return refusal(error, name)
  }
  try {
    await takeLock(lock, name)
    return await write(job, name)
  } catch (error) {
    return { failed: failureOf(error) }
  } finally {
    closeSync(lock)
  }
}

async function takeLock(descriptor: number, name: string): Promise<void> {
  const limitMs = performance.now() + lockLimitMs
  while (!binding().tryLock(descriptor, lockOffset)) {
    if (performance.now() > limitMs) {
      throw new UncachedIOError('ERR_LOCKED', `${name} has been locked by somebody else for ${lockLimitMs} ms`)
    }
    await sleep(lockRetryMs)
  }
}

async function write({ descriptor, bytes, position }: WriteJob, name: string): Promise<Outcome> {
  const stands = positionOf(descriptor)
  const where = stands.append ? { flags: 'a' } : { flags: 'r+', start: position ?? stands.position }
  let writer: DirectIOWriter
  try {
    writer = await DirectIOWriter.open(name, where)
  } catch (error) {
    return refusal(error, name)
  }
  let failed: Failure | undefined
  try {
    await writer.write(bytes)
    await writer.end({ durable: syncsEachWrite(descriptor) })
  } catch (error) {
    failed = failureOf(error)
    writer.fail(error)
    await writer[Symbol.asyncDispose]()
  }
  // As write(2): what found room is written, and only when that is nothing the caller is told why.
  if (failed !== undefined && writer.writtenBytes === 0) return { failed }
  // pwrite(2) leaves the descriptor where it stands, also when it appends.
  if (position === null) moveTo(descriptor, writer.position - writer.acceptedBytes + writer.writtenBytes)
  return { writtenBytes: writer.writtenBytes }
}

/** Opened with `s` among its flags. */
function syncsEachWrite(descriptor: number): boolean {
  return (binding().descriptorFlags(descriptor) & constants.O_DSYNC) !== 0
}

/** Nothing of the file was changed: node:fs may have it. */
function refusal(error: unknown, name: string): Outcome {
  const refused = codeOf(error) === 'ERR_DIRECT_UNSUPPORTED' ? 'no-direct-io' : 'cannot-be-reopened'
  return { refused, why: failureOf(error).message.replaceAll(name, nameNow(name)) }
}

/** What a file that we know by its descriptor is called. */
function nameNow(name: string): string {
  try {
    return readlinkSync(name)
  } catch {
    return name
  }
}

export function failureOf(error: unknown): Failure {
  return { code: codeOf(error) ?? 'ERR_UNKNOWN', message: error instanceof Error ? error.message : String(error) }
}
