/** The file meta.json of a block, version 1, as Prometheus reads and writes it (tsdb/docs/format/README.md, tsdb/block.go). */
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { messageOf } from '../../errors.ts'
import { TsdbError } from '../errors.ts'

export const META_VERSION = 1

export interface BlockDescription {
  readonly ulid: string
  /** Milliseconds since 1970: all samples are from `minTime` on and before `maxTime`. */
  readonly minTime: number
  readonly maxTime: number
}

export interface BlockStats {
  readonly numSamples: number
  readonly numSeries: number
  readonly numChunks: number
}

export interface BlockMeta extends BlockDescription {
  readonly stats: BlockStats
  readonly compaction: {
    /** 1 for a block made from samples, one more than its highest parent for a compacted one. */
    readonly level: number
    /** The blocks of level 1 that are in it. */
    readonly sources: readonly string[]
    /** The blocks it was made from. Where one of them is still there, it is to be deleted. */
    readonly parents?: readonly BlockDescription[]
  }
  readonly version: typeof META_VERSION
}

/** 26 characters of Crockford's base 32. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

export function isUlid(name: string): boolean {
  return ULID.test(name)
}

export function metaPath(blockFolder: string): string {
  return join(blockFolder, 'meta.json')
}

/** The oldest samples first; no two blocks are alike. */
export function compareBlocks(a: BlockDescription, b: BlockDescription): number {
  return a.minTime - b.minTime || a.maxTime - b.maxTime || (a.ulid < b.ulid ? -1 : 1)
}

/** The file's text. */
export function formatMeta(meta: BlockMeta): string {
  return `${JSON.stringify(meta, null, '\t')}\n`
}

/**
 * @param blockFolder is named as the block
 * @throws {TsdbError} ERR_TSDB_MALFORMED, also for the meta.json of another block; ERR_TSDB_BAD_VERSION; the kernel's error
 */
export async function readMeta(blockFolder: string): Promise<BlockMeta> {
  const file = metaPath(blockFolder)
  const text = await readFile(file, 'utf8')
  let meta: Partial<BlockMeta> | null
  try {
    meta = JSON.parse(text) as Partial<BlockMeta> | null
  } catch (error) {
    throw new TsdbError('ERR_TSDB_MALFORMED', messageOf(error), { file }, error)
  }
  if (typeof meta !== 'object' || meta === null) throw new TsdbError('ERR_TSDB_MALFORMED', 'not an object', { file })
  if (meta.version !== META_VERSION) {
    throw new TsdbError('ERR_TSDB_BAD_VERSION', `meta version ${String(meta.version)}, not ${META_VERSION}`, { file })
  }
  const wrong = whatIsWrong(meta)
  if (wrong !== null) throw new TsdbError('ERR_TSDB_MALFORMED', wrong, { file })
  if (meta.ulid !== basename(blockFolder)) {
    throw new TsdbError('ERR_TSDB_MALFORMED', `it is the meta.json of ${meta.ulid}`, { file })
  }
  return meta as BlockMeta
}

function whatIsWrong({ ulid, minTime, maxTime, stats, compaction }: Partial<BlockMeta>): string | null {
  if (!isBlockName(ulid)) return `no ULID: ${String(ulid)}`
  if (!Number.isSafeInteger(minTime) || !Number.isSafeInteger(maxTime)) return 'minTime or maxTime is no whole number'
  if (minTime! > maxTime!) return `minTime ${minTime} is behind maxTime ${maxTime}`
  if (typeof stats !== 'object' || stats === null) return 'it has no stats'
  if (typeof compaction !== 'object' || compaction === null) return 'it says nothing of compaction'
  if (!Number.isSafeInteger(compaction.level)) return 'the compaction level is no whole number'
  const { sources, parents = [] } = compaction as { sources: unknown; parents?: unknown }
  if (!Array.isArray(sources) || !sources.every(isBlockName)) return 'its sources are no list of ULIDs'
  if (!Array.isArray(parents)) return 'its parents are no list'
  const names = parents.map((parent: Partial<BlockDescription> | null) => parent?.ulid)
  return names.every(isBlockName) ? null : 'a parent has no ULID'
}

function isBlockName(name: unknown): boolean {
  return typeof name === 'string' && isUlid(name)
}
