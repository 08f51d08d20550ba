/**
 * The arithmetic of direct I/O: pure functions, and the only place that computes an offset, a length or a padding for
 * the kernel. Positions and lengths are bytes; every function takes and gives safe integers. `block` is the alignment
 * of the file's offsets, a power of two; 1 stands for a file that needs none, and every formula holds for it.
 *
 * `npm run verify` proves the contracts: with what `@requires` asks of the arguments, the result is what `@ensures` says,
 * and no number on the way is rounded. In tests callers are held to `@requires`.
 */

/**
 * No transfer ends behind it, so that no position is ever rounded: 8 PiB less 0.1 %. What a writer can hold in memory, and
 * more, is left to the last safe integer.
 */
export const positionMax = 9_000_000_000_000_000

/**
 * The last multiple of `block` that is not past `position`.
 *
 * @requires position >= 0 && block >= 1
 * @ensures result % block === 0 && result <= position && position - result < block
 */
export function floorTo(position: number, block: number): number {
  return position - (position % block)
}

/**
 * The first multiple of `block` that is not before `position`.
 *
 * @requires position >= 0 && block >= 1 && position <= 9_007_199_254_740_991 - block
 * @ensures result % block === 0 && result >= position && result - position < block
 */
export function ceilTo(position: number, block: number): number {
  const over = position % block
  return over === 0 ? position : position - over + block
}

/**
 * The blocks of file systems: a transfer that ends on one is never slow, one that ends inside may be. Buffers are
 * aligned to it as well, whatever less the file asks for.
 */
const fileSystemBlockBytes = 4096

/**
 * On what multiples transfers best end, in a file of such blocks.
 *
 * @requires block >= 1
 * @ensures result % block === 0 && result >= block && result % 4096 === 0
 */
export function grainOf(block: number): number {
  return Math.max(block, fileSystemBlockBytes)
}

/**
 * How full a buffer whose first byte stands at `offset` of the file gets before it goes out: up to `bufferSize`, ending
 * on a multiple of `grain`. After a flush a buffer can start on any block; ending it on the grain brings all later
 * writes back onto file-system blocks, off which direct writes are slow. At least one block.
 *
 * @requires offset >= 0 && offset % block === 0 && bufferSize >= block && bufferSize % block === 0
 * @requires offset + bufferSize <= 9_007_199_254_740_991
 * @ensures result % block === 0 && result >= block && result <= bufferSize
 * @ensures bufferSize < grain || (offset + result) % grain === 0
 */
export function sealAt(offset: number, bufferSize: number, block: number, grain: number): number {
  const end = floorTo(offset + bufferSize, grain)
  return end > offset ? end - offset : floorTo(bufferSize, block)
}

/**
 * After the kernel took `taken` bytes of a transfer: how many of them count. A direct transfer can only go on from a
 * whole block, so what it took of the next block is written again.
 *
 * @requires taken >= 0
 * @ensures result % block === 0 && result >= 0 && result <= taken && taken - result < block
 */
export function progress(taken: number, block: number): number {
  return floorTo(taken, block)
}

/** What is left of a transfer: so many bytes of its memory from `from` on go to `position`. */
export interface Remaining {
  readonly from: number
  readonly position: number
  readonly length: number
}

/**
 * What is left of a transfer of [start, end) of which the first `doneBytes` are done.
 *
 * @requires 0 <= start && 0 <= doneBytes && start + doneBytes <= end
 * @ensures result.from === doneBytes && result.position === start + result.from
 * @ensures result.position + result.length === end
 */
export function remaining(start: number, end: number, doneBytes: number): Remaining {
  const position = start + doneBytes
  return { from: doneBytes, position, length: end - position }
}

/**
 * The file's exact length: what was there before, or the end of what was written, and while open what was preallocated.
 *
 * @ensures result >= lengthAtOpen && result >= writtenEnd && result >= preallocatedEnd
 * @ensures result === lengthAtOpen || result === writtenEnd || result === preallocatedEnd
 */
export function exactLength(lengthAtOpen: number, writtenEnd: number, preallocatedEnd: number): number {
  return Math.max(lengthAtOpen, writtenEnd, preallocatedEnd)
}

/** A buffer being filled, as numbers: its first byte stands at `offset` of the file and `filled` bytes are in it. */
export interface Fill {
  readonly offset: number
  readonly filled: number
  /** How full it may get; 0 when there is no buffer and `filled` bytes wait for one. */
  readonly limit: number
}

/** What goes to the file in one piece: [start, end), of which the caller's bytes end at `dataEnd`, padding follows. */
export interface Transfer {
  readonly start: number
  readonly end: number
  readonly dataEnd: number
}

/**
 * The whole blocks of a fill; from `start` to `start` when there is none.
 *
 * @requires fill.offset >= 0 && fill.offset % block === 0 && fill.filled >= 0
 * @requires fill.offset + fill.filled <= 9_007_199_254_740_991
 * @ensures result.start === fill.offset && result.end % block === 0 && result.dataEnd === result.end
 * @ensures result.end >= result.start && result.end <= fill.offset + fill.filled
 * @ensures fill.offset + fill.filled - result.end < block
 */
export function wholeBlocks(fill: Fill, block: number): Transfer {
  const end = floorTo(fill.offset + fill.filled, block)
  return { start: fill.offset, end, dataEnd: end }
}

/**
 * All of a fill, padded to whole blocks.
 *
 * @requires fill.offset >= 0 && fill.offset % block === 0 && fill.filled >= 0
 * @requires fill.offset + fill.filled <= 9_007_199_254_740_991 - block
 * @ensures result.start === fill.offset && result.end % block === 0
 * @ensures result.dataEnd === fill.offset + fill.filled && result.end >= result.dataEnd
 * @ensures result.end - result.dataEnd < block
 */
