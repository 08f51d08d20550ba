import { describe, expect, it } from 'vitest'
import { formatBytes, formatSeconds, GIB, KIB, MIB, parseBytes } from '../../bench/units.ts'

describe('parseBytes', () => {
  it.each([
    ['8388608', 8 * MIB],
    ['1GiB', GIB],
    ['256MiB', 256 * MIB],
    ['256 mib', 256 * MIB],
    ['1.5 KiB', 1536],
    ['2GB', 2e9],
    ['7B', 7],
    [' 1KiB ', KIB],
  ])('reads %j', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  it.each(['', '0', '0GiB', '-1', '1e6', 'GiB', '1 GiB 2', '1.5', '0.3KiB', '1G', '1Gib/s', '9999999TiB', 'NaN'])(
    'does not take %j for a size',
    (text) => {
      expect(parseBytes(text)).toBeNull()
    },
  )
})

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1.5 * MIB, '1.5 MiB'],
    [256 * MIB, '256 MiB'],
    [GIB, '1 GiB'],
  ])('writes %d as %j', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })
})

describe('formatSeconds', () => {
  it.each([
    [-3, '0 s'],
    [46.6, '47 s'],
    [119, '119 s'],
    [185, '3 min 05 s'],
  ])('writes %d as %j', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text)
  })
})
