import { setTimeout } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { directIsForced } from '../src/force.ts'
import { openWriter, type Strategy } from '../src/index.ts'
import { collectMetrics, type Metrics } from '../src/metrics.ts'
import { someBytes } from './support/bytes.ts'
import { faultyBinding, kernelError, openForTest } from './support/faults.ts'
import { freshPath, temporaryFolder } from './support/folders.ts'
import { strategyInEffect } from './support/mode.ts'

const folder = temporaryFolder()
const content = someBytes(10_000)

let registry: Registry
let metrics: Metrics
beforeEach(() => {
  registry = new Registry()
  metrics = collectMetrics(registry)
})
afterEach(() => metrics.stop())

/** The samples of a metric, by their labels. */
async function samples(name: string): Promise<Record<string, number>> {
  const text = await registry.metrics()
  const found: Record<string, number> = {}
  for (const line of text.split('\n')) {
    const match = new RegExp(`^uncached_io_${name}(\\{.*\\})? (\\S+)$`).exec(line)
    if (match !== null) found[match[1] ?? ''] = Number(match[2])
  }
  return found
}

function labelled(strategy: Strategy): string {
  return `{strategy="${strategy}"}`
}

test('bytes are counted by strategy while a file is written and when it has ended', async () => {
  const direct = labelled('direct')
  const writer = await openWriter(freshPath(folder), { strategy: 'direct' })
  await writer.write(content)
  expect(await samples('accepted_bytes_total')).toEqual({ [direct]: 10_000 })
  expect(await samples('written_bytes_total')).toEqual({})
  expect((await samples('open_files'))[direct]).toBe(1)
  await writer.flush()
  expect(await samples('written_bytes_total')).toEqual({ [direct]: 10_000 })
  expect(await samples('padded_bytes_total')).toEqual({ [direct]: writer.paddedBytes })
  expect(writer.paddedBytes).toBeGreaterThan(0)
  await writer.write(content)
  await writer.end()
  expect(await samples('tail_rewrites_total')).toEqual({ [direct]: 1 })
  expect(await samples('synced_bytes_total')).toEqual({ [direct]: 20_000 })
  expect((await samples('open_files'))[direct]).toBe(0)
  expect(await samples('flush_seconds_count')).toEqual({ [direct]: 2 })
  expect(await samples('sync_seconds_count')).toEqual({ [direct]: 1 })

  const other = await openWriter(freshPath(folder), { strategy: 'evict' })
  await other.write(content)
  await other.reset(freshPath(folder))
  await other.write(content)
  await other.end()
  const evict = labelled(strategyInEffect('evict'))
  expect((await samples('accepted_bytes_total'))[evict]).toBe(directIsForced() ? 40_000 : 20_000)
})

test('no path is in any of it', async () => {
  const writer = await openWriter(freshPath(folder), { strategy: 'direct', verify: true })
  await writer.write(content)
  expect(await registry.metrics()).not.toContain(folder)
  await writer.end()
  expect(await registry.metrics()).not.toContain(folder)
})

test('errors by code, and those of files that could not be opened', async () => {
  const native = faultyBinding({
    pwrite: async () => {
      throw kernelError('EIO', 5, 'pwritev2')
    },
  })
  const writer = await openForTest(freshPath(folder), { strategy: 'direct' }, { binding: native })
  await writer.write(content)
  await expect(writer.flush()).rejects.toMatchObject({ code: 'EIO' })
  await writer[Symbol.asyncDispose]()
  await expect(openWriter(`${folder}/missing/file`)).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await samples('errors_total')).toEqual({
    '{strategy="direct",code="EIO",retryable="false"}': 1,
    '{strategy="none",code="ENOENT",retryable="false"}': 1,
  })
  expect((await samples('open_files'))[labelled('direct')]).toBe(0)
})

test.skipIf(directIsForced())('downgrades, and the footprint of what is verified', async () => {
  const path = freshPath(temporaryFolder('/dev/shm'))
  const writer = await openWriter(path, { strategy: 'direct', policy: 'prefer', verify: true, bufferSize: 65_536 })
  for (let i = 0; i < 100; i++) await writer.write(content)
  await writer.sync()
  // A last look may still be under way.
  await setTimeout(100)
  expect((await samples('downgrades_total'))['{from="direct",to="evict"}']).toBe(1)
  const footprints = await samples('footprint_bytes')
  expect(footprints[labelled(writer.mode.inEffect)]).toBe(writer.mode.footprint?.residentBytes)
  expect(writer.mode.footprint?.residentBytes).toBeGreaterThan(500_000)
  await writer.end()
})

test('a file that was open before is counted from its next event on', async () => {
  metrics.stop()
  const writer = await openWriter(freshPath(folder), { strategy: 'direct' })
  await writer.write(content)
  metrics = collectMetrics(registry)
  expect(await samples('accepted_bytes_total')).toEqual({})
  await writer.flush()
  expect(await samples('accepted_bytes_total')).toEqual({ [labelled('direct')]: 10_000 })
  await writer.end()
})

test('stopped, it is gone from the registry, which can be given again; twice at once it can’t', async () => {
  expect(() => collectMetrics(registry)).toThrow('already been registered')
  const other = collectMetrics(registry, { prefix: 'mine_' })
  expect(await registry.metrics()).toContain('mine_errors_total')
  other.stop()
  metrics.stop()
  expect(await registry.metrics()).toBe('\n')
  metrics = collectMetrics(registry)
})

test('wrong options are refused', () => {
  expect(() => collectMetrics(registry, { labels: {} } as object)).toThrow("unknown option 'labels'; known: prefix")
  expect(() => collectMetrics(registry, { prefix: 5 } as object)).toThrow('prefix must be a string, not 5')
})
