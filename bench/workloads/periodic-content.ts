/** File content that repeats: cheap to make before the clock starts, and known at every offset afterwards. */
import { open } from 'node:fs/promises'
import { KIB, MIB } from '../units.ts'

/** Fills with bytes that do not compress and do not repeat, the same ones in every process. */
export function fillPseudoRandom(bytes: Uint8Array): void {
  // Marsaglia's xorshift32. Any odd-looking seed but zero will do.
  let state = 0x9e3779b9
  for (let i = 0; i < bytes.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
}

/** One sample in every MiB: no lost or misplaced buffer of the usual sizes falls between two samples. */
const SAMPLE_EVERY_BYTES = MIB
/** A page, the smallest thing that gets lost by itself. */
const SAMPLE_BYTES = 4 * KIB
/** Coprime to the 256 pages of a MiB, so that every page of it gets its turn. */
const SAMPLE_STEP_PAGES = 37
/** Files up to this size are read whole; above, reading everything would take longer than the run. */
const READ_WHOLE_BYTES_MAX = 16 * MIB

/**
 * Compares a file with `period` repeated: its exact length, and its content (whole up to 16 MiB; above that the first
 * and the last page and one page in every MiB).
 *
 * @returns `null` when it is right, or what is wrong.
 */
export async function checkPeriodicFile(path: string, bytes: number, period: Uint8Array): Promise<string | null> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    if (size !== bytes) return `the file is ${size} bytes long instead of ${bytes}`
    for (const [offset, length] of samplesOf(bytes)) {
      const found = Buffer.alloc(length)
      const { bytesRead } = await handle.read(found, 0, length, offset)
      if (bytesRead !== length) return `the file ends at ${offset + bytesRead} while it is read`
      const wrongAt = found.compare(periodAt(period, offset, length)) === 0 ? -1 : firstWrong(found, period, offset)
      if (wrongAt >= 0) return `wrong content at offset ${wrongAt}`
    }
    return null
  } finally {
    await handle.close()
  }
}

/** The places to look at, as `[offset, length]`, in rising order. */
export function samplesOf(bytes: number): [offset: number, length: number][] {
  const samples: [number, number][] = []
  if (bytes <= READ_WHOLE_BYTES_MAX) {
    for (let offset = 0; offset < bytes; offset += SAMPLE_EVERY_BYTES) {
      samples.push([offset, Math.min(SAMPLE_EVERY_BYTES, bytes - offset)])
    }
    return samples
  }
  for (let number = 0; number * SAMPLE_EVERY_BYTES < bytes; number++) {
    // Samples move through their MiB, so that not only the first page of each buffer is looked at.
    const shift = (number * SAMPLE_STEP_PAGES * SAMPLE_BYTES) % SAMPLE_EVERY_BYTES
    samples.push([Math.min(number * SAMPLE_EVERY_BYTES + shift, bytes - SAMPLE_BYTES), SAMPLE_BYTES])
  }
  samples.push([bytes - SAMPLE_BYTES, SAMPLE_BYTES])
  return samples
}

function periodAt(period: Uint8Array, offset: number, length: number): Buffer {
  const out = Buffer.alloc(length)
  for (let done = 0; done < length; ) {
    const from = (offset + done) % period.length
    const part = period.subarray(from, from + length - done)
    out.set(part, done)
    done += part.length
  }
  return out
}

function firstWrong(found: Uint8Array, period: Uint8Array, offset: number): number {
  const index = found.findIndex((byte, i) => byte !== period[(offset + i) % period.length])
  return index < 0 ? -1 : offset + index
}
