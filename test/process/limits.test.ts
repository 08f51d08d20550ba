import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { directIsForced } from '../../src/force.ts'
import { enginesHere, expectEngine } from '../support/engine.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'
import { strategyInEffect } from '../support/mode.ts'
import { whyNoRefusal, withFileSize } from './refusal.ts'
import { resultOfChild } from './run-child.ts'

const folder = temporaryFolder()
const limits = new URL('fixtures/limits.mjs', import.meta.url)
const noThreads = new URL('fixtures/no-threads.mjs', import.meta.url)
const setuid = new URL('fixtures/setuid.mjs', import.meta.url)
const strategies = ['direct', 'dontcache', 'evict', 'buffered'] as const
const why = whyNoRefusal === null ? '' : ` (skipped: ${whyNoRefusal})`

describe.skipIf(whyNoRefusal !== null).each(enginesHere())(`by %s${why}`, (engine) => {
  beforeEach(() => expectEngine(engine))
  const env = { UNCACHED_IO_ENGINE: engine }

  test.each(strategies)('%s: beyond RLIMIT_FSIZE writes are refused for good, and the process lives', async (asked) => {
    const path = freshPath(folder)
    const limitBytes = 1 << 20
    const result = await resultOfChild(limits, [path, asked], { through: withFileSize(limitBytes), env })
    const syscall = engine === 'io_uring' ? 'io_uring_enter' : 'pwritev2'
    const tooBig = { code: 'EFBIG', errno: -27, retryable: false, syscall }
    expect(result).toEqual({
      engine,
      inEffect: strategyInEffect(asked),
      outcomes: [tooBig, tooBig],
      writtenBytes: limitBytes,
      left: limitBytes,
    })
    // What was accepted below the limit is there, in its order.
    const expected = Buffer.alloc(limitBytes)
    for (let i = 0; i < 16; i++) expected.fill(1 + i, i * 65536, (i + 1) * 65536)
    expect(readFileSync(path).equals(expected)).toBe(true)
  })

  test.each(strategies)('%s: writes go on when no thread is to be had, not even for the kernel', async (asked) => {
    const open = join(folder, `open-${engine}-${asked}`)
    mkdirSync(open, { mode: 0o755 })
    chmodSync(folder, 0o755)
    const path = join(open, 'file')
    const result = await resultOfChild(noThreads, [path, asked], { env: { ...env, ENGINE: engine } })
    expect(result).toEqual({ engine, inEffect: strategyInEffect(asked), total: 4_000_000 })
    const expected = Buffer.concat(Array.from({ length: 40 }, (_, i) => Buffer.alloc(100_000, 1 + i)))
    expect(readFileSync(path).equals(expected)).toBe(true)
  })

  test.each(strategies)('%s: files that were open when root gave up its rights are written on', async (asked) => {
    const closed = join(folder, `closed-${engine}-${asked}`)
    mkdirSync(closed, { mode: 0o700 })
    writeFileSync(join(closed, 'found'), '')
    const result = await resultOfChild(setuid, [closed, asked], { env })
    expect(result).toEqual({
      engines: [engine, engine, engine],
      inEffect: strategyInEffect(asked),
      found: 'ended',
      // The name of a new file can't be made durable by whom may not open its folder.
      made: { code: 'EACCES', syscall: 'fsync', retryable: false },
      synced: 'ended',
      another: { code: 'EACCES', syscall: 'open' },
    })
    const lengths = ['found', 'made', 'synced'].map((name) => statSync(join(closed, name)).size)
    expect(lengths).toEqual([5_000_050, 5_000_050, 5_100_051])
    expect(readFileSync(join(closed, 'synced')).equals(Buffer.alloc(5_100_051, 7))).toBe(true)
  })
})

test('auto goes on where it may try nothing out, and says so; what has to be made is refused', async () => {
  const closed = temporaryFolder()
  chmodSync(closed, 0o755)
  writeFileSync(join(closed, 'file'), '')
  chmodSync(join(closed, 'file'), 0o666)
  const closedFolder = new URL('fixtures/closed-folder.mjs', import.meta.url)
  const refused = { code: 'EACCES', syscall: 'open' }
  const untried = expect.stringMatching(/not tried out here: EACCES: Permission denied, open '.*\.probe'$/)
  const forced = 'FORCEDIRECTIO is set'
  const reason = directIsForced() ? forced : untried
  expect(await resultOfChild(closedFolder, [closed])).toEqual({
    inEffect: 'direct',
    why: reason,
    total: 7,
    downgrades: [reason],
    made: refused,
    probed: refused,
  })
  expect(readFileSync(join(closed, 'file'), 'utf8')).toBe('written')
})
