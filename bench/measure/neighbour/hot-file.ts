/** The neighbour's hot data: each page knows its number. */
import { openWriter, type Strategy, type Writer } from 'uncached-io'
import { fillPseudoRandom } from '../../workloads/periodic-content.ts'
import { dropPages } from '../drop-pages.ts'

export const PAGE_BYTES = 4096

/** Written at once: many pages, few calls. */
const PAGES_AT_ONCE = 256

/** Those that leave little behind first; the last one can be had everywhere. */
const strategies: readonly Strategy[] = ['direct', 'evict', 'buffered']

/** Whether a page is the one with this number. */
export function isPage(page: Buffer, number: number): boolean {
  return page.readUInt32LE(0) === number
}

/**
 * Writes it, and drops its pages.
 *
 * @param bytes rounded up to whole pages
 * @throws the signal's reason when it is aborted; what the writer throws
 */
export async function makeHotFile(path: string, bytes: number, signal: AbortSignal): Promise<void> {
  const writer = await openUncached(path)
  try {
    const pageCount = Math.ceil(bytes / PAGE_BYTES)
    const pages = Buffer.alloc(PAGES_AT_ONCE * PAGE_BYTES)
    fillPseudoRandom(pages)
    for (let first = 0; first < pageCount; first += PAGES_AT_ONCE) {
      signal.throwIfAborted()
      const count = Math.min(PAGES_AT_ONCE, pageCount - first)
      for (let i = 0; i < count; i++) pages.writeUInt32LE(first + i, i * PAGE_BYTES)
      // When it is accepted the memory may be used again.
      await writer.write(pages.subarray(0, count * PAGE_BYTES))
    }
    await writer.end()
  } catch (error) {
    await writer[Symbol.asyncDispose]()
    throw error
  }
  await dropPages(path)
}

async function openUncached(path: string): Promise<Writer> {
  let failure: unknown
  for (const strategy of strategies) {
    try {
      return await openWriter(path, { strategy })
    } catch (error) {
      failure = error
    }
  }
  throw failure
}
