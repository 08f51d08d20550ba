import { randomUUID } from 'node:crypto'

/** A name that no file has, in a folder. */
export function scratchPath(folder: string | Buffer, suffix: string): Buffer {
  return Buffer.concat([Buffer.from(folder), Buffer.from(`/.uncached-io-${randomUUID()}${suffix}`)])
}

/** The folder in which a path names something; `.` for a bare name. */
export function folderNameOf(path: string | Buffer): string | Buffer {
  const bytes = Buffer.from(path)
  const slash = bytes.lastIndexOf('/')
  if (slash > 0) return bytes.subarray(0, slash)
  return slash === 0 ? '/' : '.'
}
