import { describe, expect, it } from 'vitest'
import { ByteCursor } from '../../../bench/tsdb/encoding/byte-cursor.ts'

const FILE = '/data/index'
const OFFSET = 1000

const cursorOver = (...bytes: readonly number[]): ByteCursor => new ByteCursor(Buffer.from(bytes), FILE, OFFSET)

describe('bytes that are not there', () => {
  it.each(['byte', 'uint16', 'uint32', 'uint64', 'uvarint', 'varint', 'text'] as const)(
    'are missed by %s, which tells where',
    (read) => {
      const cursor = cursorOver(7)
      cursor.byte()
      expect(() => cursor[read]()).toThrow(
        expect.objectContaining({ code: 'ERR_TSDB_TRUNCATED', file: FILE, offset: OFFSET + 1 }),
      )
    },
  )

  it.each([
    ['uint16', 1, 2],
    ['uint32', 3, 4],
    ['uint64', 7, 8],
  ] as const)('are missed by %s when there are %d', (read, there, needed) => {
    const cursor = cursorOver(...Array.from({ length: there }, () => 0))
    expect(() => cursor[read]()).toThrow(`${FILE} at byte ${OFFSET}: ${needed} bytes are announced, ${there} are there`)
    expect(cursor.position).toBe(0)
  })

  it('are missed in the middle of an integer of variable length', () => {
    expect(() => cursorOver(0x80, 0x80).uvarint()).toThrow(
      expect.objectContaining({ code: 'ERR_TSDB_TRUNCATED', offset: OFFSET + 2 }),
    )
  })

  it('are missed by a text that announces more than there is', () => {
    expect(() => cursorOver(3, 0x61, 0x62).text()).toThrow(
      expect.objectContaining({ code: 'ERR_TSDB_TRUNCATED', file: FILE, offset: OFFSET + 1 }),
    )
    expect(() => cursorOver(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x61).text()).toThrow(
      expect.objectContaining({ code: 'ERR_TSDB_TRUNCATED' }),
    )
  })

  it('are missed when they are taken', () => {
    const cursor = cursorOver(1, 2)
    expect([...cursor.take(2)]).toEqual([1, 2])
    expect([...cursor.take(0)]).toEqual([])
    expect(() => cursor.take(1)).toThrow(expect.objectContaining({ code: 'ERR_TSDB_TRUNCATED', offset: OFFSET + 2 }))
  })
})

describe('integers', () => {
  const largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]

  it('go up to 2^53 - 1, and from -2^52 to 2^52 - 1 with a sign', () => {
    expect(cursorOver(0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff).uint64()).toBe(Number.MAX_SAFE_INTEGER)
    expect(cursorOver(...largest).uvarint()).toBe(Number.MAX_SAFE_INTEGER)
    expect(cursorOver(...largest).varint()).toBe(-(2 ** 52))
    expect(cursorOver(0xfe, ...largest.slice(1)).varint()).toBe(2 ** 52 - 1)
  })

  it.each([
    ['uint64', [0, 0x20, 0, 0, 0, 0, 0, 0]],
    // 2^53 + 1, which a double takes for 2^53.
    ['uint64', [0, 0x20, 0, 0, 0, 0, 0, 1]],
    ['uint64', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['uvarint', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ['uvarint', [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ['uvarint', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['varint', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]],
  ] as const)('beyond that are refused: %s %j', (read, bytes) => {
    expect(() => cursorOver(...bytes)[read]()).toThrow(
      expect.objectContaining({ code: 'ERR_TSDB_UNSUPPORTED', file: FILE, offset: OFFSET + bytes.length }),
    )
  })

  it('of variable length may be longer than they need be, but have an end', () => {
    expect(cursorOver(0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0).uvarint()).toBe(1)
    expect(() => cursorOver(...Array.from({ length: 11 }, () => 0x80)).uvarint()).toThrow(
      expect.objectContaining({ code: 'ERR_TSDB_MALFORMED', file: FILE, offset: OFFSET + 10 }),
    )
  })
})

describe('text', () => {
  it.each([
    ['a byte that never is in UTF-8', [1, 0xff]],
    ['a character that is cut', [2, 0xe2, 0x82]],
    ['a character that is longer than it need be', [2, 0xc0, 0x80]],
    ['half of a surrogate pair', [3, 0xed, 0xa0, 0x80]],
    ['a character beyond U+10FFFF', [4, 0xf4, 0x90, 0x80, 0x80]],
  ])('is refused when it is not UTF-8: %s', (_, bytes) => {
    const cursor = cursorOver(0, ...bytes)
    cursor.byte()
    expect(() => cursor.text()).toThrow(
      expect.objectContaining({ code: 'ERR_TSDB_BAD_LABELS', file: FILE, offset: OFFSET + 1 }),
    )
  })

  it('may be empty, and keeps a mark of byte order', () => {
    const cursor = cursorOver(0, 3, 0xef, 0xbb, 0xbf)
    expect([cursor.text(), cursor.text()]).toEqual(['', '\uFEFF'])
  })
})

describe('a cursor', () => {
  it('goes on with other bytes of the file, and tells errors there', () => {
    const cursor = cursorOver(1, 2)
    cursor.uint16()
    cursor.reset(Buffer.from([3]), 5000)
    expect([cursor.position, cursor.left, cursor.byte()]).toEqual([0, 1, 3])
    expect(() => cursor.byte()).toThrow(expect.objectContaining({ file: FILE, offset: 5001 }))
    expect(cursor.error('ERR_TSDB_MALFORMED', 'odd')).toMatchObject({ message: `${FILE} at byte 5001: odd` })
    expect(cursor.error('ERR_TSDB_MALFORMED', 'odd', 0)).toMatchObject({ code: 'ERR_TSDB_MALFORMED', offset: 5000 })
  })
})