export function padded(fill: Fill, block: number): Transfer {
  const dataEnd = fill.offset + fill.filled
  return { start: fill.offset, end: ceilTo(dataEnd, block), dataEnd }
}

/**
 * What stays of a fill when its buffer has gone out: the bytes of the last block, which waits until it is whole.
 *
 * @requires fill.offset >= 0 && fill.offset % block === 0 && fill.filled >= 0
 * @requires fill.offset + fill.filled <= 9_007_199_254_740_991
 * @ensures result.offset % block === 0 && result.filled >= 0 && result.filled < block && result.limit === 0
 * @ensures result.offset + result.filled === fill.offset + fill.filled
 */
export function tailOf(fill: Fill, block: number): Fill {
  const position = fill.offset + fill.filled
  const offset = floorTo(position, block)
  return { offset, filled: position - offset, limit: 0 }
}

/**
 * Whether the block of `position` ends with bytes that were in the file before it was opened: they are the padding.
 *
 * @requires position >= 0 && lengthAtOpen >= 0
 */
export function keepsBehind(position: number, lengthAtOpen: number, block: number): boolean {
  return position < lengthAtOpen && position % block !== 0
}

/** One transfer of a patch: `length` bytes at `start`, both on blocks, of which [from, to) are replaced. */
export interface PatchPiece {
  readonly start: number
  readonly length: number
  readonly from: number
  readonly to: number
}

/**
 * The next transfer that replaces [from, end), no longer than `maxLength`. The one after it begins at its `to`.
 *
 * @requires 0 <= from && from < end && end <= 9_007_199_254_740_991 - block
 * @requires maxLength >= block && maxLength <= 9_007_199_254_740_991 - end
 * @ensures result.start % block === 0 && result.length % block === 0
 * @ensures result.length > 0 && result.length <= maxLength
 * @ensures result.from === from && result.from >= result.start && result.from - result.start < block
 * @ensures result.to > from && result.to <= end && result.to <= result.start + result.length
 * @ensures result.to === end || result.to === result.start + result.length
 */
export function patchPiece(from: number, end: number, block: number, maxLength: number): PatchPiece {
  const start = floorTo(from, block)
  const stop = Math.min(start + floorTo(maxLength, block), ceilTo(end, block))
  return { start, length: stop - start, from, to: Math.min(end, stop) }
}

/**
 * A view's offset in its ArrayBuffer such that its address, `misalignment` bytes past a boundary at 0, is aligned.
 *
 * @requires 0 <= misalignment && misalignment < alignment
 * @ensures (misalignment + result) % alignment === 0 && result >= 0 && result < alignment
 */
export function alignedStart(misalignment: number, alignment: number): number {
  return misalignment === 0 ? 0 : alignment - misalignment
}

/**
 * Whether `value` is a power of two, as the kernel's alignments are.
 *
 * @ensures !result || (value >= 1 && value <= 4_503_599_627_370_496)
 */
export function isPowerOfTwo(value: number): boolean {
  let power = 1
  /**
   * @invariant power >= 1 && power <= 4_503_599_627_370_496
   * @decreases 4_503_599_627_370_496 - power
   */
  while (power < value && power <= 2_251_799_813_685_248) power *= 2
  return power === value
}

/**
 * How many more buffers it takes to accept `count` bytes.
 *
 * @requires fill.offset >= 0 && fill.offset % block === 0 && fill.filled >= 0 && fill.limit % block === 0
 * @requires fill.limit === 0 ? fill.filled < block : fill.filled <= fill.limit && fill.limit <= bufferSize
 * @requires bufferSize >= block && bufferSize % block === 0 && count >= 0
 * @requires fill.offset + count + 2 * bufferSize + block <= 9_007_199_254_740_991
 * @ensures result >= 0 && (result === 0 || count > fill.limit - fill.filled)
 */
export function buffersFor(count: number, fill: Fill, bufferSize: number, block: number, grain: number): number {
  if (count === 0) return 0
  const end = fill.offset + fill.filled + count
  let start = fill.offset + fill.limit
  let buffers = 0
  /**
   * @invariant start >= fill.offset + fill.limit && start % block === 0 && buffers >= 0
   * @invariant buffers === 0 ? start === fill.offset + fill.limit : start - bufferSize < end
   * @invariant buffers <= start - fill.offset - fill.limit
   * @invariant buffers === 0 || count > fill.limit - fill.filled
   * @decreases end - start
   */
  while (start < end) {
    start += sealAt(start, bufferSize, block, grain)
    buffers++
  }
  return buffers
}

/**
 * How many bytes `buffers` more buffers, and the room in the present one, can accept.
 *
 * @requires fill.offset >= 0 && fill.offset % block === 0 && fill.filled >= 0 && fill.limit % block === 0
 * @requires fill.limit === 0 ? fill.filled < block : fill.filled <= fill.limit && fill.limit <= bufferSize
 * @requires bufferSize >= block && bufferSize % block === 0 && buffers >= 0 && buffers <= 64
 * @requires bufferSize <= 1_073_741_824 && fill.offset <= 9_001_000_000_000_000
 * @ensures result >= 0 && result >= fill.limit - fill.filled
 */
export function roomIn(buffers: number, fill: Fill, bufferSize: number, block: number, grain: number): number {
  let start = fill.offset + fill.limit
  /**
   * @invariant i >= 0 && i <= buffers && start % block === 0
   * @invariant start >= fill.offset + fill.limit && start <= fill.offset + fill.limit + i * 1_073_741_824
   * @decreases buffers - i
   */
  for (let i = 0; i < buffers; i++) start += sealAt(start, bufferSize, block, grain)
  return Math.max(0, start - (fill.offset + fill.filled))
}
