import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { checkChecksum, checksum } from '../../../bench/tsdb/encoding/checksum.ts'

describe('the checksum', () => {
  // Of RFC 3720, appendix B.4.
  it.each([
    ['32 bytes of zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['32 bytes that rise', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    ['32 bytes that fall', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
    ['the digits', Buffer.from('123456789'), 0xe3069283],
    ['nothing', Buffer.alloc(0), 0],
  ])('is CRC-32C: of %s', (_, bytes, expected) => {
    expect(checksum(bytes)).toBe(expected)
  })

  test.prop([fc.uint8Array(), fc.uint8Array()])('goes on behind other bytes', (first, second) => {
    expect(checksum(second, checksum(first))).toBe(checksum(Buffer.concat([first, second])))
  })

  it('is told with its place when it is not as it should be', () => {
    const bytes = Buffer.from('123456789')
    expect(() => checkChecksum(bytes, 0xe3069283, 'digits', '/file', 5)).not.toThrow()
    expect(() => checkChecksum(bytes, 0x0306928f, 'digits', '/file', 5)).toThrow(
      expect.objectContaining({
        code: 'ERR_TSDB_BAD_CHECKSUM',
        file: '/file',
        offset: 5,
        message: '/file at byte 5: the checksum of digits is e3069283 instead of 0306928f',
      }),
    )
  })
})
