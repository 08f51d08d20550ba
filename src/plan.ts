/**
 * The arithmetic of direct I/O: pure functions, and the only place that computes an offset, a length or a padding for
 * the kernel. Positions and lengths are bytes; every function takes and gives safe integers. `block` is the alignment
 * of the file's offsets, a power of two; 1 stands for a file that needs none, and every formula holds for it.
 */

/** The last multiple of `block` that is not past `position`. */
export function floorTo(position: number, block: number): number {
  return position - (position % block)
}

/** The first multiple of `block` that is not before `position`. */
export function ceilTo(position: number, block: number): number {
  const over = position % block
  return over === 0 ? position : position - over + block
}

/**
 * The blocks of file systems: a transfer that ends on one is never slow, one that ends inside may be. Buffers are
 * aligned to it as well, whatever less the file asks for.
 */
const fileSystemBlockBytes = 4096

/** On what multiples transfers best end, in a file of such blocks. */
export function grainOf(block: number): number {
  return Math.max(block, fileSystemBlockBytes)
}

/**
 * How full a buffer whose first byte stands at `offset` of the file gets before it goes out: up to `bufferSize`, ending
 * on a multiple of `grain`. After a flush a buffer can start on any block; ending it on the grain brings all later
 * writes back onto file-system blocks, off which direct writes are slow. At least one block.
 */
export function sealAt(offset: number, bufferSize: number, block: number, grain: number): number {
  const end = floorTo(offset + bufferSize, grain)
  return end > offset ? end - offset : floorTo(bufferSize, block)
}

/**
 * After the kernel took `taken` bytes of a transfer: how many of them count. A direct transfer can only go on from a
 * whole block, so what it took of the next block is written again.
 */
export function progress(taken: number, block: number): number {
  return floorTo(taken, block)
}

/** The file's exact length: what was there before, or the end of what was written, and while open what was preallocated. */
export function exactLength(lengthAtOpen: number, writtenEnd: number, preallocatedEnd: number): number {
  return Math.max(lengthAtOpen, writtenEnd, preallocatedEnd)
}

/** One transfer of a patch: `length` bytes at `start`, both on blocks, of which [from, to) are replaced. */
export interface PatchPiece {
  readonly start: number
  readonly length: number
  readonly from: number
  readonly to: number
}

/** The block-aligned transfers, none longer than `maxLength`, that together cover [offset, offset + length). */
export function patchPieces(offset: number, length: number, block: number, maxLength: number): PatchPiece[] {
  const pieces: PatchPiece[] = []
  if (length === 0) return pieces
  const end = offset + length
  const step = floorTo(maxLength, block)
  for (let start = floorTo(offset, block); start < end; start += step) {
    const stop = Math.min(start + step, ceilTo(end, block))
    pieces.push({ start, length: stop - start, from: Math.max(offset, start), to: Math.min(end, stop) })
  }
  return pieces
}

/** A view's offset in its ArrayBuffer such that its address, `misalignment` bytes past a boundary at 0, is aligned. */
export function alignedStart(misalignment: number, alignment: number): number {
  return misalignment === 0 ? 0 : alignment - misalignment
}

/** Whether `value` is a power of two, as the kernel's alignments are. */
export function isPowerOfTwo(value: number): boolean {
  return value >= 1 && Number.isSafeInteger(value) && 2 ** Math.round(Math.log2(value)) === value
}

/** A buffer being filled, as numbers: its first byte stands at `offset` of the file and `filled` bytes are in it. */
export interface Fill {
  readonly offset: number
  readonly filled: number
  /** How full it may get; 0 when there is no buffer and `filled` bytes wait for one. */
  readonly limit: number
}

/** How many more buffers it takes to accept `count` bytes. */
export function buffersFor(
  count: number,
  { offset, filled, limit }: Fill,
  bufferSize: number,
  block: number,
  grain: number,
): number {
  let left = count - (limit === 0 ? 0 : limit - filled)
  let start = offset + limit
  let carried = limit === 0 ? filled : 0
  let buffers = 0
  while (left > 0) {
    const room = sealAt(start, bufferSize, block, grain)
    left -= room - carried
    carried = 0
    start += room
    buffers++
  }
  return buffers
}

/** How many bytes `buffers` more buffers, and the room in the present one, can accept. */
export function roomIn(
  buffers: number,
  { offset, filled, limit }: Fill,
  bufferSize: number,
  block: number,
  grain: number,
): number {
  let start = offset + limit
  for (let i = 0; i < buffers; i++) start += sealAt(start, bufferSize, block, grain)
  return Math.max(0, start - (offset + filled))
}
