import { mkdtempSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Engine, EngineFinding } from '../../src/engine.ts'
import { expectEngine, namedRing, whyNoRing } from '../support/engine.ts'
import { temporaryFolder } from '../support/folders.ts'
import { type RingCall, refusing, whyNoRefusal, withLockedMemory, withOpenFiles } from './refusal.ts'
import { resultOfChild } from './run-child.ts'

const folder = temporaryFolder()
const engineProgram = new URL('fixtures/engine.mjs', import.meta.url)
const fewDescriptors = new URL('fixtures/few-descriptors.mjs', import.meta.url)

interface Attempt {
  engine?: Engine
  right?: boolean
  registeredBytes?: number
  code?: string
  message?: string
  syscall?: string
  cause?: string
  made?: boolean
}

interface Attempts {
  auto: Attempt
  io_uring: Attempt
  threads: Attempt
  again: Attempt
  probe: { engine: Engine; io_uring: EngineFinding; threads: EngineFinding }
}

async function attempts(through: readonly string[], env: Record<string, string> = {}): Promise<Attempts> {
  const own = mkdtempSync(join(folder, 'attempts-'))
  const result = await resultOfChild<Attempts>(engineProgram, [own], {
    through,
    env: { UNCACHED_IO_ENGINE: 'auto', ...env },
  })
  const written = [result.auto, result.io_uring, result.threads].filter(({ engine }) => engine !== undefined)
  expect(readdirSync(own)).toHaveLength(written.length)
  return result
}

/** Threads do the work, and whoever insists on io_uring is told why it can't be. */
function expectThreads(result: Attempts, code: string, message: RegExp): void {
  const byThreads = { engine: 'threads', right: true, registeredBytes: 0 }
  expect(result.auto).toEqual(byThreads)
  expect(result.threads).toEqual(byThreads)
  const refused = { code: 'ERR_ENGINE_UNSUPPORTED', syscall: 'io_uring_setup', cause: code, made: false }
  for (const attempt of [result.io_uring, result.again]) {
    expect(attempt).toMatchObject(refused)
    expect(attempt.message).toMatch(message)
  }
  expect(result.probe).toMatchObject({ engine: 'threads', io_uring: { works: false, code }, threads: { works: true } })
  expect(result.probe.io_uring).toMatchObject({ reason: expect.stringMatching(message) as string })
}

test('system calls can be refused to children here, or nobody demands it', () => {
  if (process.env.CI === 'true') expect(whyNoRefusal).toBeNull()
})

const why = whyNoRefusal === null ? '' : ` (skipped: ${whyNoRefusal})`

describe.skipIf(whyNoRefusal !== null)(`where io_uring is refused${why}`, () => {
  beforeEach(() => expectEngine('threads'))

  test.each<[RingCall, string, number, RegExp]>([
    ['io_uring_setup', 'EPERM', 1, /EPERM: .*seccomp.*io_uring_disabled/],
    ['io_uring_setup', 'ENOSYS', 38, /ENOSYS: .*kernel/],
    ['io_uring_setup', 'EACCES', 13, /EACCES: /],
    ['io_uring_enter', 'EPERM', 1, /EPERM: .*seccomp/],
    ['io_uring_enter', 'ENOSYS', 38, /ENOSYS: /],
  ])('%s answering %s, threads write', async (call, code, errno, message) => {
    expectThreads(await attempts(refusing(call, errno)), code, message)
  })

  test('without memory to lock, threads write', async () => {
    expectThreads(await attempts(withLockedMemory(0)), 'ENOMEM', /ENOMEM: .*RLIMIT_MEMLOCK/)
  })
})

describe.skipIf(whyNoRefusal !== null || whyNoRing() !== null)(namedRing(`where io_uring is allowed${why}`), () => {
  // The child tries both.
  beforeEach(() => expectEngine('io_uring', 'threads'))

  const byRing = { engine: 'io_uring', right: true }
  const byThreads = { engine: 'threads', right: true }

  function expectRing(result: Attempts): void {
    expect(result.auto).toMatchObject(byRing)
    expect(result.io_uring).toMatchObject(byRing)
    expect(result.again).toMatchObject(byRing)
    expect(result.threads).toMatchObject(byThreads)
    expect(result.probe).toEqual({ engine: 'io_uring', io_uring: { works: true }, threads: { works: true } })
  }

  test('it writes, from memory that it knows', async () => {
    const result = await attempts([])
    expectRing(result)
    expect(result.auto.registeredBytes).toBeGreaterThan(0)
  })

  test('UNCACHED_IO_ENGINE says what auto means, and whoever insists has his way', async () => {
    const threads = await attempts([], { UNCACHED_IO_ENGINE: 'threads' })
    expect(threads.auto).toEqual({ ...byThreads, registeredBytes: 0 })
    expect(threads.io_uring).toMatchObject(byRing)
    expect(threads.probe).toMatchObject({ engine: 'threads', io_uring: { works: true } })
    expectRing(await attempts([], { UNCACHED_IO_ENGINE: 'io_uring' }))
    expectRing(await attempts([], { UNCACHED_IO_ENGINE: '' }))
  })

  test('with little memory to lock, it writes from memory that it does not know', async () => {
    const result = await attempts(withLockedMemory(512 * 1024))
    expectRing(result)
    expect(result.auto.registeredBytes).toBe(0)
  })

  test('io_uring_register answering EPERM, it writes without its tables', async () => {
    const result = await attempts(refusing('io_uring_register', 1))
    expectRing(result)
    expect(result.auto.registeredBytes).toBe(0)
  })

  test('with fewer descriptors than its table has places, it writes', async () => {
    expectRing(await attempts(withOpenFiles(100)))
  })

  test('out of descriptors threads write; once there are some again, the next writer gets io_uring', async () => {
    const result = await resultOfChild(fewDescriptors, [folder], {
      through: withOpenFiles(100),
      env: { UNCACHED_IO_ENGINE: 'auto' },
    })
    expect(result).toEqual({
      insisting: { code: 'ERR_ENGINE_UNSUPPORTED', cause: 'EMFILE' },
      first: byThreads,
      later: byRing,
    })
  })
})
