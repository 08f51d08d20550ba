import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Binding } from '../../src/binding.ts'
import { sharedPool } from '../../src/buffer-pool.ts'
import { DirectIOWriter, pageCacheOf } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { faultyBinding } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectMode } from '../support/mode.ts'
import {
  allocatedBytes,
  codeFrom,
  dropFromCache,
  everyStrategy,
  expectFile,
  notingBinding,
  openSmall,
  smallBuffer,
} from './tools.ts'

const folder = temporaryFolder()

/** Files whose names say which alignment the kernel reports for them. */
function bindingByName(): { native: Binding; writes: string[] } {
  const writes: string[] = []
  const plain = faultyBinding({})
  const native: Binding = {
    ...plain,
    open: async (path, flags, mode) => {
      const block = Number(/block(\d+)/.exec(String(path))?.[1])
      const faulty = faultyBinding({
        statx: async (real) => ({ ...(await real.statx()), dio: { memory: block, offset: block } }),
        pwrite: async (real, view, viewOffset, length, position, writeFlags, throughRing, place) => {
          const off = plain.misalignment(view.subarray(viewOffset), block)
          if (off !== 0 || length % block !== 0 || position % block !== 0) {
            writes.push(`${length} bytes at ${position} from ${off}, with blocks of ${block}`)
          }
          return await real.pwrite(view, viewOffset, length, position, writeFlags, throughRing, place)
        },
      })
      return await faulty.open(path, flags, mode)
    },
  }
  return { native, writes }
}

describe.each(everyStrategy)('reset under %s', (strategy) => {
  it('completes the file and goes on with the next', async () => {
    const paths = [freshPath(folder), freshPath(folder), freshPath(folder)] as const
    const writer = await openSmall(paths[0], strategy)
    for (const [index, path] of paths.entries()) {
      expect(writer.path).toBe(path)
      expectMode(writer, strategy)
      expect([writer.acceptedBytes, writer.writtenBytes, writer.syncedBytes, writer.position]).toEqual([0, 0, 0, 0])
      const bytes = someBytes(10_000 + index, index)
      await writer.write(bytes)
      const total = paths[index + 1] === undefined ? await writer.end() : await writer.reset(paths[index + 1] as string)
      expect(total).toBe(bytes.byteLength)
      expectFile(path, bytes)
    }
  })

  it("starts at 0, with flags 'a' at the end, or where it is told", async () => {
    const [first, second, third] = [freshPath(folder), freshPath(folder), freshPath(folder)] as const
    for (const path of [second, third]) writeFileSync(path, 'old')
    const writer = await openSmall(first, strategy, { flags: 'a' })
    await writer.write('1')
    await writer.reset(second)
    expect(writer.position).toBe(3)
    await writer.write('2')
    await writer.end()
    expect(readFileSync(second, 'utf8')).toBe('old2')

    const other = await openSmall(first, strategy, { flags: 'r+', start: 1 })
    await other.reset(third, { start: 5 })
    await other.write('3')
    await other.end()
    expect(readFileSync(third, 'utf8')).toBe(`old${'\0'.repeat(2)}3`)
  })
})

