import type { EventEmitter } from 'node:events'
import { close, constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { binding } from './binding.ts'
import { argumentError, UncachedIOError } from './errors.ts'
import { integer, show } from './options.ts'

/** A file that the caller opened: its number, or a FileHandle. */
export type GivenFile = number | FileHandle

const maxDescriptor = 2 ** 31 - 1

/** @throws TypeError ERR_INVALID_ARG_TYPE; RangeError ERR_OUT_OF_RANGE */
export function descriptorOf(given: GivenFile): number {
  if (typeof given === 'number') return integer('fd', given, 0, maxDescriptor)
  if (given !== null && typeof given === 'object' && typeof given.fd === 'number') return given.fd
  throw argumentError('ERR_INVALID_ARG_TYPE', `fd must be a number or a FileHandle, not ${show(given)}`)
}

export async function closeGiven(given: GivenFile): Promise<void> {
  if (typeof given === 'number') await promisify(close)(given)
  else await given.close()
}

/** Node's FileHandle is an emitter; its types do not say so. */
export function onceClosed(handle: FileHandle, listener: () => void): void {
  ;(handle as unknown as EventEmitter).once('close', listener)
}

export function closedUnheard(handle: FileHandle, listener: () => void): void {
  ;(handle as unknown as EventEmitter).off('close', listener)
}

/** The file behind a descriptor under a name by which it can be opened anew: O_DIRECT is a matter of opening. */
export function nameOf(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`
}

/** Where a descriptor writes next. */
export interface GivenPosition {
  readonly append: boolean
  readonly position: number
}

/**
 * @throws the kernel's error: EBADF for what is not open, or not for writing; ESPIPE for pipes and the like
 */
export function positionOf(descriptor: number): GivenPosition {
  const native = binding()
  const flags = native.descriptorFlags(descriptor)
  if ((flags & (constants.O_WRONLY | constants.O_RDWR)) === 0) {
    throw new UncachedIOError('EBADF', `EBADF: descriptor ${descriptor} is not open for writing`, { syscall: 'write' })
  }
  return { append: (flags & constants.O_APPEND) !== 0, position: native.seek(descriptor, 0, native.constants.SEEK_CUR) }
}

/** Lets a descriptor write behind what a writer wrote. */
export function moveTo(descriptor: number, position: number): void {
  const native = binding()
  native.seek(descriptor, position, native.constants.SEEK_SET)
}
