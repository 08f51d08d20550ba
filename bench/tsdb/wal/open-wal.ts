import { codeOf } from '../../errors.ts'
import type { Strategy, SyncPolicy, WalStrategy } from '../settings.ts'
import { type WalOptions, WalWriter } from './wal-writer.ts'

/** Codes that say "not on this kernel or file system". */
const unsupportedCodes: ReadonlySet<string> = new Set(['ERR_DIRECT_UNSUPPORTED', 'ERR_STRATEGY_UNSUPPORTED'])

/**
 * What `auto` tries, the best one first (README.md has the numbers). Where each batch is synced, direct writing is the
 * quickest and writes the least: a preallocated file has no new length that the file system would have to log.
 * Where it is not, a direct commit waits for the device, and one with RWF_DONTCACHE sends the last page there again with
 * each batch: plain writes take a third of the time and a fraction of the device's writes. They leave the log in the page
 * cache.
 */
export function walStrategies(asked: WalStrategy, sync: SyncPolicy): readonly Strategy[] {
  if (asked !== 'auto') return [asked]
  return sync === 'every-batch' ? ['direct', 'buffered'] : ['buffered']
}

/**
 * Opens a WAL under the strategy asked for, or with `auto` under the best one that is possible; `mode` tells which.
 *
 * @throws as `WalWriter.open`
 */
export async function openWal(
  folder: string,
  asked: WalStrategy,
  options: Omit<WalOptions, 'strategy'> & { readonly sync: SyncPolicy },
): Promise<WalWriter> {
  const candidates = walStrategies(asked, options.sync)
  for (const [index, strategy] of candidates.entries()) {
    try {
      return await WalWriter.open(folder, { ...options, strategy })
    } catch (error) {
      if (index === candidates.length - 1 || !unsupportedCodes.has(codeOf(error))) throw error
    }
  }
  throw new Error('there is no strategy')
}
