import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { allocAligned, type Writer } from '../../src/index.ts'
import { alignedBytes, someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectFile, gatedBinding, idle, notingBinding, openSmall, smallBuffer, type Transfer } from './tools.ts'

const folder = temporaryFolder()

const MiB = 1024 * 1024

/** Bytes that any buffer's chunk is lent from, however large the buffer. */
const lendFromBytes = MiB

/** How many bytes of the writes came from this memory. */
function lentBytes(memory: Uint8Array, writes: readonly Transfer[]): number {
  return writes.filter(({ view }) => view.buffer === memory.buffer).reduce((sum, { length }) => sum + length, 0)
}

/** Writes one chunk and gives what went out from its own memory. */
async function lentOf(chunk: Uint8Array, options: { bufferSize: number; queueDepth?: number }): Promise<number> {
  const path = freshPath(folder)
  const { native, writes } = notingBinding()
  const writer = await openSmall(path, 'direct', options, { binding: native })
  await writer.write(chunk)
  await writer.end()
  expectFile(path, chunk)
  const { memory, offset } = writer.alignment ?? { memory: 1, offset: 1 }
  expect(writes.every(({ length, position }) => length % offset === 0 && position % offset === 0)).toBe(true)
  expect(memory).toBeLessThanOrEqual(4096)
  return lentBytes(chunk, writes)
}

describe.each([
  ['of 8 KiB', 8192, 8192],
  ['just below 1 MiB', MiB - 4096, MiB - 4096],
  ['of 1 MiB', MiB, lendFromBytes],
  ['as users have them', 2 * MiB, lendFromBytes],
  ['of 5 MiB', 5 * MiB, lendFromBytes],
])('with buffers %s', (_, bufferSize, leastBytes) => {
  it('a chunk is copied below the threshold', async () => {
    expect(await lentOf(alignedBytes(leastBytes - 512), { bufferSize })).toBe(0)
    expect(await lentOf(alignedBytes(leastBytes - 1), { bufferSize })).toBe(0)
  })

  it('a chunk is lent, but for its tail, from the threshold on', async () => {
    for (const byteLength of [leastBytes, leastBytes + 1, leastBytes + 511, leastBytes + 512, 2 * leastBytes + 4097]) {
      expect(await lentOf(alignedBytes(byteLength), { bufferSize })).toBe(byteLength - (byteLength % 512))
    }
  })

  it('a chunk of more than all buffers is lent as well', async () => {
    for (const rest of [0, 1, 512]) {
      const byteLength = bufferSize * 2 + leastBytes + rest
      expect(await lentOf(alignedBytes(byteLength), { bufferSize, queueDepth: 2 })).toBe(
        byteLength - (byteLength % 512),
      )
    }
  })

  it('a chunk in unaligned memory is copied', async () => {
    const chunk = allocAligned(leastBytes + 8192).subarray(1, leastBytes + 4097)
    chunk.set(someBytes(chunk.byteLength))
    expect(await lentOf(chunk, { bufferSize })).toBe(0)
  })
})

