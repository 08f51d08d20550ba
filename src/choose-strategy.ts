import { binding } from './binding.ts'
import { codeOf, UncachedIOError } from './errors.ts'
import { type FolderFindings, findingsFor, isUncached, reasonOf } from './folder-findings.ts'
import type { Choice } from './opening.ts'
import type { Settings } from './options.ts'
import { folderNameOf } from './scratch.ts'
import type { Strategy } from './strategy.ts'

/** What is tried when a strategy is not possible, the one that leaves less behind first. */
const nextBest: Readonly<Record<Strategy, readonly Strategy[]>> = {
  direct: ['direct', 'dontcache', 'evict'],
  dontcache: ['dontcache', 'evict'],
  evict: ['evict'],
  buffered: ['buffered'],
}

/**
 * The strategies for a file. `auto` goes by what was found out by trying in its folder: what leaves nothing behind there,
 * the recommended one first; `buffered` comes last, and not under `policy: 'require'`.
 *
 * @throws {UncachedIOError} ERR_STRATEGY_UNSUPPORTED when an uncached strategy is required and none was found to work
 */
export async function chooseStrategy(path: string | Buffer, settings: Settings): Promise<Choice> {
  const { strategy, policy } = settings
  if (strategy !== 'auto') {
    return { strategies: policy === 'require' ? [strategy] : nextBest[strategy], reasons: [] }
  }
  const last: readonly Strategy[] = policy === 'require' ? [] : ['buffered']
  const findings = await findingsOf(path, settings)
  // Where nothing can be tried (no space, no permission to make a file), what opens has to do, and is told to be unproven.
  if (findings instanceof Error) {
    return { strategies: nextBest.direct.concat(last), reasons: [`not tried out here: ${findings.message}`] }
  }
  const uncached = nextBest.direct.filter((name) => isUncached(findings.strategies[name]))
  const strategies = uncached.concat(last)
  const better = nextBest.direct.slice(0, uncached[0] === undefined ? undefined : nextBest.direct.indexOf(uncached[0]))
  const reasons = better.map((name) => `${name}: ${reasonOf(findings.strategies[name])}`)
  if (strategies.length === 0) {
    const message = `no strategy leaves '${String(path)}' out of the page cache here: ${reasons.join('; ')}`
    throw new UncachedIOError('ERR_STRATEGY_UNSUPPORTED', message, { path: String(path) })
  }
  return { strategies, reasons }
}

/** What was found in the folder in which the file really stands, or why nothing can be tried there. */
async function findingsOf(path: string | Buffer, settings: Settings): Promise<FolderFindings | Error> {
  try {
    return await findingsFor(await folderOf(path), settings.engine)
  } catch (error) {
    if (codeOf(error) === undefined || !(error instanceof Error)) throw error
    return error
  }
}

async function folderOf(path: string | Buffer): Promise<string | Buffer> {
  try {
    return await binding().realFolder(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    // It is to be made.
    return folderNameOf(path)
  }
}
