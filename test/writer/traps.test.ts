import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sharedPool } from '../../src/buffer-pool.ts'
import { openWriter, pageCacheOf } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { engineOfRun } from '../support/engine.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectMode, strategyInEffect } from '../support/mode.ts'
import {
  dropFromCache,
  everyStrategy,
  expectBytes,
  expectFile,
  notingBinding,
  openSmall,
  smallBuffer,
} from './tools.ts'

const folder = temporaryFolder()

/** Traps that other writers of this kind fell into. Those that take a failing disk are tested in test/fault. */
describe('a direct writer', () => {
  it.each([512, 1024, 4096, 65_536])('keeps to a block of %i bytes, whatever it is', async (block) => {
    const path = freshPath(folder)
    const { native, writes } = notingBinding()
    const alignment = { memory: block, offset: block }
    const options = { bufferSize: 131_072, queueDepth: 2 }
    const writer = await openSmall(path, 'direct', options, { binding: native, alignment })
    expect(writer.alignment).toMatchObject(alignment)
    const bytes = someBytes(300_000)
    let position = 0
    for (const size of [1, 511, 513, 4096, 65_535, 65_537, 150_000]) {
      await writer.write(bytes.subarray(position, position + size))
      position += size
      await writer.flush()
      await writer.writeAt(bytes.subarray(position - 1, position), position - 1)
      await writer.writeAt(bytes.subarray(0, 1), 0)
    }
    await writer.end()
    expectFile(path, bytes.subarray(0, position))
    expect(writes.length).toBeGreaterThan(7)
    for (const { view, viewOffset, length, position: at } of writes) {
      const memory = native.misalignment(view.subarray(viewOffset), block)
      expect([memory, length % block, at % block]).toEqual([0, 0, 0])
    }
  })

  it('takes a read alignment that is larger than the one for writes', async () => {
    const path = freshPath(folder)
    writeFileSync(path, someBytes(5000, 4))
    const { native } = notingBinding()
    const reads: number[][] = []
    const strict = {
      ...native,
      open: async (...parameters: Parameters<typeof native.open>) => {
        const file = await native.open(...parameters)
        return new Proxy(file, {
          get(target, name: keyof typeof file) {
            if (name === 'statx') {
              return async () => ({
                ...(await target.statx()),
                dio: { memory: 512, offset: 512 },
                dioRead: 4096,
              })
            }
            if (name === 'pread') {
              return async (view: Uint8Array, offset: number, length: number, at: number, flags: number) => {
                reads.push([length, at])
                return await target.pread(view, offset, length, at, flags)
              }
            }
            return target[name]
          },
        })
      },
    }
    const writer = await openSmall(path, 'direct', { flags: 'a' }, { binding: strict })
    expect(writer.alignment).toMatchObject({ offset: 4096, readOffset: 4096 })
    await writer.write(someBytes(20_000))
    await writer.writeAt('', 5000)
    await writer.writeAt(someBytes(20_000).subarray(0, 3000), 5000)
    await writer.end()
    expect(reads.length).toBeGreaterThan(0)
    for (const [length, at] of reads as [number, number][]) {
      expect([length % 4096, at % 4096]).toEqual([0, 0])
    }
    expectFile(path, Buffer.concat([someBytes(5000, 4), someBytes(20_000)]))
  })

  it('pads with zeros, never with what the buffer held before', async () => {
    const { native, writes } = notingBinding()
    const secret = 0xa5
    for (let round = 0; round < 3; round++) {
      const first = await openSmall(freshPath(folder))
      while (first.writeSync(Buffer.alloc(1000, secret)));
      await first.end()
      expect(sharedPool.retainedBytes).toBeGreaterThan(0)

      const path = freshPath(folder)
      const padded: number[] = []
      const writer = await openSmall(path, 'direct', { preallocate: 65_536 }, { binding: native })
      for (const size of [1, 100, 700, 4096, 5]) {
        await writer.write(someBytes(size))
        await writer.flush()
        for (const { view, viewOffset, length, position } of writes.splice(0)) {
          const padding = position + length - writer.position
          if (padding <= 0) continue
          padded.push(padding)
          const end = viewOffset + length
          expectBytes(view.subarray(end - padding, end), Buffer.alloc(padding))
        }
        expectBytes(readFileSync(path).subarray(writer.position), Buffer.alloc(65_536 - writer.position))
      }
      expect(padded.length).toBeGreaterThan(3)
      await writer.end()
    }
  })

  it('leaves no page 0 behind for a first header and its patch', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write(Buffer.alloc(100))
    await writer.write(someBytes(4 * smallBuffer))
    await writer.writeAt(someBytes(100, 3), 0)
    await writer.end()
    expect((await pageCacheOf(path)).residentBytes).toBe(0)
    expectFile(path, Buffer.concat([someBytes(100, 3), someBytes(4 * smallBuffer)]))
  })

  it('reads back a first block past the cache as well', async () => {
    const path = freshPath(folder)
    writeFileSync(path, someBytes(100))
    await dropFromCache(path)
    const writer = await openSmall(path, 'direct', { flags: 'r+', start: 50 })
    await writer.write(someBytes(10, 2))
    await writer.end()
    expect((await pageCacheOf(path)).residentBytes).toBe(0)
    const expected = someBytes(100)
    expected.set(someBytes(10, 2), 50)
    expectFile(path, expected)
  })

  it('stays direct to the end, tail and all', async () => {
    const flags: number[] = []
    const { native, writes } = notingBinding()
    const counting = {
      ...native,
      open: async (...parameters: Parameters<typeof native.open>) => {
        flags.push(parameters[1])
        return await native.open(...parameters)
      },
    }
    const writer = await openSmall(freshPath(folder), 'direct', {}, { binding: counting })
    for (const size of [100, 5000, 1]) {
      await writer.write(someBytes(size))
      await writer.flush()
    }
    await writer.end()
    const direct = 0o40000
    expect(flags.length).toBeGreaterThan(0)
    for (const each of flags) expect(each & direct).toBe(direct)
    for (const { length, position } of writes) expect([length % 512, position % 512]).toEqual([0, 0])
  })
})

