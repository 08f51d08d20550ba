/** Up to this many bytes a loop is faster than the call of `set`. */
const LOOP_BYTES_MAX = 24

/** As `target.set`, without looking the method up for each piece. */
// oxlint-disable-next-line typescript/unbound-method -- it is given its object by `call`
export const { set } = Uint8Array.prototype

/**
 * Copies a piece of any length in the fastest way that JavaScript has.
 *
 * @returns the offset behind the copy.
 */
export function copyPiece(piece: Uint8Array, target: Uint8Array, offset: number): number {
  const length = piece.length
  if (length > LOOP_BYTES_MAX) {
    set.call(target, piece, offset)
  } else {
    for (let i = 0; i < length; i++) target[offset + i] = piece[i]!
  }
  return offset + length
}
