import { existsSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Binding } from '../../src/binding.ts'
import { directIsForced } from '../../src/force.ts'
import { allocAligned, type Strategy } from '../../src/index.ts'
import { someBytes } from '../support/bytes.ts'
import { type FileFaults, faultyBinding, kernelError, openForTest } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { expectMode, strategyInEffect } from '../support/mode.ts'
import { codeFrom, everyStrategy, expectFile, openSmall, smallBuffer } from './tools.ts'

const folder = temporaryFolder()

/** What file systems and kernels answer where a strategy is not possible. */
const without: Record<string, Binding> = {
  'O_DIRECT, refused by open': refusingDirect(),
  'O_DIRECT, by an alignment of 0': faultyBinding({
    statx: async (real) => ({ ...(await real.statx()), dio: { memory: 0, offset: 0 } }),
  }),
}

const noDontCache: FileFaults = {
  pread: async (real, view, viewOffset, length, position, flags) => {
    if (flags !== 0) throw kernelError('EOPNOTSUPP', 95, 'preadv2')
    return await real.pread(view, viewOffset, length, position, flags)
  },
}

function refusingDirect(faults: FileFaults = {}): Binding {
  const plain = faultyBinding(faults)
  const direct = 0o40000
  return {
    ...plain,
    open: async (path, flags, mode) => {
      const file = await plain.open(path, (flags & ~direct) >>> 0, mode)
      if ((flags & direct) === 0 || (flags & plain.constants.O_PATH) !== 0) return file
      await file.close()
      throw kernelError('EINVAL', 22, 'open')
    },
  }
}

describe.each(Object.entries(without))('without %s', (_, native) => {
  it('direct is refused, and no file made or changed', async () => {
    const path = freshPath(folder)
    expect(await codeFrom(() => openSmall(path, 'direct', {}, { binding: native }))).toBe('ERR_DIRECT_UNSUPPORTED')
    expect(existsSync(path)).toBe(false)
    writeFileSync(path, 'precious')
    expect(await codeFrom(() => openSmall(path, 'direct', {}, { binding: native }))).toBe('ERR_DIRECT_UNSUPPORTED')
    expectFile(path, Buffer.from('precious'))
  })

  it.each(['auto', 'direct'] as const)('%s takes the next best when it may, and says why', async (strategy) => {
    const path = freshPath(folder)
    const opening = openForTest(path, { strategy, policy: 'prefer' }, { binding: native })
    if (directIsForced()) {
      expect(await codeFrom(() => opening)).toBe('ERR_DIRECT_UNSUPPORTED')
      expect(existsSync(path)).toBe(false)
      return
    }
    const writer = await opening
    expect(writer.mode).toMatchObject({ asked: strategy, inEffect: 'dontcache' })
    expect(writer.mode.why).toContain(path)
    await writer.write('x')
    await writer.end()
    expectFile(path, Buffer.from('x'))
  })
})

describe('without RWF_DONTCACHE', () => {
  it('dontcache is refused, and no file made', async () => {
    const path = freshPath(folder)
    const native = faultyBinding(noDontCache)
    const opening = () => openSmall(path, 'dontcache', {}, { binding: native })
    if (directIsForced()) {
      await (await opening()).end()
      return
    }
    expect(await codeFrom(opening)).toBe('ERR_STRATEGY_UNSUPPORTED')
    expect(existsSync(path)).toBe(false)
  })

  it('and without direct, evict is what is left', async () => {
    const path = freshPath(folder)
    const native = refusingDirect(noDontCache)
    const opening = openForTest(path, { strategy: 'auto' }, { binding: native })
    if (directIsForced()) {
      expect(await codeFrom(() => opening)).toBe('ERR_DIRECT_UNSUPPORTED')
      return
    }
    const writer = await opening
    expect(writer.mode).toMatchObject({ asked: 'auto', inEffect: 'evict' })
    await writer.end()
  })
})

describe.each(['ENOSYS', 'EPERM'])('where statx answers %s', (code) => {
  it('the default alignment is taken and kept to', async () => {
    const path = freshPath(folder)
    const off: number[] = []
    const native = faultyBinding({
      statx: async () => {
        throw kernelError(code, 38, 'statx')
      },
      pwrite: async (real, view, viewOffset, length, position, flags, throughRing, place) => {
        off.push(length % 4096, position % 4096)
        return await real.pwrite(view, viewOffset, length, position, flags, throughRing, place)
      },
    })
    const writer = await openSmall(path, 'direct', {}, { binding: native })
    expect(writer.alignment).toEqual({ memory: 4096, offset: 4096, readOffset: 4096, source: 'default' })
    await writer.write(someBytes(10_001))
    await writer.flush()
    await writer.write(someBytes(700))
    await writer.end()
    expect(new Set(off)).toEqual(new Set([0]))
    expectFile(path, Buffer.concat([someBytes(10_001), someBytes(700)]))
  })
})

describe.each(everyStrategy)('under %s', (strategy: Strategy) => {
  it('residentBytes answers, also where only mincore does', async () => {
    const faults: FileFaults[] = [
      {},
      {
        cachestat: async () => {
          throw kernelError('ENOSYS', 38, 'cachestat')
        },
      },
    ]
    for (const fault of faults) {
      const writer = await openSmall(freshPath(folder), strategy, {}, { binding: faultyBinding(fault) })
      await writer.write(someBytes(10 * smallBuffer))
      await writer.flush()
      const resident = await writer.residentBytes()
      if (strategyInEffect(strategy) === 'direct') expect(resident).toBe(0)
      if (strategyInEffect(strategy) === 'buffered') expect(resident).toBe(10 * smallBuffer)
      await writer.end()
    }
  })

  it('buffers of any size do that are multiples of the block', async () => {
    for (const bufferSize of [1, 3, 100, 512, 1536, 4095, 4096, 12_288]) {
      const path = freshPath(folder)
      const options = { bufferSize, queueDepth: 3 }
      if (strategyInEffect(strategy) === 'direct' && bufferSize % 512 !== 0) {
        expect(await codeFrom(() => openSmall(path, strategy, options))).toBe('ERR_BUFFER_SIZE')
        continue
      }
      const writer = await openSmall(path, strategy, options)
      expectMode(writer, strategy)
      const aligned = allocAligned(Math.max(2 * bufferSize, 100))
      aligned.set(someBytes(aligned.byteLength))
      const chunks = [someBytes(1), someBytes(999, 2), aligned, someBytes(bufferSize, 3)]
      for (const chunk of chunks) {
        await writer.write(chunk)
        if (chunk === aligned) await writer.flush()
        while (writer.reserve(bufferSize) === null) await writer.drain()
        writer.commit(0)
      }
      await writer.end()
      expectFile(path, Buffer.concat(chunks))
    }
  })
})
