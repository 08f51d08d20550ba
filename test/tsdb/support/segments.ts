/** Segments of chunks as tsdb/docs/format/chunks.md of Prometheus has them, put together without the code under test. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32c } from '@node-rs/crc32'
import { temporaryFolder } from '../../support/folders.ts'

export interface TestChunk {
  readonly encoding: number
  readonly data: Uint8Array
}

/** Magic, version, padding. */
export const HEADER = Buffer.from([0x85, 0xbd, 0x40, 0xdd, 1, 0, 0, 0])

/** Length, encoding, data, checksum. */
export function recordOf({ encoding, data }: TestChunk): Buffer {
  const length: number[] = []
  let rest = data.length
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) length.push((rest % 0x80) | 0x80)
  const content = Buffer.concat([Buffer.of(encoding), data])
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32c(content))
  return Buffer.concat([Buffer.of(...length, rest), content, sum])
}

export interface Segments {
  readonly files: readonly Buffer[]
  /** Of each chunk: the segment in the upper four bytes, the offset in the lower ones. */
  readonly references: readonly number[]
}

/** A segment ends before the chunk with which it would be longer than `segmentBytes`, but holds one at least. */
export function segmentsOf(chunks: readonly TestChunk[], segmentBytes: number): Segments {
  const files: Buffer[][] = [[HEADER]]
  const references: number[] = []
  let length = HEADER.length
  for (const chunk of chunks) {
    const record = recordOf(chunk)
    if (length > HEADER.length && length + record.length > segmentBytes) {
      files.push([HEADER])
      length = HEADER.length
    }
    references.push((files.length - 1) * 2 ** 32 + length)
    files.at(-1)!.push(record)
    length += record.length
  }
  return { files: files.map((parts) => Buffer.concat(parts)), references }
}

/** A folder for a block's files, with one for its chunks in it. */
export function folderForBlock(): string {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'chunks'))
  return folder
}

export function segmentName(index: number): string {
  return String(index + 1).padStart(6, '0')
}

/** What is in the folder of the chunks, in the order of the names. */
export function segmentFiles(block: string): Map<string, Buffer> {
  const folder = join(block, 'chunks')
  return new Map(
    readdirSync(folder)
      .toSorted()
      .map((name) => [name, readFileSync(join(folder, name))]),
  )
}
