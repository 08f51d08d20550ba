import { constants, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { allocAligned } from '../../src/index.ts'
import { throughRing } from '../support/engine.ts'
import { opened, readWrite } from './opened.ts'

const memory = allocAligned(16384)
const refused = { name: 'RangeError', code: 'ERR_MISALIGNED' }

describe('a file of which alignment is required', () => {
  test.each([
    ['the position of a write', 0, 4096, 4097],
    ['the position of a write, by one block of a smaller disk', 0, 4096, 512],
    ['the length of a write', 0, 4095, 0],
    ['the address of a write', 256, 4096, 0],
  ])('refuses %s that is not so before the kernel is asked', async (_, from, length, position) => {
    await opened(readWrite, async (file, path) => {
      file.requireAlignment(512, 4096, 512)
      // Not direct: the kernel would take it.
      expect(() => file.pwrite(memory, from, length, position, 0, throughRing)).toThrow(
        expect.objectContaining(refused),
      )
      expect(readFileSync(path).byteLength).toBe(0)
      expect(await file.pwrite(memory, 512, 4096, 8192, 0, throughRing)).toBe(4096)
    })
  })

  test('refuses a read that is not so, by the alignment of reads', async () => {
    await opened(readWrite, async (file) => {
      file.requireAlignment(512, 4096, 512)
      const read = (from: number, length: number, position: number) => () =>
        file.pread(memory, from, length, position, 0)
      expect(read(0, 512, 100)).toThrow(expect.objectContaining(refused))
      expect(read(0, 511, 0)).toThrow(expect.objectContaining(refused))
      expect(read(8, 512, 0)).toThrow(expect.objectContaining(refused))
      expect(await file.pread(memory, 0, 512, 512, 0)).toBe(0)
    })
  })

  test('says how far off it is', async () => {
    await opened(readWrite | constants.O_DIRECT, async (file) => {
      file.requireAlignment(4096, 512, 512)
      expect(() => file.pwrite(memory, 8, 1024, 512, 0, throughRing)).toThrow(
        'a direct transfer of 1024 bytes at 512, from an address 8 bytes off, does not fit 4096 and 512',
      )
    })
  })
})

test('a file of which none is required takes everything', async () => {
  await opened(readWrite, async (file) => {
    expect(await file.pwrite(memory, 3, 5, 7, 0, throughRing)).toBe(5)
  })
})
