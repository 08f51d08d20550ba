import { crc32c } from '@node-rs/crc32'
import { TsdbError } from '../errors.ts'

/** Bytes of a checksum in a file. */
export const CHECKSUM_BYTES = 4

/** CRC-32C (Castagnoli), which all of Prometheus's formats use; `before` is that of the bytes before these. */
export function checksum(bytes: Uint8Array, before = 0): number {
  return crc32c(bytes, before)
}

/** @throws {TsdbError} ERR_TSDB_BAD_CHECKSUM; `file` and `offset` say where the bytes begin. */
export function checkChecksum(bytes: Uint8Array, expected: number, what: string, file: string, offset: number): void {
  const found = checksum(bytes)
  if (found === expected) return
  throw new TsdbError('ERR_TSDB_BAD_CHECKSUM', wrongChecksum(what, found, expected), { file, offset })
}

/** What is said of a checksum that is another one. */
export function wrongChecksum(what: string, found: number, expected: number): string {
  return `the checksum of ${what} is ${hex(found)} instead of ${hex(expected)}`
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
