import { rename, rm, writeFile } from 'node:fs/promises'
import type { Registry } from 'prom-client'
import { UsageError } from '../../arguments.ts'

/** The collector reads no other files. */
const EXTENSION = '.prom'
/** The collector runs as somebody else. */
const READABLE_BY_ALL = 0o644

/** @throws {UsageError} for a name that node_exporter's textfile collector would not read */
export function checkTextfileName(path: string): void {
  if (!path.endsWith(EXTENSION)) {
    throw new UsageError(`--textfile ${path}: node_exporter reads only files that end in ${EXTENSION}`)
  }
}

/**
 * Writes the metrics for node_exporter's textfile collector: under another name, and renamed when it is whole, since the
 * collector may look at any time.
 *
 * @throws what the file system says; then there is no file, or the one that was there before
 */
export async function writeTextfile(path: string, registry: Registry): Promise<void> {
  const temporary = `${path}.${process.pid}`
  try {
    await writeFile(temporary, await registry.metrics(), { mode: READABLE_BY_ALL })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
