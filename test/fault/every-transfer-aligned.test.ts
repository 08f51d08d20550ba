import { describe, expect, it } from 'vitest'
import { binding, type NativeFile } from '../../src/binding.ts'
import { allocAligned } from '../../src/index.ts'
import type { Writer } from '../../src/writer.ts'
import { randomNumbers, someBytes } from '../support/bytes.ts'
import { type FileFaults, faultyBinding, openForTest } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectMode } from '../support/mode.ts'
import { expectContent } from './disk.ts'

const folder = temporaryFolder()

interface Transfers {
  faults: FileFaults
  count(): number
  /** Transfers that broke the alignment. Judged outside of the writer, which would take a throw for the disk's. */
  broken: string[]
}

function watching(memory: number, offset: number): Transfers {
  const broken: string[] = []
  let count = 0
  const look = (name: string, view: Uint8Array, viewOffset: number, length: number, position: number): void => {
    count++
    const address = binding().misalignment(view.subarray(viewOffset), memory)
    const inside = viewOffset + length <= view.byteLength
    if (position % offset === 0 && length % offset === 0 && length > 0 && address === 0 && inside) return
    broken.push(`${name} of ${length} at ${position}, memory ${address} past ${memory}, inside: ${inside}`)
  }
  const next = randomNumbers(memory + offset)
  return {
    broken,
    count: () => count,
    faults: {
      pwrite: (real: NativeFile, view, viewOffset, length, position, flags, throughRing, place) => {
        look('pwrite', view, viewOffset, length, position)
        // Now and then the kernel takes less: it must go on aligned as well.
        const takes = next(4) === 0 ? Math.ceil(length / 2 / offset) * offset : length
        return real.pwrite(view, viewOffset, takes, position, flags, throughRing, place)
      },
      pread: (real: NativeFile, view, viewOffset, length, position, flags) => {
        look('pread', view, viewOffset, length, position)
        return real.pread(view, viewOffset, length, position, flags)
      },
    },
  }
}

/** Random calls on a writer; gives the bytes that the file has to hold. */
async function operate(writer: Writer, content: Buffer, next: (below: number) => number): Promise<Buffer> {
  const parts = [content]
  let length = content.byteLength
  const add = (bytes: Uint8Array): void => {
    parts.push(Buffer.from(bytes))
    length += bytes.byteLength
  }
  const all = (): Buffer => {
    const whole = Buffer.concat(parts)
    parts.splice(0, parts.length, whole)
    return whole
  }
  const start = content.byteLength
  for (let i = 0; i < 150; i++) {
    const kind = next(10)
    const bytes = someBytes(next(4) === 0 ? next(writer.bufferSize * 3) : next(700), i)
    if (kind < 3) {
      await writer.write(bytes)
      add(bytes)
    } else if (kind === 3) {
      // At any address: only the aligned ones may go out as they are.
      const memory = allocAligned(writer.bufferSize * 3 + 4096, 65536)
      const from = [0, 1, 512, 1024, 4096][next(5)] ?? 0
      const chunk = memory.subarray(from, from + writer.bufferSize * 2 + next(writer.bufferSize))
      chunk.set(someBytes(chunk.byteLength, i))
      await writer.write(chunk)
      add(chunk)
    } else if (kind === 4) {
      await writer.writev([bytes, 'text', bytes])
      add(bytes)
      add(Buffer.from('text'))
      add(bytes)
    } else if (kind === 5) {
      const size = 1 + next(writer.bufferSize)
      const slot = writer.reserve(size) ?? (await writer.drain(), writer.reserve(size))
      slot?.set(bytes.subarray(0, size))
      const used = Math.min(size, bytes.byteLength)
      writer.commit(used)
      add(bytes.subarray(0, used))
    } else if (kind === 6) {
      await writer.flush()
    } else if (length > start) {
      const at = start + next(length - start)
      const patch = bytes.subarray(0, length - at)
      await writer.writeAt(patch, at)
      patch.copy(all(), at)
    }
  }
  return all()
}

const alignments = [512, 1024, 4096, 16384, 65536].flatMap((offset) =>
  [512, 4096, 16384].map((memory) => ({ memory, offset })),
)

describe('every direct transfer is aligned in offset, length and memory', () => {
  it.each(alignments)('memory $memory, offset $offset', async ({ memory, offset }) => {
    // Large blocks make large files: once is enough there.
    for (const seed of Math.max(offset, memory) < 16384 ? [1, 2, 3] : [1]) {
      const next = randomNumbers(seed * offset + memory)
      const path = freshPath(folder)
      const transfers = watching(memory, offset)
      const internals = { binding: faultyBinding(transfers.faults), alignment: { memory, offset } }
      const bufferSize = Math.max(offset, memory) * (1 + next(3))
      const settings = { strategy: 'direct', bufferSize, queueDepth: 1 + next(4) } as const
      let content: Buffer = Buffer.alloc(0)
      for (const flags of ['w', 'a', 'a'] as const) {
        const writer = await openForTest(path, { ...settings, flags }, internals)
        expectMode(writer, 'direct')
        expect(writer.alignment).toMatchObject({ memory, offset })
        content = await operate(writer, content, next)
        await writer.end()
        expectContent(path, content)
      }
      expect(transfers.broken).toEqual([])
      expect(transfers.count()).toBeGreaterThan(50)
    }
  })
})
