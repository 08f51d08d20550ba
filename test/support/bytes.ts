import { allocAligned } from '../../src/index.ts'

/** Numbers from 0 up to `below`, the same ones for the same seed. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    // Numerical Recipes' linear congruential generator; its low bits are poor, so the high ones are taken.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** `byteLength` bytes none of which is zero, so that padding is never mistaken for data. */
export function someBytes(byteLength: number, seed = 1): Buffer {
  const next = randomNumbers(seed)
  const bytes = Buffer.allocUnsafe(byteLength)
  for (let i = 0; i < byteLength; i++) bytes[i] = 1 + next(255)
  return bytes
}

/** As `someBytes`, in memory that can be written without a copy. */
export function alignedBytes(byteLength: number, seed = 1): Uint8Array {
  const bytes = allocAligned(byteLength)
  bytes.set(someBytes(byteLength, seed))
  return bytes
}
