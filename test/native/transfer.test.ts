import { constants, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { binding } from '../../src/binding.ts'
import { allocAligned } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { throughRing } from '../support/engine.ts'
import { caught, opened, readWrite, writeCall } from './opened.ts'

const native = binding()
const { O_DIRECT } = constants

function aligned(byteLength: number): Uint8Array {
  const memory = allocAligned(byteLength)
  memory.set(someBytes(byteLength))
  return memory
}

describe('pwrite and pread', () => {
  test('move aligned blocks under O_DIRECT', async () => {
    await opened(readWrite | O_DIRECT, async (file, path) => {
      const written = aligned(3 * 4096)
      expect(await file.pwrite(written, 4096, 8192, 4096, 0, throughRing)).toBe(8192)
      expect(readFileSync(path)).toEqual(Buffer.concat([Buffer.alloc(4096), written.subarray(4096)]))
      const into = allocAligned(8192)
      expect(await file.pread(into, 4096, 4096, 8192, 0)).toBe(4096)
      expect(Buffer.compare(into.subarray(4096), written.subarray(8192))).toBe(0)
      expect(into.subarray(0, 4096).every((byte) => byte === 0)).toBe(true)
    })
  })

  test('refuse with EINVAL under O_DIRECT offsets and lengths that are not aligned, where the file asks for alignment', async () => {
    await opened(readWrite | O_DIRECT, async (file, path) => {
      const { dio } = await file.statx()
      // Where the kernel names no alignment (tmpfs, btrfs) it takes everything.
      if (dio === undefined) return
      const memory = aligned(16384)
      const refused = { code: 'EINVAL', errno: -22, path }
      const write = { ...refused, syscall: writeCall }
      await expect(file.pwrite(memory, 0, dio.offset - 1, 0, 0, throughRing)).rejects.toMatchObject(write)
      await expect(file.pwrite(memory, 0, dio.offset, 1, 0, throughRing)).rejects.toMatchObject(write)
      expect(statSync(path).size).toBe(0)
      await file.pwrite(memory, 0, 8192, 0, 0, throughRing)
      const read = { ...refused, syscall: 'preadv2' }
      await expect(file.pread(memory, 0, 4096, dio.offset - 1, 0)).rejects.toMatchObject(read)
    })
  })

  test('stop at the end of the file', async () => {
    await opened(readWrite | O_DIRECT, async (file, path) => {
      writeFileSync(path, someBytes(5000))
      const into = allocAligned(8192)
      expect(await file.pread(into, 0, 8192, 0, 0)).toBe(5000)
      expect(await file.pread(into, 0, 8192, 8192, 0)).toBe(0)
    })
  })

  test('reach positions beyond 4 GiB', async () => {
    await opened(readWrite, async (file, path) => {
      const position = 2 ** 33 + 7
      expect(await file.pwrite(Buffer.from('far'), 0, 3, position, 0, throughRing)).toBe(3)
      expect(statSync(path).size).toBe(position + 3)
      const into = Buffer.alloc(3)
      await file.pread(into, 0, 3, position, 0)
      expect(into.toString()).toBe('far')
    })
  })

  test('run side by side and leave the memory around them alone', async () => {
    await opened(readWrite, async (file, path) => {
      const content = someBytes(64 * 1000)
      const taken = Array.from({ length: 64 }, (_, i) => file.pwrite(content, i * 1000, 1000, i * 1000, 0, throughRing))
      expect(await Promise.all(taken)).toEqual(Array.from({ length: 64 }, () => 1000))
      expect(readFileSync(path).equals(content)).toBe(true)
    })
  })

  test('take memory that is shared, that is small, and that is part of something larger', async () => {
    await opened(readWrite, async (file, path) => {
      const shared = new Uint8Array(new SharedArrayBuffer(8)).fill(1)
      await file.pwrite(shared, 0, 8, 0, 0, throughRing)
      await file.pwrite(new Uint8Array([2, 2]), 0, 2, 8, 0, throughRing)
      await file.pwrite(new Uint8Array(new Uint8Array([9, 9, 3, 9]).buffer, 2, 1), 0, 1, 10, 0, throughRing)
      expect([...readFileSync(path)]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3])
    })
  })

  test('keep their memory alive while they run', async () => {
    await opened(readWrite, async (file, path) => {
      const writes: Promise<number>[] = []
      for (let i = 0; i < 50; i++)
        writes.push(file.pwrite(new Uint8Array(100_000).fill(i), 0, 100_000, i * 100_000, 0, throughRing))
      await Promise.all(writes)
      const content = readFileSync(path)
      for (let i = 0; i < 50; i++) {
        expect(content.subarray(i * 100_000, (i + 1) * 100_000).every((byte) => byte === i)).toBe(true)
      }
    })
  })

  test.each([
    ['the view ends before the transfer', 100, 0, 101],
    ['the transfer begins behind the view', 100, 101, 0],
    ['the transfer begins before the view', 100, -1, 1],
    ['the length is negative', 100, 0, -1],
  ])('refuse at once when %s', async (_name, byteLength, viewOffset, length) => {
    await opened(readWrite, async (file) => {
      const refused = { name: 'RangeError', code: 'ERR_BUFFER_DETACHED' }
      const view = new Uint8Array(byteLength)
      expect(caught(() => void file.pwrite(view, viewOffset, length, 0, 0, throughRing))).toMatchObject(refused)
      expect(caught(() => void file.pread(view, viewOffset, length, 0, 0))).toMatchObject(refused)
    })
  })

  test('refuse at once memory that was transferred away', async () => {
    await opened(readWrite, async (file) => {
      const view = new Uint8Array(100)
      structuredClone(view, { transfer: [view.buffer] })
      const refused = { name: 'RangeError', code: 'ERR_BUFFER_DETACHED' }
      expect(caught(() => void file.pwrite(view, 0, 100, 0, 0, throughRing))).toMatchObject(refused)
      expect(caught(() => void file.pread(view, 0, 100, 0, 0))).toMatchObject(refused)
    })
  })

  test('refuse at once what is no bytes', async () => {
    await opened(readWrite, async (file) => {
      const notBytes = 'text' as unknown as Uint8Array
      expect(caught(() => void file.pwrite(notBytes, 0, 1, 0, 0, throughRing))).toBeInstanceOf(Error)
    })
  })
})

describe('misalignment', () => {
  test('is the distance of the first byte from the last multiple', () => {
    const memory = allocAligned(8192, 4096)
    expect(native.misalignment(memory, 4096)).toBe(0)
    expect(native.misalignment(memory.subarray(1), 4096)).toBe(1)
    expect(native.misalignment(memory.subarray(4095), 4096)).toBe(4095)
    expect(native.misalignment(memory.subarray(513), 512)).toBe(1)
  })
})