describe('writeSync', () => {
  it.each(everyStrategy)('never answers false after taking bytes (%s)', async (strategy) => {
    const path = freshPath(folder)
    const writer = await openSmall(path, strategy, { queueDepth: 2 })
    expectMode(writer, strategy)
    const expected: Buffer[] = []
    let refused = 0
    for (let i = 0; i < 300; i++) {
      const chunk = someBytes(1 + ((i * 797) % 20_000), i)
      const before = writer.acceptedBytes
      const taken = writer.writeSync(chunk)
      expect(writer.acceptedBytes - before).toBe(taken ? chunk.byteLength : 0)
      if (taken) {
        expected.push(chunk)
      } else {
        refused++
        await writer.flush()
      }
    }
    expect(refused).toBeGreaterThan(10)
    await writer.end()
    expectFile(path, Buffer.concat(expected))
  })
})

describe('openWriter', () => {
  it("takes direct for 'auto', and says what it asked for and got", async () => {
    const writer = await openWriter(freshPath(folder))
    expect(writer.mode).toMatchObject({ asked: 'auto', inEffect: 'direct' })
    expect(writer.engine).toBe(engineOfRun)
    expect([writer.bufferSize, writer.queueDepth]).toEqual([2 * 1024 * 1024, 4])
    await writer.end()
  })

  it.each(everyStrategy)('gives %s under either policy where it is possible', async (strategy) => {
    for (const policy of ['require', 'prefer'] as const) {
      const writer = await openWriter(freshPath(folder), { strategy, policy })
      expectMode(writer, strategy)
      expect(writer.alignment === null).toBe(strategyInEffect(strategy) !== 'direct')
      await writer.end()
    }
  })
})
