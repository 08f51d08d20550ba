import { patchPiece } from './plan.ts'
import { Span } from './span.ts'
import type { Target } from './target.ts'

/**
 * Replaces bytes that are in the file: reads the blocks that are only partly replaced, and writes whole ones. Nothing
 * else may be in flight to these blocks.
 *
 * @param memory aligned for the file; pieces are as long as it at most
 * @param mayGoOn called before each write; throws when it is not to be done any more
 */
export async function patchFile(
  target: Target,
  bytes: Uint8Array,
  offset: number,
  memory: Uint8Array,
  mayGoOn: () => void,
): Promise<void> {
  const end = offset + bytes.byteLength
  for (let at = offset; at < end; ) {
    const piece = patchPiece(at, end, target.block, memory.byteLength)
    const { start, length } = piece
    const whole = piece.to - piece.from === length
    // Zeros where the file is shorter than it was written: somebody cut it, and old memory is not to get there.
    if (!whole) memory.fill(0, await target.read(memory, start, length), length)
    memory.set(bytes.subarray(piece.from - offset, piece.to - offset), piece.from - start)
    mayGoOn()
    await new Promise<void>((landed, failed) => {
      target.write(new Span(memory, start, start + length), landed, failed)
    })
    at = piece.to
  }
}
