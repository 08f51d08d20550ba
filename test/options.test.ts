import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { bytesOf, integer, pathOf, settingsFrom } from '../src/options.ts'

describe('settingsFrom', () => {
  it('fills in the documented defaults', () => {
    expect(settingsFrom({})).toEqual({
      create: true,
      exclusive: false,
      truncate: true,
      append: false,
      mode: 0o666,
      start: 0,
      bufferSize: 2 * 1024 * 1024,
      queueDepth: 4,
      preallocate: 0,
      engine: 'auto',
      strategy: 'auto',
      policy: 'prefer',
      verify: false,
      keepCached: [],
      silent: false,
      signal: undefined,
    })
  })

  it('takes undefined as not given', () => {
    const nothing = {
      flags: undefined,
      mode: undefined,
      start: undefined,
      bufferSize: undefined,
      queueDepth: undefined,
      preallocate: undefined,
      engine: undefined,
      signal: undefined,
      strategy: undefined,
      policy: undefined,
    }
    expect(settingsFrom(nothing)).toEqual(settingsFrom({}))
  })

  it.each([
    ['w', { create: true, exclusive: false, truncate: true, append: false }],
    ['wx', { create: true, exclusive: true, truncate: false, append: false }],
    ['a', { create: true, exclusive: false, truncate: false, append: true }],
    ['ax', { create: true, exclusive: true, truncate: false, append: true }],
    ['r+', { create: false, exclusive: false, truncate: false, append: false }],
  ] as const)("knows flags '%s', with a plus or without", (flags, expected) => {
    expect(settingsFrom({ flags })).toMatchObject(expected)
    if (flags !== 'r+') expect(settingsFrom({ flags: `${flags}+` })).toMatchObject(expected)
  })

  it('keeps what is given, up to the limits', () => {
    const { signal } = new AbortController()
    const given = {
      mode: 0o7777,
      start: Number.MAX_SAFE_INTEGER,
      bufferSize: 2 ** 30,
      queueDepth: 64,
      preallocate: 1,
      strategy: 'evict',
      policy: 'prefer',
      signal,
    } as const
    for (const engine of ['threads', 'io_uring', 'auto'] as const) {
      expect(settingsFrom({ ...given, engine })).toMatchObject({ ...given, engine })
    }
    expect(settingsFrom({ mode: 0, bufferSize: 1, queueDepth: 1 })).toMatchObject({ mode: 0, bufferSize: 1 })
  })

  it('names the option, the value and what is known', () => {
    expect(() => settingsFrom({ flags: 'rw' })).toThrow(/flags.*'rw'.*known: w, /)
    expect(() => settingsFrom({ queueDepth: 0 })).toThrow(/queueDepth.*from 1 to 64.*0/)
    expect(() => settingsFrom({ bufferSise: 1 } as object)).toThrow(/'bufferSise'.*bufferSize/)
    expect(() => settingsFrom({ signal: new Map() as never })).toThrow(/signal.*Map/)
  })
})

describe('integer', () => {
  it('takes both limits and nothing beyond', () => {
    expect([integer('n', 1, 1, 3), integer('n', 3, 1, 3)]).toEqual([1, 3])
    expect(integer('n', Number.MAX_SAFE_INTEGER, 0)).toBe(Number.MAX_SAFE_INTEGER)
    for (const value of [0, 4, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => integer('n', value, 1, 3)).toThrow(RangeError)
    }
    for (const value of ['1', 1n, null, undefined, {}, Symbol('s')]) {
      expect(() => integer('n', value, 1, 3)).toThrow(TypeError)
    }
  })
})

describe('pathOf', () => {
  it('takes what fs takes', () => {
    const buffer = Buffer.from([0x2f, 0xff])
    expect(pathOf('a b')).toBe('a b')
    expect(pathOf(buffer)).toBe(buffer)
    expect(pathOf(pathToFileURL('/tmp/ä b'))).toBe('/tmp/ä b')
  })
})

describe('bytesOf', () => {
  it('copies no memory', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4)
    expect(bytesOf(bytes)).toBe(bytes)
    const words = Uint16Array.of(1, 2, 3)
    expect(bytesOf(words.subarray(1))).toMatchObject({ buffer: words.buffer, byteOffset: 2, byteLength: 4 })
    expect(bytesOf(words.buffer)).toMatchObject({ buffer: words.buffer, byteOffset: 0, byteLength: 6 })
  })
})
