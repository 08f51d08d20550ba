import { codeOf } from './errors.ts'
import { directIsForced } from './force.ts'
import { type Internals, openFile } from './open-file.ts'
import { type PathLike, pathOf, type Settings } from './options.ts'
import type { Strategy } from './strategy.ts'
import { type Opened, Target } from './target.ts'
import { Writer } from './writer.ts'

/** Which strategies may be tried for a file, the best first. */
export interface Choice {
  readonly strategies: readonly Strategy[]
  /** Why the first is not what was asked for, or not `direct` where the choice was left to us. */
  readonly reasons: readonly string[]
}

/**
 * Chooses for a file; rejects when nothing that is possible is acceptable. Not asked under FORCEDIRECTIO=1.
 */
export type Choose = (path: string | Buffer, settings: Settings) => Promise<Choice>

/** Opens a writer of any class under the first strategy that opens; `internals` are for tests. */
export async function openChosen<W extends Writer>(
  Class: new (...parameters: ConstructorParameters<typeof Writer>) => W,
  path: PathLike,
  settings: Settings,
  choose: Choose,
  internals: Internals = {},
): Promise<W> {
  settings.signal?.throwIfAborted()
  const open = (file: PathLike, next: Settings) => openTarget(pathOf(file), next, choose, internals)
  const opened = await open(path, settings)
  try {
    // Before anything is changed in the file, and once more before it is handed out.
    settings.signal?.throwIfAborted()
    const head = await opened.target.begin()
    settings.signal?.throwIfAborted()
    return new Class(settings, open, opened, head)
  } catch (error) {
    await opened.target.discard()
    throw error
  }
}

/** One strategy and nothing else. */
export async function openOnly(path: PathLike, settings: Settings): Promise<Writer> {
  const strategies = [settings.strategy as Strategy]
  return await openChosen(Writer, path, settings, async () => ({ strategies, reasons: [] }))
}

async function openTarget(
  path: string | Buffer,
  settings: Settings,
  choose: Choose,
  internals: Internals,
): Promise<Opened> {
  const forced = directIsForced()
  const why = forced && settings.strategy !== 'direct' ? ['FORCEDIRECTIO is set'] : []
  const { strategies, reasons }: Choice = forced
    ? { strategies: ['direct'], reasons: why }
    : await choose(path, settings)
  const told = [...reasons]
  for (const [index, strategy] of strategies.entries()) {
    try {
      const target = new Target(await openFile(path, settings, strategy, internals), settings)
      return { target, why: told.length === 0 ? null : told.join('; ') }
    } catch (error) {
      if (index === strategies.length - 1 || !isUnsupported(error)) throw error
      told.push((error as Error).message)
    }
  }
  throw new RangeError('no strategy was given to choose from')
}

/** Whether a strategy is not possible for a file, as opposed to a file that can't be opened. */
export function isUnsupported(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ERR_DIRECT_UNSUPPORTED' || code === 'ERR_STRATEGY_UNSUPPORTED'
}
