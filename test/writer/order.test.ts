import { describe, expect, it } from 'vitest'
import { allocAligned } from '../../src/index.ts'
import { randomNumbers, someBytes } from '../support/bytes.ts'
import { faultyBinding } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { everyStrategy, expectFile, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()

function alignedChunk(byteLength: number, seed: number): Uint8Array {
  const memory = allocAligned(byteLength)
  memory.set(someBytes(byteLength, seed))
  return memory
}

/** The addon whose writes complete in another order than they were made in. */
function shufflingBinding(seed: number): ReturnType<typeof faultyBinding> {
  const next = randomNumbers(seed)
  return faultyBinding({
    pwrite: async (real, ...parameters) => {
      await new Promise((resolve) => setTimeout(resolve, next(4)))
      return await real.pwrite(...parameters)
    },
  })
}

describe.each(everyStrategy)('calls that nobody awaits under %s', (strategy) => {
  it.each([1, 2, 3, 4])('take effect in the order they were made, %i buffers', async (queueDepth) => {
    const path = freshPath(folder)
    const internals = { binding: shufflingBinding(queueDepth) }
    const writer = await openSmall(path, strategy, { queueDepth }, internals)
    const next = randomNumbers(queueDepth)
    const calls: Promise<unknown>[] = []
    const expected = Buffer.alloc(1_000_000)
    let position = 0
    const add = (chunk: Uint8Array) => {
      expected.set(chunk, position)
      position += chunk.byteLength
      return chunk
    }
    for (let i = 0; i < 80; i++) {
      const what = next(8)
      if (what < 2) calls.push(writer.write(add(someBytes(next(3000), i))))
      else if (what === 2) calls.push(writer.write(add(someBytes(next(30_000), i))))
      else if (what === 3) calls.push(writer.write(add(alignedChunk(2 * smallBuffer + next(2) * 100, i))))
      else if (what === 4) calls.push(writer.writev([add(someBytes(next(900), i)), add(someBytes(9000, i))]))
      else if (what === 5) calls.push(next(2) === 0 ? writer.flush() : writer.sync())
      else if (what === 6 && position > 0) {
        const offset = next(position)
        const patch = someBytes(next(Math.min(position - offset, 10_000)), i)
        calls.push(writer.writeAt(patch, offset))
        expected.set(patch, offset)
      } else {
        // writeSync is part of the order only where it takes the chunk.
        const chunk = someBytes(100, i)
        if (writer.writeSync(chunk)) add(chunk)
      }
    }
    expect(await writer.end()).toBe(position)
    await Promise.all(calls)
    expectFile(path, expected.subarray(0, position))
  })
})

describe('an end that is called first thing', () => {
  it('waits for all calls before it', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, 'direct', {}, { binding: shufflingBinding(9) })
    const chunks = [1, 2, 3, 4, 5].map((seed) => someBytes(10_000, seed))
    const writes = chunks.map((chunk) => writer.write(chunk))
    const total = await writer.end()
    expect(total).toBe(50_000)
    await Promise.all(writes)
    expectFile(path, Buffer.concat(chunks))
  })
})

describe('completions in any order', () => {
  it('never leave a hole below writtenBytes', async () => {
    const path = freshPath(folder)
    const held: (() => void)[] = []
    const native = faultyBinding({
      pwrite: async (real, ...parameters) => {
        await new Promise<void>((resolve) => held.push(resolve))
        return await real.pwrite(...parameters)
      },
    })
    const writer = await openSmall(path, 'direct', { queueDepth: 4 }, { binding: native })
    expect(writer.writeSync(someBytes(4 * smallBuffer))).toBe(true)
    const written: number[] = []
    for (const index of [2, 1, 0, 3]) {
      held[index]?.()
      await new Promise((resolve) => setTimeout(resolve, 20))
      written.push(writer.writtenBytes)
    }
    expect(written).toEqual([0, 0, 3 * smallBuffer, 4 * smallBuffer])
    await writer.end()
    expectFile(path, someBytes(4 * smallBuffer))
  })
})
