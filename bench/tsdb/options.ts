/** The command line: what is asked for, checked. */
import { parseArgs } from 'node:util'
import { readCount, readSize, UsageError } from '../arguments.ts'
import { messageOf } from '../errors.ts'
import { defaultSettings, type Settings, type Strategies, type Strategy } from './settings.ts'

const commands = ['import', 'generate', 'compact', 'list', 'verify', 'replay'] as const
export type Command = (typeof commands)[number]

/** What stands behind a command. */
const operands: Readonly<Record<Command, { readonly names: readonly string[]; readonly more: boolean }>> = {
  import: { names: ['FILE', 'DIR'], more: false },
  generate: { names: ['DIR'], more: false },
  compact: { names: ['DIR'], more: true },
  list: { names: ['DIR'], more: false },
  verify: { names: ['DIR'], more: true },
  replay: { names: ['DIR'], more: false },
}

export interface TsdbOptions {
  readonly command: Command
  readonly file: string
  readonly dir: string
  /** Blocks that were named; empty for all. */
  readonly ulids: readonly string[]
  readonly settings: Settings
  readonly generator: {
    readonly seed: number
    readonly seriesCount: number
    readonly hours: number
    readonly startMs: number
    readonly intervalMs: number
  }
}

const strategies: readonly Strategy[] = ['direct', 'dontcache', 'evict', 'buffered']

const HOUR_MS = 3_600_000
/** A small server for a day. */
const DEFAULT_SERIES = 10_000
const DEFAULT_HOURS = 24
const DEFAULT_INTERVAL_SECONDS = 15
/** The first of January 2024, the beginning of a block. */
const DEFAULT_START_SECONDS = 1_704_067_200
/** The generator's own limits are told by itself; these are against slips of the finger. */
const COUNT_MAX = 100_000_000
const SECONDS_MAX = 4_000_000_000

const optionTypes = {
  strategy: { type: 'string' },
  chunks: { type: 'string' },
  index: { type: 'string' },
  wal: { type: 'string' },
  'segment-size': { type: 'string' },
  seed: { type: 'string', default: '1' },
  series: { type: 'string', default: String(DEFAULT_SERIES) },
  hours: { type: 'string', default: String(DEFAULT_HOURS) },
  start: { type: 'string', default: String(DEFAULT_START_SECONDS) },
  interval: { type: 'string', default: String(DEFAULT_INTERVAL_SECONDS) },
  help: { type: 'boolean', default: false },
} as const

/**
 * Reads the arguments after the script's name.
 *
 * @returns `'help'` when that was asked for.
 * @throws {UsageError} for anything unknown or malformed.
 */
export function readTsdbOptions(args: readonly string[]): TsdbOptions | 'help' {
  const { values, positionals } = parse(args)
  if (values.help) return 'help'
  const [name, ...given] = positionals
  const command = commands.find((known) => known === name)
  if (command === undefined) {
    throw new UsageError(
      `${name === undefined ? 'no command' : `unknown command '${name}'`}. Known commands: ${commands.join(', ')}`,
    )
  }
  const { names, more } = operands[command]
  if (given.length < names.length || (given.length > names.length && !more)) {
    throw new UsageError(
      `${command} takes ${names.join(' ')}${more ? ' [ULID...]' : ''}, not ${given.length} arguments`,
    )
  }
  return {
    command,
    file: command === 'import' ? given[0]! : '',
    dir: given[names.length - 1]!,
    ulids: given.slice(names.length),
    settings: {
      ...defaultSettings,
      strategies: readStrategies(values),
      ...(values['segment-size'] === undefined
        ? {}
        : { chunkSegmentBytes: readSize('--segment-size', values['segment-size']) }),
    },
    generator: {
      seed: readCount('--seed', values.seed, Number.MAX_SAFE_INTEGER),
      seriesCount: readCount('--series', values.series, COUNT_MAX),
      hours: readCount('--hours', values.hours, COUNT_MAX),
      startMs: readCount('--start', values.start, SECONDS_MAX) * 1000,
      intervalMs: readCount('--interval', values.interval, HOUR_MS / 1000) * 1000,
    },
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: optionTypes, strict: true, allowPositionals: true })
  } catch (error) {
    const known = Object.keys(optionTypes).map((option) => `--${option}`)
    throw new UsageError(`${messageOf(error)}\nKnown options: ${known.join(', ')}`, { cause: error })
  }
}

function readStrategies(values: { readonly [Name in 'strategy' | keyof Strategies]?: string | undefined }): Strategies {
  const of = (path: keyof Strategies): Strategy => {
    const text = values[path] ?? values.strategy
    if (text === undefined) return defaultSettings.strategies[path]
    const found = strategies.find((known) => known === text)
    if (found !== undefined) return found
    const option = values[path] === undefined ? 'strategy' : path
    throw new UsageError(`--${option} ${text}: not a strategy. Known strategies: ${strategies.join(', ')}`)
  }
  return { chunks: of('chunks'), index: of('index'), wal: of('wal') }
}
