import { statSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { Chunk } from '../../src/index.ts'
import { randomNumbers, someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { everyStrategy, expectBytes, expectFile, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()

/** `byteLength` bytes at an odd address of an ArrayBuffer that is larger. */
function atOddOffset(byteLength: number): Uint8Array {
  const memory = new Uint8Array(byteLength + 16)
  memory.set(someBytes(byteLength + 16, byteLength))
  return memory.subarray(7, 7 + byteLength)
}

function shared(byteLength: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(byteLength)
  new Uint8Array(memory).set(someBytes(byteLength))
  return memory
}

const numbers = Float64Array.from([0, -1.5, Math.PI, Number.MAX_VALUE])
const shapes: Record<string, { chunk: Chunk; bytes: Uint8Array }> = {
  'an ASCII string': { chunk: 'hello', bytes: Buffer.from('hello') },
  'a string of multi-byte characters': { chunk: 'grüße €😀', bytes: Buffer.from('grüße €😀', 'utf8') },
  'a string with lone surrogates': {
    chunk: 'a\ud83db\ude00c',
    bytes: Buffer.from([0x61, 0xef, 0xbf, 0xbd, 0x62, 0xef, 0xbf, 0xbd, 0x63]),
  },
  'a Buffer of the pool': { chunk: Buffer.from('pooled'), bytes: Buffer.from('pooled') },
  'a Uint8Array at an odd address': { chunk: atOddOffset(1001), bytes: atOddOffset(1001) },
  'an Int8Array': { chunk: Int8Array.from([-1, 0, 1]), bytes: Buffer.from([255, 0, 1]) },
  'a Uint8ClampedArray': { chunk: Uint8ClampedArray.from([300, 5]), bytes: Buffer.from([255, 5]) },
  'a Uint16Array': { chunk: Uint16Array.from([0x0102, 0xfffe]), bytes: Buffer.from([2, 1, 254, 255]) },
  'an Int32Array': { chunk: Int32Array.from([-2]), bytes: Buffer.from([254, 255, 255, 255]) },
  'a Float32Array': { chunk: Float32Array.from([1]), bytes: Buffer.from([0, 0, 128, 63]) },
  'a Float64Array': { chunk: numbers, bytes: Buffer.from(numbers.buffer) },
  'a part of a Float64Array': {
    chunk: numbers.subarray(2, 3),
    bytes: Buffer.from(numbers.buffer, 16, 8),
  },
  'a BigUint64Array': { chunk: BigUint64Array.from([1n]), bytes: Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]) },
  'a DataView of the middle': {
    chunk: new DataView(atOddOffset(20).buffer, 9, 5),
    bytes: Buffer.from(atOddOffset(20).buffer, 9, 5),
  },
  'an ArrayBuffer': { chunk: numbers.buffer, bytes: Buffer.from(numbers.buffer) },
  'a SharedArrayBuffer': { chunk: shared(33), bytes: Buffer.from(shared(33)) },
  'a typed array of another realm': {
    chunk: runInNewContext('Uint8Array.of(1, 2, 3)') as Uint8Array,
    bytes: Buffer.from([1, 2, 3]),
  },
  'an ArrayBuffer of another realm': {
    chunk: runInNewContext('Uint8Array.of(1, 2, 3).buffer') as ArrayBuffer,
    bytes: Buffer.from([1, 2, 3]),
  },
}

describe('a chunk', () => {
  it.each(Object.entries(shapes))('can be %s', async (_, { chunk, bytes }) => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    expect(writer.writeSync(chunk)).toBe(true)
    await writer.write(chunk)
    expect(writer.writevSync([chunk, chunk])).toBe(true)
    await writer.writev([chunk])
    expect(await writer.end()).toBe(5 * bytes.byteLength)
    expectFile(path, Buffer.concat([bytes, bytes, bytes, bytes, bytes]))
  })

  it.each(['', Buffer.alloc(0), new ArrayBuffer(0), new DataView(new ArrayBuffer(4), 4)])(
    'can be empty (%#)',
    async (chunk) => {
      const path = freshPath(folder)
      const writer = await openSmall(path)
      expect(writer.writeSync(chunk)).toBe(true)
      await writer.write(chunk)
      expect(writer.writevSync([])).toBe(true)
      await writer.writev([chunk, 'a', chunk])
      expect(await writer.end()).toBe(1)
      expectFile(path, Buffer.from('a'))
    },
  )

  it('may be used again at once when writeSync took it', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    const chunk = Buffer.alloc(3000, 1)
    expect(writer.writeSync(chunk)).toBe(true)
    chunk.fill(2)
    await writer.write(chunk)
    chunk.fill(3)
    await writer.end()
    expectFile(path, Buffer.concat([Buffer.alloc(3000, 1), Buffer.alloc(3000, 2)]))
  })

  it('of a string of many buffers is written whole', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    const text = 'ä€😀x'.repeat(5000)
    await writer.write(text)
    await writer.end()
    expectFile(path, Buffer.from(text))
  })
})

describe.each(everyStrategy)('chunks of any sizes under %s', (strategy) => {
  it.each([1, 2, 3])('come out in order, run %i', async (seed) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy)
    const next = randomNumbers(seed)
    const written: Uint8Array[] = []
    const sizes = [0, 1, 2, 511, 512, 513, 4095, 4096, 4097, 8191, 8192, 8193, 20_000, 65_536]
    for (let i = 0; i < 60; i++) {
      const chunk = someBytes(sizes[next(sizes.length)] as number, seed * 1000 + i)
      written.push(Buffer.from(chunk))
      if (next(2) === 0) await writer.write(chunk)
      else if (!writer.writeSync(chunk)) await writer.write(chunk)
    }
    const expected = Buffer.concat(written)
    expect(writer.acceptedBytes).toBe(expected.byteLength)
    expect(await writer.end()).toBe(expected.byteLength)
    expectFile(path, expected)
  })

  it('of one byte each come out', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { bufferSize: 4096 })
    const expected = someBytes(10_000)
    for (const byte of expected) {
      const one = Uint8Array.of(byte)
      if (!writer.writeSync(one)) await writer.write(one)
    }
    await writer.end()
    expectFile(path, expected)
  })

  it('leave an empty file when there are none', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy)
    expect(await writer.end()).toBe(0)
    expect(statSync(path).size).toBe(0)
  })
})

describe('writev', () => {
  it('takes chunks that end and begin anywhere in the buffers', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    const chunks = [1, 511, 8192, 3, 0, 20_000, 7].map((size, index) => someBytes(size, index))
    await writer.writev(chunks)
    await writer.end()
    expectFile(path, Buffer.concat(chunks))
  })

  it('takes all chunks or none', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, 'direct', { queueDepth: 2 })
    expect(writer.writeSync(someBytes(smallBuffer))).toBe(true)
    const chunks = [Buffer.alloc(100, 1), Buffer.alloc(3 * smallBuffer, 2)]
    expect(writer.writevSync(chunks)).toBe(false)
    expect(writer.acceptedBytes).toBe(smallBuffer)
    await writer.end()
    expectFile(path, someBytes(smallBuffer))
  })

  it('takes none when one of them is not a chunk', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    const chunks = ['first', 42] as unknown as Chunk[]
    expect(() => writer.writevSync(chunks)).toThrow(TypeError)
    await expect(writer.writev(chunks)).rejects.toThrow(TypeError)
    expect(writer.acceptedBytes).toBe(0)
    await writer.end()
    expectBytes(Buffer.from([]), Buffer.alloc(statSync(path).size))
  })
})
