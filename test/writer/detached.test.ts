import { describe, expect, it } from 'vitest'
import { allocAligned } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { codeFrom, expectFile, gatedBinding, idle, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()

function transferAway(chunk: Uint8Array): void {
  structuredClone(chunk.buffer, { transfer: [chunk.buffer as ArrayBuffer] })
  expect(chunk.byteLength).toBe(0)
}

function ownMemory(byteLength: number, seed = 1): Uint8Array {
  return Uint8Array.from(someBytes(byteLength, seed))
}

describe('a chunk whose memory was transferred away', () => {
  it('before the call is refused', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write('0123')
    const chunk = ownMemory(10)
    const { buffer } = chunk
    transferAway(chunk)
    for (const gone of [chunk, buffer]) {
      expect(await codeFrom(() => writer.writeSync(gone))).toBe('ERR_INVALID_ARG_TYPE')
      expect(await codeFrom(() => writer.write(gone))).toBe('ERR_INVALID_ARG_TYPE')
      expect(await codeFrom(() => writer.writevSync([gone]))).toBe('ERR_INVALID_ARG_TYPE')
      expect(await codeFrom(() => writer.writeAt(gone, 0))).toBe('ERR_INVALID_ARG_TYPE')
    }
    await writer.end()
    expectFile(path, Buffer.from('0123'))
  })

  it.each([10, 3 * smallBuffer])('while write waits for its turn is not taken (%i bytes)', async (byteLength) => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write('before ')
    const flushed = writer.flush()
    const chunk = ownMemory(byteLength)
    const written = codeFrom(() => writer.write(chunk))
    transferAway(chunk)
    await flushed
    expect(await written).toBe('ERR_BUFFER_DETACHED')
    expect(writer.acceptedBytes).toBe(7)
    await writer.write('after')
    await writer.end()
    expectFile(path, Buffer.from('before after'))
  })

  it('while writev waits for its turn is not taken, nor are its fellows', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write('before ')
    const flushed = writer.flush()
    const chunk = ownMemory(10)
    const written = codeFrom(() => writer.writev(['first', chunk, 'last']))
    transferAway(chunk)
    await flushed
    expect(await written).toBe('ERR_BUFFER_DETACHED')
    await writer.end()
    expectFile(path, Buffer.from('before '))
  })

  it('while writeAt waits for its turn was copied before', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    await writer.write('0123456789')
    const flushed = writer.flush()
    const chunk = ownMemory(5)
    const patch = Buffer.from(chunk)
    const written = writer.writeAt(chunk, 0)
    transferAway(chunk)
    await flushed
    await written
    await writer.end()
    expectFile(path, Buffer.concat([patch, Buffer.from('56789')]))
  })

  it('while write waits for room is not taken, not even its first part', async () => {
    const path = freshPath(folder)
    const { native, open } = gatedBinding()
    const writer = await openSmall(path, 'direct', { queueDepth: 2 }, { binding: native })
    await writer.write('before')
    const chunk = ownMemory(5 * smallBuffer)
    const written = codeFrom(() => writer.write(chunk))
    await idle()
    transferAway(chunk)
    open()
    expect(await written).toBe('ERR_BUFFER_DETACHED')
    expect(writer.acceptedBytes).toBe(6)
    await writer.write(' after')
    await writer.end()
    expectFile(path, Buffer.from('before after'))
  })

  it.each([1, 4])('while it is written without a copy does not pass unnoticed (%i buffers)', async (queueDepth) => {
    const path = freshPath(folder)
    const { native, open } = gatedBinding()
    const writer = await openSmall(path, 'direct', { queueDepth }, { binding: native })
    const chunk = allocAligned(6 * smallBuffer + 10)
    const written = codeFrom(() => writer.write(chunk))
    await idle()
    transferAway(chunk)
    open()
    expect(await written).toBe('ERR_BUFFER_DETACHED')
    await writer[Symbol.asyncDispose]()
    expectFile(path, Buffer.alloc(writer.writtenBytes))
  })

  it('after writeSync took it makes no difference', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path)
    const chunk = ownMemory(2 * smallBuffer)
    expect(writer.writeSync(chunk)).toBe(true)
    transferAway(chunk)
    await writer.end()
    expectFile(path, someBytes(2 * smallBuffer))
  })
})