describe('reset', () => {
  it('takes the alignment of the next file, not of the last', async () => {
    const { native, writes } = bindingByName()
    const blocks = [512, 65_536, 4096, 1024, 65_536, 512]
    const paths = blocks.map((block) => freshPath(folder, `block${block}`)) as [string, ...string[]]
    const options = { bufferSize: 131_072 }
    const writer = await openSmall(paths[0], 'direct', options, { binding: native })
    for (const [index, block] of blocks.entries()) {
      expect(writer.alignment).toMatchObject({ memory: block, offset: block })
      await writer.write(someBytes(70_001, index))
      await writer.flush()
      await writer.write(someBytes(200_001, index))
      const next = paths[index + 1]
      if (next === undefined) await writer.end()
      else await writer.reset(next)
    }
    expect(writes).toEqual([])
    for (const [index, path] of paths.entries()) {
      expectFile(path, Buffer.concat([someBytes(70_001, index), someBytes(200_001, index)]))
    }
  })

  it('refuses a file whose block does not divide the buffers, and goes on with the present one', async () => {
    const { native } = bindingByName()
    const first = freshPath(folder, 'block512')
    const next = freshPath(folder, 'block65536')
    const writer = await openSmall(first, 'direct', {}, { binding: native })
    await writer.write('kept')
    expect(await codeFrom(() => writer.reset(next))).toBe('ERR_BUFFER_SIZE')
    expect(existsSync(next)).toBe(false)
    await writer.write(' on')
    await writer.end()
    expectFile(first, Buffer.from('kept on'))
  })

  it('keeps the present file when the next cannot be opened', async () => {
    const path = freshPath(folder)
    const writer = await openSmall(path, 'direct', { flags: 'wx' })
    const taken = freshPath(folder)
    writeFileSync(taken, 'taken')
    await writer.write('a')
    expect(await codeFrom(() => writer.reset(`${folder}/missing/file`))).toBe('ENOENT')
    expect(await codeFrom(() => writer.reset(folder))).toBe('EEXIST')
    expect(await codeFrom(() => writer.reset(taken))).toBe('EEXIST')
    expect(await codeFrom(() => writer.reset(7 as unknown as string))).toBe('ERR_INVALID_ARG_TYPE')
    expect(await codeFrom(() => writer.reset(''))).toBe('ERR_INVALID_ARG_VALUE')
    expect(writer.path).toBe(path)
    await writer.write('b')
    await writer.end()
    expectFile(path, Buffer.from('ab'))
    expectFile(taken, Buffer.from('taken'))
  })

  it.each([
    [{ start: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ preallocate: 0.5 }, 'ERR_OUT_OF_RANGE'],
    [{ preallocate: '1' }, 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
    [{ prealocate: 4096 }, 'ERR_INVALID_ARG_VALUE'],
    // Flags 'a' start at the end: a start that would be ignored is refused, as it is when opening.
    [{ start: 5 }, 'ERR_INVALID_ARG_VALUE'],
  ])('refuses the options %j as open does', async (options, code) => {
    const writer = await openSmall(freshPath(folder), 'direct', { flags: 'a' })
    const next = freshPath(folder)
    expect(await codeFrom(() => writer.reset(next, options as { start: number }))).toBe(code)
    expect(existsSync(next)).toBe(false)
    await writer.end()
  })

  it('carries preallocate over, and undoes it in each file', async () => {
    const [first, second, third] = [freshPath(folder), freshPath(folder), freshPath(folder)] as const
    const writer = await openSmall(first, 'direct', { preallocate: 1_000_000 })
    await writer.write(someBytes(5000))
    await writer.reset(second)
    expect(readFileSync(second).byteLength).toBe(1_000_000)
    await writer.write(someBytes(5001))
    await writer.reset(third, { preallocate: 0 })
    expect(readFileSync(third).byteLength).toBe(0)
    await writer.write(someBytes(5002))
    await writer.end()
    for (const [index, path] of [first, second, third].entries()) {
      expectFile(path, someBytes(5000 + index))
      expect(allocatedBytes(path)).toBeLessThanOrEqual(8192)
    }
  })

  it('makes the file durable and its name as well before it closes it', async () => {
    const { native, calls } = notingBinding()
    const writer = await openSmall(freshPath(folder), 'direct', {}, { binding: native })
    await writer.write(someBytes(1000))
    await writer.reset(freshPath(folder))
    expect(calls).toEqual(['pwrite', 'ftruncate', 'fdatasync', 'syncFolder', 'close'])
    await writer.end()
  })

  it('uses no more buffers with every file', async () => {
    const before = sharedPool.usedBytes
    const writer = await openSmall(freshPath(folder), 'direct', { queueDepth: 3 })
    for (let i = 0; i < 20; i++) {
      await writer.write(someBytes(5 * smallBuffer + i, i))
      expect(sharedPool.usedBytes - before).toBeLessThanOrEqual(3 * (smallBuffer + 4096))
      await writer.reset(freshPath(folder))
    }
    await writer.end()
    expect(sharedPool.usedBytes).toBe(before)
  })

  it('leaves no page of either file behind, and works on a DirectIOWriter', async () => {
    const [first, second] = [freshPath(folder), freshPath(folder)] as const
    const writer = await DirectIOWriter.open(first, { bufferSize: smallBuffer })
    expectMode(writer, 'direct')
    await writer.write(someBytes(20_001))
    await writer.reset(second)
    await writer.write(someBytes(20_002))
    await writer.end()
    for (const path of [first, second]) expect((await pageCacheOf(path)).residentBytes).toBe(0)
  })

  it('keeps its place when nobody awaits', async () => {
    const [first, second] = [freshPath(folder), freshPath(folder)] as const
    const writer = await openSmall(first)
    const calls = [
      writer.write('a'),
      writer.sync(),
      writer.write('b'),
      writer.reset(second),
      writer.write('c'),
      writer.writeAt('C', 0),
      writer.sync(),
    ]
    expect(await writer.end()).toBe(1)
    await Promise.all(calls)
    expectFile(first, Buffer.from('ab'))
    expectFile(second, Buffer.from('C'))
  })

  it('does not change the next file when the writer fails meanwhile', async () => {
    const [first, second] = [freshPath(folder), freshPath(folder)] as const
    writeFileSync(second, 'precious')
    await dropFromCache(second)
    const writer = await openSmall(first)
    await writer.write('x')
    const reset = writer.reset(second).catch((error: unknown) => error)
    writer.fail(new Error('stop'))
    expect(await reset).toMatchObject({ message: 'stop' })
    await writer[Symbol.asyncDispose]()
    expectFile(second, Buffer.from('precious'))
  })
})
