import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { ByteCursor } from '../../../bench/tsdb/encoding/byte-cursor.ts'
import { decodeContents, encodeContents, indexPath, paddingBytes } from '../../../bench/tsdb/index/format.ts'

const someContents = fc.record({
  symbols: fc.maxSafeNat(),
  series: fc.maxSafeNat(),
  labelIndices: fc.maxSafeNat(),
  labelIndexTable: fc.maxSafeNat(),
  postings: fc.maxSafeNat(),
  postingsTable: fc.maxSafeNat(),
})

describe('the table of contents', () => {
  test.prop([someContents])('is six offsets of eight bytes, and is read again', (contents) => {
    const bytes = encodeContents(contents)
    const { symbols, series, labelIndices, labelIndexTable, postings, postingsTable } = contents
    const inOrder = [symbols, series, labelIndices, labelIndexTable, postings, postingsTable]
    expect(inOrder.map((_, i) => bytes.readBigUInt64BE(8 * i))).toEqual(inOrder.map(BigInt))
    expect(bytes).toHaveLength(48)
    expect(decodeContents(new ByteCursor(bytes, 'index'))).toEqual(contents)
  })
})

describe('padding', () => {
  test.prop([fc.nat(), fc.constantFrom(1, 4, 16)])(
    'goes to the next multiple, and no further',
    (position, alignment) => {
      const padding = paddingBytes(position, alignment)
      expect((position + padding) % alignment).toBe(0)
      expect(padding >= 0 && padding < alignment).toBe(true)
    },
  )
})

describe('places', () => {
  it('of the index is a file in the folder of the block', () => {
    expect(indexPath('/data/block')).toBe('/data/block/index')
  })
})
