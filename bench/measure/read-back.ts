import { type FileHandle, open } from 'node:fs/promises'
import type { ReadBack } from '../schema/run.ts'
import { MIB } from '../units.ts'
import { dropPages } from './drop-pages.ts'
import { residentBytesOf } from './footprint.ts'

/** As programs do that read a file through: large enough that the number of calls does not count. */
const READ_BYTES = MIB

/** Whoever finds less of it in the cache reads the file cold. */
const LEFT_SHARE_MIN = 0.05

/**
 * Reads a file from its beginning to its end through the page cache: as it was left, cold (after its pages were dropped), and
 * warm. In the times is the reading alone, by one process, with the kernel's readahead.
 *
 * In a virtual machine the first touch of memory is slow (warm-memory.ts). A file of which nothing is left is therefore read
 * once for nothing, to have the memory, and what it costs as it was left is what it costs cold.
 *
 * @param leftShare how much of it is in the page cache: 0 to 1
 * @returns `null` where pages cannot be dropped, as on tmpfs, which has no other place for them
 * @throws the signal's reason when it is aborted; what the file system says
 */
export async function readBack(path: string, leftShare: number, signal: AbortSignal): Promise<ReadBack | null> {
  const buffer = Buffer.alloc(READ_BYTES)
  const firstSeconds = await readThrough(path, buffer, signal)
  await dropPages(path)
  if ((await residentBytesOf(path)) > 0) return null
  const coldSeconds = await readThrough(path, buffer, signal)
  const asLeftSeconds = leftShare < LEFT_SHARE_MIN ? coldSeconds : firstSeconds
  return { asLeftSeconds, coldSeconds, warmSeconds: await readThrough(path, buffer, signal) }
}

async function readThrough(path: string, buffer: Buffer, signal: AbortSignal): Promise<number> {
  const file = await open(path, 'r')
  try {
    const startedAtMs = performance.now()
    await readToEnd(file, buffer, signal)
    return (performance.now() - startedAtMs) / 1e3
  } finally {
    await file.close()
  }
}

async function readToEnd(file: FileHandle, buffer: Buffer, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const { bytesRead } = await file.read(buffer)
    if (bytesRead === 0) return
  }
}
