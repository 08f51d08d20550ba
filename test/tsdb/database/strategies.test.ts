import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as Package from 'uncached-io'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Strategies, Strategy, SyncPolicy } from '../../../bench/tsdb/settings.ts'
import { walStrategies } from '../../../bench/tsdb/wal/open-wal.ts'
import { listSegments, segmentPath, WAL_FOLDER } from '../../../bench/tsdb/wal/wal-folder.ts'
import { pageCacheOf } from '../../../src/index.ts'
import { strategyInEffect } from '../../support/mode.ts'
import { residentBytesOf } from '../support/block-files.ts'
import { regular, type Series } from '../support/series.ts'
import { everyStrategy } from '../wal/wal-files.ts'
import { alike, commitAll, expectIn, freshFolder, openDatabase, RANGE_MS } from './databases.ts'

/** A strategy for each kind of file, none of them chosen by the app. */
interface Chosen extends Strategies {
  readonly wal: Strategy
}

interface Opened {
  readonly path: string
  readonly asked: string | undefined
  readonly inEffect: string
}

/** What the code under test opened through the package, as it asked for it and as it got it. */
let opened: Opened[] = []
vi.mock('uncached-io', async (original) => {
  const real = await original<typeof Package>()
  const openWriter: typeof real.openWriter = async (path, options) => {
    const writer = await real.openWriter(path, options)
    opened.push({ path: String(path), asked: options?.strategy, inEffect: writer.mode.inEffect })
    return writer
  }
  return { ...real, openWriter }
})
beforeEach(() => {
  opened = []
})

/** A minute of ten series. */
const all: Series[] = Array.from({ length: 10 }, (_, i) => regular({ a: String(i) }, i, 600, 100))

/** All that a database does: commits, a cut, a compaction. */
async function runThrough(folder: string, strategies: Chosen): Promise<string> {
  await using database = await openDatabase(folder, { strategies })
  for (let i = 0; i < 6; i++) {
    const startMs = i * RANGE_MS
    const samples = all.map((one) => ({
      ...one,
      samples: one.samples.filter(([timestampMs]) => timestampMs >= startMs && timestampMs < startMs + RANGE_MS),
    }))
    await commitAll(database, samples)
  }
  await database.cut()
  const { meta, strategy } = await database.compact()
  expect(strategy).toBe(strategyInEffect(strategies.chunks))
  // Something in the last segment.
  await commitAll(database, [regular({ b: '1' }, 7 * RANGE_MS, 1)])
  await database.close()
  return meta.ulid
}

/** The kind of file that a path is one of. */
function kindOf(path: string): keyof Strategies {
  if (path.includes(`/${WAL_FOLDER}/`)) return 'wal'
  return path.includes('/chunks/') ? 'chunks' : 'index'
}

/** Each strategy for each kind of file, and no two alike in any. */
const mixed: Chosen[] = everyStrategy.map((chunks, i) => ({
  chunks,
  index: everyStrategy[(i + 1) % 4]!,
  wal: everyStrategy[(i + 2) % 4]!,
}))

describe.each([...everyStrategy.map(alike), ...mixed])('under $chunks, $index, $wal', (strategies) => {
  it('every file is written as its kind is to be, and all samples come back', async () => {
    const folder = freshFolder()
    const ulid = await runThrough(folder, strategies)
    for (const { path, asked, inEffect } of opened) {
      const strategy = strategies[kindOf(path)]
      // The description of a block comes last, as the index: by the way that was in effect there.
      const expected = path.endsWith('meta.json') ? strategyInEffect(strategy) : strategy
      expect({ path, asked, inEffect }).toEqual({ path, asked: expected, inEffect: strategyInEffect(strategy) })
    }
    const kinds = new Set(opened.map(({ path }) => kindOf(path)))
    expect(kinds).toEqual(new Set(['chunks', 'index', 'wal']))
    // The log, its segments, and a checkpoint.
    expect(opened.some(({ path }) => /\/wal\/checkpoint\.\d+\.tmp\/0+$/.test(path))).toBe(true)
    await expectResident(folder, ulid, strategies)
    await expectIn(folder, [...all, regular({ b: '1' }, 7 * RANGE_MS, 1)])
  })
})

/** What is written directly leaves nothing in the page cache, and what is buffered does. */
async function expectResident(folder: string, ulid: string, strategies: Chosen): Promise<void> {
  const { index, 'chunks/000001': chunks } = await residentBytesOf(folder, ulid)
  const wal = join(folder, WAL_FOLDER)
  const last = (await listSegments(wal)).at(-1)!
  const segment = await pageCacheOf(segmentPath(wal, last))
  for (const [strategy, bytes] of [
    [strategies.chunks, chunks!],
    [strategies.index, index!],
    [strategies.wal, segment.residentBytes],
  ] as [Strategy, number][]) {
    if (strategyInEffect(strategy) === 'direct') expect(bytes).toBe(0)
    if (strategyInEffect(strategy) === 'buffered') expect(bytes).toBeGreaterThan(0)
  }
}

const batch = (i: number) => [regular({ a: '1' }, i, 1)]

describe.each(everyStrategy)('a WAL under %s', (strategy) => {
  const open = (walSync: SyncPolicy) => openDatabase(freshFolder(), { strategies: alike(strategy), walSync })

  it('is durable behind each commit with every-batch', async () => {
    await using database = await open('every-batch')
    for (let i = 0; i < 5; i++) {
      await commitAll(database, batch(i))
      expect(database.wal.committed).toEqual(database.wal.position)
      expect(database.wal.synced).toEqual(database.wal.committed)
    }
    await database.close()
  })

  it('is not synced by commits with never, but by the end', async () => {
    await using database = await open('never')
    for (let i = 0; i < 5; i++) await commitAll(database, batch(i))
    expect(database.wal.synced).toEqual({ segment: 0, offset: 0 })
    await database.close()
    expect(database.wal.synced).toEqual(database.wal.position)
  })

  it('is durable by and by when it is to be synced every so many milliseconds', async () => {
    await using database = await open({ everyMs: 3 })
    for (let i = 0; i < 3; i++) {
      await commitAll(database, batch(i))
      const { committed } = database.wal
      expect(committed.offset).toBeGreaterThan(0)
      while (database.wal.synced.offset < committed.offset) await sleep(1)
    }
    await database.close()
  })
})

it.each(['never', { everyMs: 5 }, 'every-batch'] as const)(
  'a WAL that is synced %j is written in the way that is best for that, its checkpoints too',
  async (walSync) => {
    const strategies = { ...alike('direct'), wal: 'auto' } as const
    await using database = await openDatabase(freshFolder(), { strategies, walSync })
    await commitAll(database, all)
    await database.cut()
    const paths = opened.filter(({ path }) => kindOf(path) === 'wal')
    expect(paths.length).toBeGreaterThan(1)
    const [best] = walStrategies('auto', walSync)
    for (const { asked, inEffect } of paths) expect([asked, inEffect]).toEqual([best, strategyInEffect(best!)])
  },
)

it('a sync every so many milliseconds that are no number of them is refused, and nothing is left open', async () => {
  for (const everyMs of [0, -1, 0.5, Number.NaN]) {
    await expect(openDatabase(freshFolder(), { walSync: { everyMs } })).rejects.toThrow(RangeError)
  }
})
