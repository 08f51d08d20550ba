import { describe, expect, it } from 'vitest'
import { randomNumbers, someBytes } from '../support/bytes.ts'
import type { FileFaults } from '../support/faults.ts'
import { temporaryFolder } from '../support/folders.ts'
import { block, expectContent, openOver } from './disk.ts'

const folder = temporaryFolder()

/** Takes of each write only what `takes` says; records where writes began. */
function shortWrites(takes: (length: number, call: number) => number): {
  faults: FileFaults
  begun: number[]
} {
  const begun: number[] = []
  return {
    begun,
    faults: {
      pwrite: async (real, view, viewOffset, length, position, flags, throughRing, place) => {
        begun.push(position)
        expect(position % block).toBe(0)
        expect(length % block).toBe(0)
        const taken = Math.min(length, takes(length, begun.length - 1))
        if (taken === 0) return 0
        // The kernel may have taken part of a block on a file that is not direct; the disk here gets whole ones.
        const whole = Math.ceil(taken / block) * block
        await real.pwrite(view, viewOffset, whole, position, flags, throughRing, place)
        return taken
      },
    },
  }
}

describe('a short write', () => {
  it.each([
    ['one block at a time', () => block],
    ['a block and a half', () => block + block / 2],
    ['two blocks less a byte', () => 2 * block - 1],
    ['less than a block, then all', (length: number, call: number) => (call % 2 === 0 ? 100 : length)],
    ['nothing, then all', (length: number, call: number) => (call % 2 === 0 ? 0 : length)],
    ['nothing 40 times, then one block', (_: number, call: number) => (call % 41 === 40 ? block : 0)],
  ])('goes on from the last whole block: %s', async (_, takes) => {
    const { faults } = shortWrites(takes)
    const { writer, path } = await openOver(folder, faults)
    const content = someBytes(block * 9 + 77)
    await writer.write(content)
    expect(await writer.end()).toBe(content.byteLength)
    expectContent(path, content)
  })

  it('of any size at any time changes nothing in the file', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const next = randomNumbers(seed)
      const { faults } = shortWrites((length) => (next(3) === 0 ? length : next(length + 1)))
      const { writer, path } = await openOver(folder, faults, { queueDepth: 1 + next(4) })
      const parts = Array.from({ length: 20 }, (__, i) => someBytes(next(block * 6), seed * 100 + i))
      for (const part of parts) {
        await writer.write(part)
        if (next(4) === 0) await writer.flush()
      }
      await writer.end()
      expectContent(path, Buffer.concat(parts))
    }
  })

  it('begins again where the whole blocks taken end', async () => {
    const { faults, begun } = shortWrites((length, call) => (call === 0 ? 2 * block + 5 : length))
    const { writer } = await openOver(folder, faults)
    await writer.write(someBytes(4 * block))
    await writer.flush()
    expect(begun).toEqual([0, 2 * block])
    expect(writer.writtenBytes).toBe(4 * block)
    await writer.end()
  })

  it('of a patch in the file goes on as well', async () => {
    const { faults } = shortWrites((_, call) => (call % 2 === 0 ? block : 0))
    const { writer, path } = await openOver(folder, faults)
    const content = someBytes(block * 12)
    await writer.write(content)
    await writer.flush()
    const patch = someBytes(block * 7 + 3, 9)
    await writer.writeAt(patch, block + 1)
    patch.copy(content, block + 1)
    await writer.end()
    expectContent(path, content)
  })

  it('under buffered goes on from any byte', async () => {
    const faults: FileFaults = {
      pwrite: (real, view, viewOffset, length, position, flags, throughRing, place) =>
        // FORCEDIRECTIO makes this writer direct: then the kernel stops at a block.
        real.pwrite(
          view,
          viewOffset,
          length > 2 * block ? length - block : length,
          position,
          flags,
          throughRing,
          place,
        ),
    }
    const { writer, path } = await openOver(folder, faults, { strategy: 'buffered' })
    const content = someBytes(block * 9 + 77)
    await writer.write(content)
    await writer.end()
    expectContent(path, content)
  })
})
