import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { chunkReference, offsetOf, segmentOf, segmentPath } from '../../../bench/tsdb/chunks/segment.ts'

describe('a reference to a chunk', () => {
  test.prop([fc.nat({ max: 2 ** 21 - 1 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })])(
    'is the segment in the upper four bytes and the offset in the lower ones',
    (segment, offset) => {
      const reference = chunkReference(segment, offset)
      expect(BigInt(reference)).toBe((BigInt(segment) << 32n) | BigInt(offset))
      expect([segmentOf(reference), offsetOf(reference)]).toEqual([segment, offset])
    },
  )
})

describe('segments', () => {
  it('are named from 1 on, in six digits at least', () => {
    expect([0, 9, 999_999].map((index) => segmentPath('/data/block', index))).toEqual([
      '/data/block/chunks/000001',
      '/data/block/chunks/000010',
      '/data/block/chunks/1000000',
    ])
  })
})
