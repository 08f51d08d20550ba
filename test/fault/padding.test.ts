import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { sharedPool } from '../../src/buffer-pool.ts'
import { randomNumbers, someBytes } from '../support/bytes.ts'
import type { FileFaults } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { block, expectContent, openOver } from './disk.ts'

const folder = temporaryFolder()
const bufferBytes = 5 * block
const garbage = 0xee

/** Fills what the pool keeps for the next writer with what must never reach a disk. */
beforeEach(() => {
  const taken = Array.from({ length: 8 }, () => sharedPool.take(bufferBytes, block, true))
  for (const buffer of taken) {
    buffer?.fill(garbage)
    if (buffer !== null) sharedPool.give(buffer, bufferBytes)
  }
})

/** Watches what every write brings behind the data: `dataEnd` is where the caller's bytes end. */
function padding(dataEnd: () => number): { faults: FileFaults; notZero: number[]; padded: () => number } {
  const notZero: number[] = []
  let padded = 0
  const faults: FileFaults = {
    pwrite: (real, view, viewOffset, length, position, flags, throughRing, place) => {
      const bytes = view.subarray(viewOffset, viewOffset + length)
      const from = Math.max(0, dataEnd() - position)
      if (from < length) padded++
      bytes.subarray(from).forEach((byte, index) => {
        if (byte !== 0) notZero.push(position + from + index)
      })
      return real.pwrite(view, viewOffset, length, position, flags, throughRing, place)
    },
  }
  return { faults, notZero, padded: () => padded }
}

describe('padding', () => {
  it('is zeros, whatever a buffer held before', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const next = randomNumbers(seed)
      let accepted = 0
      const watch = padding(() => accepted)
      const { writer, path } = await openOver(folder, watch.faults, { queueDepth: 1 + next(4) })
      const parts: Buffer[] = []
      for (let i = 0; i < 40; i++) {
        const bytes = someBytes(1 + next(next(3) === 0 ? 9 * block : 500), i)
        accepted += bytes.byteLength
        parts.push(bytes)
        if (next(2) === 0 || bytes.byteLength > 4 * block) {
          await writer.write(bytes)
        } else {
          const slot =
            writer.reserve(4 * block) ?? (await writer.drain(), writer.reserve(4 * block)) ?? new Uint8Array()
          slot.fill(garbage).set(bytes)
          writer.commit(bytes.byteLength)
        }
        if (next(3) === 0) await writer.flush()
      }
      await writer.end()
      expect(watch.notZero).toEqual([])
      expect(watch.padded()).toBeGreaterThan(0)
      expectContent(path, Buffer.concat(parts))
    }
  })

  it('is zeros in the file itself until it is cut off', async () => {
    let seen: Buffer | undefined
    const { writer, path } = await openOver(folder, {
      ftruncate: (real, length) => {
        seen ??= readFileSync(path)
        return real.ftruncate(length)
      },
    })
    await writer.write(someBytes(100))
    await writer.end()
    expect(seen?.equals(Buffer.concat([someBytes(100), Buffer.alloc(block - 100)]))).toBe(true)
  })

  it('is what the file held, where it goes on behind the last byte written', async () => {
    const path = freshPath(folder)
    const old = someBytes(10 * block + 50, 9)
    writeFileSync(path, old)
    const { writer } = await openOver(folder, {}, { path, flags: 'r+', start: 3 * block + 7 })
    const content = someBytes(2 * block + 3)
    await writer.write(content)
    await writer.flush()
    content.copy(old, 3 * block + 7)
    expectContent(path, old)
    await writer.write(content)
    await writer.end()
    content.copy(old, 5 * block + 10)
    expectContent(path, old)
  })

  it('of a file that starts behind its end is zeros between', async () => {
    const path = freshPath(folder)
    writeFileSync(path, someBytes(100))
    const { writer } = await openOver(folder, {}, { path, flags: 'r+', start: 3 * block + 7 })
    await writer.write('late')
    await writer.end()
    expectContent(path, Buffer.concat([someBytes(100), Buffer.alloc(3 * block - 93), Buffer.from('late')]))
  })

  it('is no old memory under a patch of a block that the file no longer holds whole', async () => {
    const { writer, path } = await openOver(folder, {})
    await writer.write(someBytes(8 * block))
    await writer.flush()
    // Somebody else cut the file: the patch reads less than a block.
    truncateSync(path, block + 512)
    await writer.writeAt('patched', block + 100).catch(() => undefined)
    await writer.end().catch(() => undefined)
    expect(readFileSync(path).includes(Buffer.alloc(8, garbage))).toBe(false)
  })
})
