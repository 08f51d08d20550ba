import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type * as Package from 'uncached-io'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { packageFolder } from '../../../bench/package.ts'
import type { SyncPolicy, WalStrategy } from '../../../bench/tsdb/settings.ts'
import { openWal, walStrategies } from '../../../bench/tsdb/wal/open-wal.ts'
import { strategyInEffect } from '../../support/mode.ts'

/** Strategies that are not possible, as on another kernel or file system, and the code that tells it. */
let impossible: Record<string, string> = {}
vi.mock('uncached-io', async (original) => {
  const real = await original<typeof Package>()
  const openWriter: typeof real.openWriter = async (path, options) => {
    const code = impossible[options?.strategy ?? '']
    if (code !== undefined) throw new real.UncachedIOError(code, `no ${options?.strategy}`)
    return await real.openWriter(path, options)
  }
  return { ...real, openWriter }
})
beforeEach(() => {
  impossible = {}
})

const folder = mkdtempSync(join(packageFolder, '.uncached-io-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

let made = 0
async function modeOf(asked: WalStrategy, sync: SyncPolicy) {
  await using wal = await openWal(join(folder, String(made++)), asked, { sync })
  expect(readdirSync(wal.folder)).toEqual(['00000000'])
  return wal.mode
}

describe('walStrategies', () => {
  it('writes past the page cache where each batch is synced, and through it elsewhere', () => {
    expect(walStrategies('auto', 'every-batch')).toEqual(['direct', 'buffered'])
    expect(walStrategies('auto', 'never')).toEqual(['buffered'])
    expect(walStrategies('auto', { everyMs: 10 })).toEqual(['buffered'])
  })

  it('leaves what was asked for as it is', () => {
    for (const sync of ['every-batch', 'never'] as const) expect(walStrategies('evict', sync)).toEqual(['evict'])
  })
})

describe('openWal', () => {
  it('takes the best strategy that is possible', async () => {
    expect(await modeOf('auto', 'every-batch')).toMatchObject({ asked: 'direct', inEffect: 'direct' })
    impossible = { direct: 'ERR_DIRECT_UNSUPPORTED' }
    const buffered = { asked: 'buffered', inEffect: strategyInEffect('buffered') }
    expect(await modeOf('auto', 'every-batch')).toMatchObject(buffered)
    expect(await modeOf('auto', 'never')).toMatchObject(buffered)
  })

  it('rejects where the strategy that was named is not possible', async () => {
    impossible = { dontcache: 'ERR_STRATEGY_UNSUPPORTED' }
    await expect(modeOf('dontcache', 'never')).rejects.toMatchObject({ code: 'ERR_STRATEGY_UNSUPPORTED' })
  })

  it('tries no other one when something else is wrong', async () => {
    impossible = { direct: 'ENOSPC' }
    await expect(modeOf('auto', 'every-batch')).rejects.toMatchObject({ code: 'ENOSPC' })
  })
})
