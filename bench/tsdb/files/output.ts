/** What the files of a block have in common when they are written, each through a writer of the package. */
import { openWriter, type Writer } from 'uncached-io'
import type { Strategy } from '../settings.ts'

/**
 * A new file under a strategy. A file of that name that a crash has left is emptied.
 *
 * @throws what `openWriter` throws: the strategy is required, not preferred
 */
export async function openOutput(path: string, strategy: Strategy, preallocate = 0): Promise<Writer> {
  return await openWriter(path, { strategy, preallocate })
}

/** Gives bytes to a writer. @returns `null` when they are taken, or a promise to await before anything else is given. */
export function put(writer: Writer, bytes: Uint8Array): Promise<void> | null {
  return writer.writeSync(bytes) ? null : writer.write(bytes)
}
