import { constants, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Binding, binding } from '../src/binding.ts'
import { engineFor, tryRing } from '../src/engine.ts'
import { DirectIOWriter, openWriter, UncachedIOError } from '../src/index.ts'
import { alignedBytes, someBytes } from './support/bytes.ts'
import { checkEngines, engineOfRun, expectEngine, namedRing, whyNoRing, writesThrough } from './support/engine.ts'
import { faultyBinding, kernelError, openForTest } from './support/faults.ts'
import { freshPath, temporaryFolder } from './support/folders.ts'

const folder = temporaryFolder()

afterEach(() => vi.unstubAllEnvs())

/** An addon whose ring can't be set up while `codes` lasts, one for each time it is tried. */
function ringRefusing(codes: string[]): { native: Binding; tries: () => number } {
  let tries = 0
  const native = faultyBinding(
    {},
    {
      startRing: () => {
        tries++
        const code = codes.shift()
        if (code !== undefined) throw kernelError(code, 1, 'io_uring_setup')
        binding().startRing()
      },
    },
  )
  return { native, tries: () => tries }
}

test('io_uring can be used here, or nobody demands it', () => {
  if (process.env.CI === 'true') expect(whyNoRing()).toBeNull()
})

describe('the watch on engines', () => {
  const writable = constants.O_RDWR | constants.O_CREAT

  test('sees a write by threads, and fails the test that expects none', async () => {
    expectEngine('threads')
    const file = await binding().open(freshPath(folder), writable, 0o600)
    await file.pwrite(Buffer.from('x'), 0, 1, 0, 0, false)
    expect([writesThrough('threads'), writesThrough('io_uring')]).toEqual([1, 0])
    checkEngines()
    expectEngine('io_uring')
    await file.pwrite(Buffer.from('x'), 0, 1, 0, 0, false)
    expect(checkEngines).toThrow('threads')
    await file.close()
  })

  test.skipIf(whyNoRing() !== null)(namedRing('sees a write by io_uring just so'), async () => {
    expectEngine('io_uring')
    const writer = await openWriter(freshPath(folder), { engine: 'io_uring', strategy: 'direct' })
    await writer.write('x')
    await writer.end()
    expect([writesThrough('threads'), writesThrough('io_uring')]).toEqual([0, 1])
    checkEngines()
    expectEngine('threads')
    const next = await openWriter(freshPath(folder), { engine: 'io_uring', strategy: 'direct' })
    await next.write('x')
    await next.end()
    expect(checkEngines).toThrow('io_uring')
  })
})

describe('engine: auto', () => {
  test('is the engine of this run', async () => {
    for (const options of [{}, { engine: 'auto' }, { engine: undefined }] as const) {
      const writer = await openWriter(freshPath(folder), options)
      expect(writer.engine).toBe(engineOfRun)
      await writer.write(someBytes(10_000))
      await writer.end()
    }
    expect(writesThrough(engineOfRun)).toBeGreaterThanOrEqual(3)
  })

  test('is threads where UNCACHED_IO_ENGINE says so, for every writer from then on', async () => {
    const before = await openWriter(freshPath(folder))
    vi.stubEnv('UNCACHED_IO_ENGINE', 'threads')
    const writer = await DirectIOWriter.open(freshPath(folder))
    expect([before.engine, writer.engine]).toEqual([engineOfRun, 'threads'])
    await before.end()
    expectEngine('threads')
    await writer.write(alignedBytes(3 << 20))
    await writer.end()
    expect(writesThrough('threads')).toBeGreaterThan(0)
  })

  test('is what it would be without the variable where that is empty or auto', () => {
    const unset = ringRefusing([]).native
    for (const value of ['', 'auto', undefined]) {
      vi.stubEnv('UNCACHED_IO_ENGINE', value)
      expect(engineFor('auto', unset)).toBe(whyNoRing() === null ? 'io_uring' : 'threads')
      expect(engineFor('auto', ringRefusing(['EPERM']).native)).toBe('threads')
    }
  })

  test('is refused where the variable holds anything else, before a file is made', async () => {
    const path = freshPath(folder)
    for (const value of ['libuv', 'IO_URING', ' threads']) {
      vi.stubEnv('UNCACHED_IO_ENGINE', value)
      const refused = { code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining(`'${value}'`) as string }
      await expect(openWriter(path)).rejects.toMatchObject(refused)
      expect(existsSync(path)).toBe(false)
      // Whoever asks for one himself is not concerned.
      await (await openWriter(freshPath(folder), { engine: 'threads' })).end()
    }
  })
})

