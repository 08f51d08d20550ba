import { describe, expect, it, vi } from 'vitest'
import type { Binding } from '../../src/binding.ts'
import { allocAligned, type Writer } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { faultyBinding, kernelError } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { codeFrom, expectFile, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()

/** The addon whose first writes wait, and then complete together: the first as it will, the others without space. */
function togetherBinding(): { native: Binding; waiting: () => number; complete: () => void } {
  const held: { succeed: () => void; fail: () => void }[] = []
  let isOpen = false
  const native = faultyBinding({
    pwrite: async (real, ...parameters) => {
      const bytes = await real.pwrite(...parameters)
      if (!isOpen) {
        await new Promise<void>((resolve, reject) =>
          held.push({ succeed: resolve, fail: () => reject(kernelError('ENOSPC', 28, 'pwritev2')) }),
        )
      }
      return bytes
    },
  })
  return {
    native,
    waiting: () => held.length,
    // As the addon does when several completions came while JavaScript was busy: one after the other, at once.
    complete: () => {
      isOpen = true
      const [first, ...others] = held.splice(0)
      first?.succeed()
      for (const { fail } of others) fail()
    },
  }
}

function alignedChunk(byteLength: number): Uint8Array {
  const memory = allocAligned(byteLength)
  memory.set(someBytes(byteLength, 3))
  return memory
}

const large = 10 * smallBuffer + 100
const calls: Record<string, { call: (writer: Writer) => Promise<void>; bytes: Uint8Array }> = {
  'a chunk that is copied': {
    call: (writer) => writer.write(someBytes(large, 2)),
    bytes: someBytes(large, 2),
  },
  'a chunk that is not copied': {
    call: (writer) => writer.write(alignedChunk(large)),
    bytes: someBytes(large, 3),
  },
  'many chunks': {
    call: (writer) => writer.writev(Array.from({ length: 40 }, (_, index) => someBytes(1000, index))),
    bytes: Buffer.concat(Array.from({ length: 40 }, (_, index) => someBytes(1000, index))),
  },
}

describe.each([2, 3, 4])('a write that succeeds and one that fails at the same time, %i buffers', (queueDepth) => {
  it.each(Object.entries(calls))('take %s back whole, and it can be tried again', async (_, { call, bytes }) => {
    const path = freshPath(folder)
    const { native, waiting, complete } = togetherBinding()
    const writer = await openSmall(path, 'direct', { queueDepth }, { binding: native })
    const first = someBytes(1024)
    expect(writer.writeSync(first)).toBe(true)
    const failed = codeFrom(() => call(writer))
    await vi.waitFor(() => expect(waiting()).toBe(queueDepth))
    complete()
    expect(await failed).toBe('ENOSPC')
    expect(writer.acceptedBytes).toBe(first.byteLength)
    await call(writer)
    expect(await writer.end()).toBe(first.byteLength + bytes.byteLength)
    expectFile(path, Buffer.concat([first, bytes]))
  })
})

describe('a write that fails between two chunks of one writev', () => {
  it('takes both back', async () => {
    const path = freshPath(folder)
    let failures = 1
    const native = faultyBinding({
      pwrite: async (real, ...parameters) => {
        if (failures-- > 0) throw kernelError('ENOSPC', 28, 'pwritev2')
        return await real.pwrite(...parameters)
      },
    })
    const writer = await openSmall(path, 'direct', { queueDepth: 4 }, { binding: native })
    const chunks = Array.from({ length: 6 }, (_, index) => someBytes(3000, index))
    const outcome = await writer.writev(chunks).then(
      () => 'taken',
      () => 'refused',
    )
    expect(writer.acceptedBytes).toBe(outcome === 'taken' ? 18_000 : 0)
    if (outcome === 'refused') await writer.writev(chunks)
    // Taken before the failure was known: then it is the end that hears of it, and can be tried again.
    expect(await writer.end().catch(() => writer.end())).toBe(18_000)
    expectFile(path, Buffer.concat(chunks))
  })
})
