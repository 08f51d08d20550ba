import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { someBytes } from '../support/bytes.ts'
import { type FileFaults, faultyBinding, openForTest } from '../support/faults.ts'
import { temporaryFolder } from '../support/folders.ts'
import { block, expectContent, openOver } from './disk.ts'

const folder = temporaryFolder()

describe('a read that is cut short', () => {
  it.each([1, 3])('goes on block by block, so that the block a file starts in is kept: %i', async (depth) => {
    const first = someBytes(65536 + 20_000)
    const opened = await openOver(folder, {})
    await opened.writer.write(first)
    await opened.writer.end()
    // A block of 65536 that the kernel gives in pieces of 4096.
    const faults: FileFaults = {
      pread: (real, view, viewOffset, length, position, flags) =>
        real.pread(view, viewOffset, Math.min(length, block), position, flags),
    }
    const internals = { binding: faultyBinding(faults), alignment: { memory: block, offset: 65536 } }
    const options = { strategy: 'direct', flags: 'a', bufferSize: 65536, queueDepth: depth } as const
    const writer = await openForTest(opened.path, options, internals)
    expect(writer.alignment?.offset).toBe(65536)
    await writer.write(first)
    await writer.end()
    expectContent(opened.path, Buffer.concat([first, first]))
  })

  it('under a patch never brings old memory into the file', async () => {
    const content = someBytes(block * 4)
    const faults: FileFaults = {
      // Someone else has cut the file: the kernel answers with fewer bytes than the block has.
      pread: async (_, view, viewOffset, length) => {
        content.copy(view, viewOffset, 0, 100)
        view.fill(0xee, viewOffset + 100, viewOffset + length)
        return 100
      },
    }
    const { writer, path } = await openOver(folder, faults)
    await writer.write(content)
    await writer.flush()
    await writer.writeAt('patched', 10).catch((error: unknown) => {
      expect(error).toMatchObject({ retryable: false })
    })
    await writer.end().catch(() => undefined)
    expect(readFileSync(path).includes(Buffer.alloc(16, 0xee))).toBe(false)
  })
})