describe('where io_uring is refused', () => {
  beforeEach(() => vi.stubEnv('UNCACHED_IO_ENGINE', undefined))

  test('whoever insists on it is told why, and keeps the content of his file', async () => {
    const { native } = ringRefusing(['EPERM'])
    const path = freshPath(folder)
    const refused = async (): Promise<void> => {
      const opening = openForTest(path, { engine: 'io_uring', strategy: 'direct' }, { binding: native })
      await expect(opening).rejects.toBeInstanceOf(UncachedIOError)
      await expect(opening).rejects.toMatchObject({
        code: 'ERR_ENGINE_UNSUPPORTED',
        syscall: 'io_uring_setup',
        cause: { code: 'EPERM', errno: -1 },
      })
      await expect(opening).rejects.toThrow(/EPERM: .*seccomp/)
    }
    await refused()
    expect(existsSync(path)).toBe(false)
    writeFileSync(path, 'before')
    await refused()
    expect(readFileSync(path, 'utf8')).toBe('before')
  })

  test.each(['auto', 'direct', 'dontcache'] as const)(
    'policy prefer gives up the strategy %s for another, never the engine',
    async (strategy) => {
      const { native } = ringRefusing(['EPERM'])
      const opening = openForTest(
        freshPath(folder),
        { engine: 'io_uring', strategy, policy: 'prefer' },
        { binding: native },
      )
      await expect(opening).rejects.toMatchObject({ code: 'ERR_ENGINE_UNSUPPORTED' })
    },
  )

  test.each(['EPERM', 'ENOSYS', 'EACCES', 'EINVAL'])('%s is remembered: it is tried once', (code) => {
    const { native, tries } = ringRefusing([code])
    for (let i = 0; i < 3; i++) {
      expect(engineFor('auto', native)).toBe('threads')
      expect(tryRing(native)).toMatchObject({ works: false, code, cause: { code } })
      expect(() => engineFor('io_uring', native)).toThrow(`${code}: injected`)
    }
    expect(tries()).toBe(1)
  })

  test.skipIf(whyNoRing() !== null).each(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])(
    namedRing('%s is not: the next writer tries again, and so does the next file of one'),
    async (code) => {
      const { native, tries } = ringRefusing([code, code, code])
      const open = (engine: 'auto' | 'io_uring') =>
        openForTest(freshPath(folder), { engine, strategy: 'direct' }, { binding: native })
      const content = someBytes(10_000)

      expectEngine('threads')
      await expect(open('io_uring')).rejects.toMatchObject({ code: 'ERR_ENGINE_UNSUPPORTED', cause: { code } })
      const first = await open('auto')
      const second = await open('auto')
      expect([first.engine, second.engine]).toEqual(['threads', 'threads'])
      await first.write(content)
      await second.write(content)
      await second.end()
      await first.flush()

      const path = freshPath(folder)
      await first.reset(path)
      expectEngine('io_uring')
      expect(first.engine).toBe('io_uring')
      await first.write(content)
      await first.end()
      expect(readFileSync(path).equals(content)).toBe(true)
      expect((await open('io_uring')).engine).toBe('io_uring')
      expect(tries()).toBe(4)
    },
  )

  test('what is no answer of the kernel is not taken for one', () => {
    const broken = faultyBinding(
      {},
      {
        startRing: () => {
          throw new TypeError('not a function')
        },
      },
    )
    expect(() => engineFor('auto', broken)).toThrow(TypeError)
  })
})

test('a writer by threads does not set up io_uring', async () => {
  const { native, tries } = ringRefusing([])
  await (await openForTest(freshPath(folder), { engine: 'threads' }, { binding: native })).end()
  expect(tries()).toBe(0)
})
