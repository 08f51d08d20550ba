import { randomUUID } from 'node:crypto'

/** A name that no file has, in a folder. */
export function scratchPath(folder: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(folder), Buffer.from(`/.uncached-io-probe-${randomUUID()}`)])
}
