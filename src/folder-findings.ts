import type { Alignment } from './alignment.ts'
import { binding } from './binding.ts'
import type { Engine } from './engine.ts'
import { type FileSystem, fileSystemKey } from './file-system.ts'
import { directIsForced } from './force.ts'
import { type FeatureFinding, type Features, tryFeatures } from './probe-features.ts'
import { type StrategyFinding, tryStrategy } from './probe-strategy.ts'
import { type Strategy, strategies } from './strategy.ts'

/** What came of trying a folder, and holds for its whole file system. */
export interface FolderFindings {
  readonly fileSystem: FileSystem
  /** What direct I/O asks for here; null where it is not possible. */
  readonly alignment: Alignment | null
  readonly features: Features
  readonly strategies: Readonly<Record<Strategy, StrategyFinding>>
  /** The first of direct, dontcache, evict that leaves nothing behind; else `buffered`. */
  readonly recommended: Strategy
}

export function isUncached(finding: StrategyFinding): boolean {
  return finding.works && finding.uncached
}

/** Why a strategy or feature is not to be had, or not uncached; empty when it is. */
export function reasonOf(finding: StrategyFinding | FeatureFinding): string {
  return 'reason' in finding ? finding.reason : ''
}

/** By device and file system. What is being tried already is waited for. */
const known = new Map<string, Promise<FolderFindings>>()

/** Container hosts have hundreds of mounts, not thousands; beyond, the oldest is tried again when it is asked for. */
const knownMax = 256

/**
 * What a folder can do: tried when its file system is met for the first time, or `fresh`. What fails is tried again the
 * next time.
 *
 * @throws the kernel's error when no file can be made or written there: ENOENT, EACCES, EROFS, ENOSPC, ...
 */
export async function findingsFor(
  folder: string | Buffer,
  engine: 'auto' | Engine,
  fresh = false,
): Promise<FolderFindings> {
  const native = binding()
  const { key, ...fileSystem } = await fileSystemKey(native, folder)
  const cacheKey = directIsForced() ? `${key} forced` : key
  const before = known.get(cacheKey)
  if (before !== undefined && !fresh) return await before
  const trial = tryFolder(folder, fileSystem, engine)
  known.set(cacheKey, trial)
  for (const oldest of known.keys()) {
    if (known.size <= knownMax) break
    known.delete(oldest)
  }
  try {
    return await trial
  } catch (error) {
    if (known.get(cacheKey) === trial) known.delete(cacheKey)
    throw error
  }
}

async function tryFolder(
  folder: string | Buffer,
  fileSystem: FileSystem,
  engine: 'auto' | Engine,
): Promise<FolderFindings> {
  const findings = {} as Record<Strategy, StrategyFinding>
  let alignment: Alignment | null = null
  for (const strategy of strategies) {
    findings[strategy] = await tryStrategy(folder, strategy, engine, (writer) => {
      alignment ??= writer.alignment
    })
  }
  return {
    fileSystem,
    alignment,
    features: await tryFeatures(folder, engine, alignment),
    strategies: findings,
    recommended: strategies.find((strategy) => isUncached(findings[strategy])) ?? 'buffered',
  }
}
