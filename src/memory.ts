import { binding } from './binding.ts'
import { argumentError } from './errors.ts'
import { integer } from './options.ts'
import { alignedStart, isPowerOfTwo } from './plan.ts'

/** 4096: the page, and the strictest memory alignment that disks have. */
const defaultAlignment = 4096

/** 2 MiB: a large page of x86-64, and of arm64 with pages of 4 KiB. Elsewhere it is a harmless alignment. */
export const largePageBytes = 2 * 1024 * 1024

/** From half a large page on the memory that it takes is at most twice what was asked for. */
const largeFromBytes = largePageBytes / 2

/**
 * Zeroed memory whose address is a multiple of `alignment` bytes: a view of an ArrayBuffer that is a little too large.
 * A chunk of 1 MiB in such memory, or of `bufferSize` if that is less, is written without a copy.
 *
 * From 1 MiB on it is laid into large pages (2 MiB each) where the system has them: a disk takes such memory in far
 * fewer pieces. What is resident is then a multiple of 2 MiB.
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
  const { buffer, byteOffset } =
    byteLength < largeFromBytes ? allocate(byteLength, alignment) : allocateLarge(byteLength, alignment)
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** As `allocAligned`, for arguments known to be right, and never in large pages. */
export function allocate(byteLength: number, alignment: number): Buffer {
  return viewAligned(new ArrayBuffer(byteLength + alignment), byteLength, alignment)
}

/** As `allocate`, in large pages where there are any: the last one only if at least half of it is asked for. */
export function allocateLarge(byteLength: number, alignment: number): Buffer {
  const strictest = Math.max(alignment, largePageBytes)
  const inLargePages = Math.round(byteLength / largePageBytes) * largePageBytes
  const memory = new ArrayBuffer(Math.max(byteLength, inLargePages) + strictest)
  const view = viewAligned(memory, byteLength, strictest)
  binding().preferLargePages(new Uint8Array(memory), view.byteOffset, inLargePages)
  return view
}

function viewAligned(memory: ArrayBuffer, byteLength: number, alignment: number): Buffer {
  const misalignment = binding().misalignment(new Uint8Array(memory), alignment)
  return Buffer.from(memory, alignedStart(misalignment, alignment), byteLength)
}
