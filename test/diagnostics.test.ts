import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { directIsForced } from '../src/force.ts'
import {
  type CloseEvent,
  DirectIOWriter,
  type DowngradeEvent,
  type ErrorEvent,
  type FlushEvent,
  type OpenEvent,
  openWriter,
  probe,
  type SyncEvent,
} from '../src/index.ts'
import { someBytes } from './support/bytes.ts'
import { faultyBinding, kernelError, openForTest } from './support/faults.ts'
import { freshPath, temporaryFolder } from './support/folders.ts'

const folder = temporaryFolder()
const content = someBytes(100_000)

interface Events {
  open: OpenEvent
  flush: FlushEvent
  sync: SyncEvent
  downgrade: DowngradeEvent
  error: ErrorEvent
  close: CloseEvent
}

let told: [name: keyof Events, event: Events[keyof Events]][] = []
const names = ['open', 'flush', 'sync', 'downgrade', 'error', 'close'] as const
const listeners = names.map((name) => ({
  channel: `uncached-io:${name}`,
  listen: (event: unknown) => void told.push([name, event as Events[typeof name]]),
}))

beforeEach(() => {
  told = []
  for (const { channel, listen } of listeners) subscribe(channel, listen)
})

afterEach(() => {
  for (const { channel, listen } of listeners) unsubscribe(channel, listen)
})

function the<Name extends keyof Events>(name: Name): Events[Name] {
  const found = told.filter(([other]) => other === name)
  expect(found.length, `events of ${name}`).toBe(1)
  return (found[0] as [Name, Events[Name]])[1]
}

test('a file from open to close', async () => {
  const path = freshPath(folder)
  const writer = await DirectIOWriter.open(path)
  await writer.write(content)
  await writer.flush()
  await writer.sync()
  await writer.end()
  expect(told.map(([name]) => name)).toEqual(['open', 'flush', 'flush', 'sync', 'flush', 'sync', 'close'])
  expect(the('open')).toMatchObject({ writer, path, mode: { asked: 'direct', inEffect: 'direct', why: null } })
  const [, flush] = told[1] as ['flush', FlushEvent]
  expect(flush).toMatchObject({ writer, path, writtenBytes: 100_000 })
  expect(flush.latencyNs).toBeGreaterThan(1000)
  const [, sync] = told[3] as ['sync', SyncEvent]
  expect(sync).toMatchObject({ writer, path, syncedBytes: 100_000 })
  expect(sync.latencyNs).toBeGreaterThan(1000)
  expect(the('close')).toEqual({
    writer,
    path,
    strategy: 'direct',
    engine: writer.engine,
    acceptedBytes: 100_000,
    writtenBytes: 100_000,
    syncedBytes: 100_000,
    droppedBytes: 0,
    error: null,
  })
})

test('reset closes one file and opens the next', async () => {
  const [first, second] = [freshPath(folder), freshPath(folder)]
  const writer = await DirectIOWriter.open(first)
  await writer.write(content)
  await writer.reset(second)
  await writer.end()
  const steps = told.filter(([name]) => name === 'open' || name === 'close')
  expect(steps.map(([name, { path }]) => [name, path])).toEqual([
    ['open', first],
    ['close', first],
    ['open', second],
    ['close', second],
  ])
  expect((steps[1] as ['close', CloseEvent])[1].acceptedBytes).toBe(100_000)
  expect((steps[3] as ['close', CloseEvent])[1].acceptedBytes).toBe(0)
})

test('a writer that is failed by its owner is closed with the reason, which is no error of the file', async () => {
  const writer = await DirectIOWriter.open(freshPath(folder))
  await writer.write(content)
  const reason = new Error('changed my mind')
  writer.fail(reason)
  await writer[Symbol.asyncDispose]()
  expect(told.map(([name]) => name)).toEqual(['open', 'close'])
  expect(the('close')).toMatchObject({ error: reason, acceptedBytes: 100_000, droppedBytes: 100_000 })
})

test('an error that can be tried again, and one that is final', async () => {
  const failures = [kernelError('ENOSPC', 28, 'pwritev2'), kernelError('EIO', 5, 'pwritev2')]
  const native = faultyBinding({
    pwrite: async () => {
      throw failures.shift() as Error
    },
  })
  const writer = await openForTest(freshPath(folder), { strategy: 'direct' }, { binding: native })
  await writer.write(content)
  await expect(writer.flush()).rejects.toMatchObject({ code: 'ENOSPC' })
  await expect(writer.flush()).rejects.toMatchObject({ code: 'EIO' })
  await writer[Symbol.asyncDispose]()
  const errors = told.filter(([name]) => name === 'error') as ['error', ErrorEvent][]
  expect(errors.map(([, { code, retryable }]) => [code, retryable])).toEqual([
    ['ENOSPC', true],
    ['EIO', false],
  ])
  expect(the('close').error).toMatchObject({ code: 'EIO' })
})

test('a file that can’t be opened is an error without a writer', async () => {
  const path = join(folder, 'missing', 'file')
  await expect(openWriter(path)).rejects.toMatchObject({ code: 'ENOENT' })
  expect(the('error')).toMatchObject({ writer: null, path, code: 'ENOENT', retryable: false })
})

test.skipIf(directIsForced())('what is not as it was asked for is a downgrade', async () => {
  const native = faultyBinding({
    pread: async (real, ...parameters) => {
      if (parameters[4] !== 0) throw kernelError('EOPNOTSUPP', 95, 'preadv2')
      return await real.pread(...parameters)
    },
  })
  const path = freshPath(folder)
  const options = { strategy: 'dontcache', policy: 'prefer' } as const
  const writer = await openForTest(path, options, { binding: native })
  await writer.end()
  expect(the('downgrade')).toMatchObject({ writer, path, asked: 'dontcache', from: 'dontcache', to: 'evict' })
  expect(the('downgrade').why).toContain('RWF_DONTCACHE')
})

test.skipIf(directIsForced())('what turns out not to do is a downgrade as well', async () => {
  const path = freshPath(temporaryFolder('/dev/shm'))
  const writer = await openWriter(path, { strategy: 'direct', policy: 'prefer', verify: true })
  for (let i = 0; i < 40; i++) await writer.write(content)
  await writer.end()
  const downgrades = told.filter(([name]) => name === 'downgrade') as ['downgrade', DowngradeEvent][]
  expect(downgrades.map(([, { from, to }]) => [from, to])).toEqual([
    ['direct', 'evict'],
    ['evict', 'buffered'],
  ])
  expect(downgrades[0]?.[1].why).toMatch(/^\d+ bytes of it are in the page cache/)
})

test('FORCEDIRECTIO is told as a downgrade of what it overrides', async () => {
  const before = process.env.FORCEDIRECTIO
  process.env.FORCEDIRECTIO = '1'
  try {
    await (await openWriter(freshPath(folder), { strategy: 'buffered' })).end()
  } finally {
    if (before === undefined) delete process.env.FORCEDIRECTIO
    else process.env.FORCEDIRECTIO = before
  }
  expect(the('downgrade')).toMatchObject({ asked: 'buffered', to: 'direct', why: 'FORCEDIRECTIO is set' })
})

test('the files of a probe are nobody’s', async () => {
  await probe(folder, { fresh: true })
  expect(told).toEqual([])
})
