/** Changes in a written index that its writer would never make, with the checksums made right again. */
import { readFileSync, writeFileSync } from 'node:fs'
import { checksum } from '../../../bench/tsdb/encoding/checksum.ts'
import { INDEX_HEADER_BYTES, indexPath, paddingBytes, SERIES_ALIGNMENT } from '../../../bench/tsdb/index/format.ts'

const UINT32_BYTES = 4

/** Replaces a part of the table of symbols by as many bytes. */
export function patchSymbols(blockFolder: string, from: Uint8Array, to: Uint8Array): void {
  const index = readFileSync(indexPath(blockFolder))
  const content = INDEX_HEADER_BYTES + UINT32_BYTES
  const end = content + index.readUInt32BE(INDEX_HEADER_BYTES)
  const at = index.indexOf(from, content)
  if (at === -1 || at + from.length > end || to.length !== from.length) throw new RangeError('no such symbol')
  index.set(to, at)
  index.writeUInt32BE(checksum(index.subarray(content, end)), end)
  writeFileSync(indexPath(blockFolder), index)
}

/** Where the series of an index begins that is counted from 0; its length has one byte. */
export function seriesOffset(blockFolder: string, number: number): number {
  const index = readFileSync(indexPath(blockFolder))
  const symbolsEnd = INDEX_HEADER_BYTES + UINT32_BYTES + index.readUInt32BE(INDEX_HEADER_BYTES) + UINT32_BYTES
  let offset = symbolsEnd + paddingBytes(symbolsEnd, SERIES_ALIGNMENT)
  for (let i = 0; i < number; i++) {
    const end = offset + 1 + index[offset]! + UINT32_BYTES
    offset = end + paddingBytes(end, SERIES_ALIGNMENT)
  }
  return offset
}

/** Replaces the content of a series by another one, which may be longer by as much as the padding behind it allows. */
export function patchSeries(blockFolder: string, number: number, change: (content: Buffer) => Uint8Array): void {
  const offset = seriesOffset(blockFolder, number)
  const index = readFileSync(indexPath(blockFolder))
  const end = offset + 1 + index[offset]! + UINT32_BYTES
  const content = change(Buffer.from(index.subarray(offset + 1, end - UINT32_BYTES)))
  const newEnd = offset + 1 + content.length + UINT32_BYTES
  if (content.length >= 0x80 || newEnd > end + paddingBytes(end, SERIES_ALIGNMENT)) {
    throw new RangeError('there is no room for it')
  }
  index.fill(0, offset, end)
  index[offset] = content.length
  index.set(content, offset + 1)
  index.writeUInt32BE(checksum(content), newEnd - UINT32_BYTES)
  writeFileSync(indexPath(blockFolder), index)
}