describe('calls under way', () => {
  it.each([1, 2, 4])('beyond %i buffers keep their order, lent at once or in their turn', async (queueDepth) => {
    for (let count = 1; count <= 3 * queueDepth + 1; count++) {
      const path = freshPath(folder)
      const { native, writes } = notingBinding()
      const writer = await openSmall(path, 'direct', { queueDepth }, { binding: native })
      const chunks = Array.from({ length: count }, (_, i) => alignedBytes(smallBuffer, i + 1))
      await Promise.all(chunks.map((chunk) => writer.write(chunk)))
      await writer.end()
      expectFile(path, Buffer.concat(chunks))
      expect(chunks.map((chunk) => lentBytes(chunk, writes))).toEqual(chunks.map(() => smallBuffer))
    }
  })

  it('are no more writes at a time than there are buffers', async () => {
    // Off the 4096 bytes of a file-system block: pieces are shorter than a buffer then, and there are more of them.
    for (const bufferSize of [512, 4096, 4608, smallBuffer, smallBuffer + 512]) {
      const path = freshPath(folder)
      const { native, open, waiting } = gatedBinding()
      const writer = await openSmall(path, 'direct', { bufferSize, queueDepth: 4 }, { binding: native })
      const chunks = [alignedBytes(4 * bufferSize, 1), alignedBytes(bufferSize, 2)]
      const written = chunks.map((chunk) => writer.write(chunk))
      await idle()
      expect(waiting(), `writes with buffers of ${bufferSize} bytes`).toBeLessThanOrEqual(4)
      open()
      await Promise.all(written)
      await writer.end()
      expectFile(path, Buffer.concat(chunks))
    }
  })

  it('leave no room for writeSync, which then loses nothing', async () => {
    const path = freshPath(folder)
    const { native, open } = gatedBinding()
    const writer = await openSmall(path, 'direct', { queueDepth: 4 }, { binding: native })
    const chunk = alignedBytes(smallBuffer)
    const written = writer.write(chunk)
    expect(writer.writeSync('x')).toBe(false)
    expect(writer.writevSync(['y', 'z'])).toBe(false)
    expect(writer.reserve(1)).toBeNull()
    expect(writer.desiredSize).toBe(0)
    expect(writer.acceptedBytes).toBe(smallBuffer)
    const drained = writer.drain()
    open()
    await drained
    expect(writer.writeSync('x')).toBe(true)
    await written
    await writer.end()
    expectFile(path, Buffer.concat([chunk, Buffer.from('x')]))
  })

  it('without await leave room again once they are done, whoever looks', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, 'direct', { queueDepth: 4 })
    const chunk = alignedBytes(smallBuffer)
    await writer.write(chunk)
    // At once, in the same turn of the event loop.
    expect(writer.writeSync('x')).toBe(true)
    expect(writer.desiredSize).toBe(4 * smallBuffer - 1)
    await writer.end()
    expectFile(path, Buffer.concat([chunk, Buffer.from('x')]))
  })

  it('close a slot that was reserved before', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, 'direct', { queueDepth: 4 })
    const slot = writer.reserve(smallBuffer)
    slot?.fill(9)
    const chunk = alignedBytes(smallBuffer)
    const written = writer.write(chunk)
    expect(() => writer.commit(1)).toThrow(expect.objectContaining({ code: 'ERR_NOT_RESERVED' }))
    await written
    await writer.end()
    expectFile(path, chunk)
  })
})

interface Call {
  readonly kind: 'lent' | 'odd' | 'small' | 'unaligned' | 'flush' | 'sync'
  readonly size: number
}

function chunkOf({ kind, size }: Call, seed: number): Uint8Array {
  if (kind === 'lent') return alignedBytes(size * smallBuffer, seed)
  if (kind === 'odd') return alignedBytes(size * smallBuffer + 1 + seed, seed)
  if (kind === 'unaligned') return alignedBytes(size * smallBuffer + 1, seed).subarray(1)
  return someBytes(size * 10, seed)
}

async function make(writer: Writer, call: Call, chunk: Uint8Array): Promise<void> {
  if (call.kind === 'flush') await writer.flush()
  else if (call.kind === 'sync') await writer.sync()
  else await writer.write(chunk)
}

const calls = fc.array(
  fc.record({
    kind: fc.constantFrom<Call['kind']>('lent', 'lent', 'lent', 'odd', 'small', 'unaligned', 'flush', 'sync'),
    size: fc.integer({ min: 1, max: 6 }),
  }),
  { maxLength: 15 },
)

describe('calls of all kinds that nobody awaits', () => {
  test.prop([calls, fc.integer({ min: 1, max: 5 })], { numRuns: 60 })(
    'bring their bytes to the file in order',
    async (list, queueDepth) => {
      const path = freshPath(folder)
      const writer = await openSmall(path, 'direct', { queueDepth })
      const chunks = list.map((call, i) => chunkOf(call, i + 1))
      const taken = chunks.filter((_, i) => !['flush', 'sync'].includes((list[i] as Call).kind))
      await Promise.all(list.map((call, i) => make(writer, call, chunks[i] as Uint8Array)))
      expect(await writer.end()).toBe(taken.reduce((sum, chunk) => sum + chunk.byteLength, 0))
      expectFile(path, Buffer.concat(taken))
    },
  )
})
