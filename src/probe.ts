import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { Alignment } from './alignment.ts'
import { binding } from './binding.ts'
import { type Engine, type EngineFinding, engineFor, tryRing } from './engine.ts'
import { codeOf } from './errors.ts'
import { openWriter } from './open-writer.ts'
import { pageCacheOf } from './page-cache.ts'
import { type Strategy, strategies } from './strategy.ts'
import type { Writer } from './writer.ts'

/** What came of trying a strategy. */
export type StrategyFinding =
  /** It works. `residualBytes` of a small file stayed in the page cache; an uncached strategy should leave 0. */
  | { readonly works: true; readonly residualBytes: number }
  | { readonly works: false; readonly code: string; readonly reason: string }

/** What a folder can do, tried out. */
export interface ProbeReport {
  readonly folder: string
  /** What direct I/O asks for here; null where it is not possible. */
  readonly alignment: Alignment | null
  /** What a writer takes under `engine: 'auto'`. */
  readonly engine: Engine
  /** Which engines can be used by this process, and why not. */
  readonly engines: Readonly<Record<Engine, EngineFinding>>
  readonly strategies: Readonly<Record<Strategy, StrategyFinding>>
  /** The first of direct, dontcache, evict that works and leaves nothing behind; else `buffered`. */
  readonly recommended: Strategy
}

/** Whole buffers and an odd tail: what residency depends on, and done in a moment on any disk. */
const scratchBytes = 2 * 1024 * 1024 + 100

/**
 * Tries every strategy in a folder with a scratch file, which is removed again.
 *
 * @throws the kernel's error when no file can be made there: ENOENT, ENOTDIR, EACCES, EROFS, ENOSPC
 * @throws {UncachedIOError} ERR_UNSUPPORTED_PLATFORM, ERR_NO_BINARY
 */
export async function probe(folder: string): Promise<ProbeReport> {
  const findings = {} as Record<Strategy, StrategyFinding>
  let alignment: Alignment | null = null
  for (const strategy of strategies) {
    findings[strategy] = await tryOut(folder, strategy, (writer) => {
      alignment ??= writer.alignment
    })
  }
  const leavesNothing = (strategy: Strategy): boolean => {
    const finding = findings[strategy]
    return finding.works && finding.residualBytes === 0
  }
  return {
    folder,
    alignment,
    engine: engineFor('auto', binding()),
    engines: { io_uring: tryRing(binding()), threads: { works: true } },
    strategies: findings,
    recommended: strategies.find((strategy) => strategy !== 'buffered' && leavesNothing(strategy)) ?? 'buffered',
  }
}

async function tryOut(folder: string, strategy: Strategy, look: (writer: Writer) => void): Promise<StrategyFinding> {
  const path = resolve(folder, `.uncached-io-probe-${randomUUID()}`)
  try {
    const writer = await openWriter(path, { strategy, flags: 'wx', mode: 0o600 })
    try {
      if (writer.mode.inEffect !== strategy) {
        return { works: false, code: 'ERR_STRATEGY_UNSUPPORTED', reason: writer.mode.why ?? '' }
      }
      look(writer)
      await writer.write(new Uint8Array(scratchBytes))
      await writer.end()
      return { works: true, residualBytes: (await pageCacheOf(path)).residentBytes }
    } finally {
      writer.fail()
      await binding().unlink(path)
    }
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ERR_DIRECT_UNSUPPORTED' || code === 'ERR_STRATEGY_UNSUPPORTED') {
      return { works: false, code, reason: (error as Error).message }
    }
    throw error
  }
}
