/** The command line: what is asked for, checked. */
import { parseArgs } from 'node:util'
import { readCount, readSize, UsageError } from '../arguments.ts'
import { messageOf } from '../errors.ts'
import { wrap } from '../report/table.ts'
import { SEGMENT_BYTES_MAX } from './chunks/segment.ts'
import { SERIES_COUNT_MAX } from './samples/generator-options.ts'
import { defaultSettings, type Settings, type Strategies, type Strategy, strategies } from './settings.ts'

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

const HOUR_MS = 3_600_000
/** A small server for a day. */
const DEFAULT_SERIES = 10_000
const DEFAULT_HOURS = 24
const DEFAULT_INTERVAL_SECONDS = 15
/** The first of January 2024, the beginning of a block. */
const DEFAULT_START_SECONDS = 1_704_067_200
/** Against slips of the finger. */
const HOURS_MAX = 100_000_000
const SECONDS_MAX = 4_000_000_000
/** Of a line, behind the program's name. */
const WIDTH_MAX = 94

const optionTypes = {
  strategy: { type: 'string' },
  chunks: { type: 'string' },
  index: { type: 'string' },
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
    const expected = `${names.join(' ')}${more ? ' [ULID...]' : ''}`
    const found = `${given.length} argument${given.length === 1 ? '' : 's'}`
    throw new UsageError(`${command} takes ${expected}, not ${found}`)
  }
  return {
    command,
    file: command === 'import' ? given[0]! : '',
    dir: given[names.length - 1]!,
    ulids: given.slice(names.length),
    settings: {
      ...defaultSettings,
      strategies: readStrategies(values),
      ...(values['segment-size'] === undefined ? {} : { chunkSegmentBytes: readSegmentSize(values['segment-size']) }),
    },
    generator: {
      seed: readCount('--seed', values.seed, Number.MAX_SAFE_INTEGER),
      seriesCount: readCount('--series', values.series, SERIES_COUNT_MAX),
      hours: readCount('--hours', values.hours, HOURS_MAX),
      startMs: readCount('--start', values.start, SECONDS_MAX) * 1000,
      intervalMs: readCount('--interval', values.interval, HOUR_MS / 1000) * 1000,
    },
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: optionTypes, strict: true, allowPositionals: true })
  } catch (error) {
    // Node's first sentence names the culprit; the ones after it are about positional arguments.
    const [reason] = messageOf(error).split('. ')
    const known = Object.keys(optionTypes).map((option) => `--${option}`)
    const lines = wrap(`Known options: ${known.join(', ')}`, WIDTH_MAX)
    throw new UsageError([reason, ...lines].join('\n'), { cause: error })
  }
}

function readSegmentSize(text: string): number {
  const bytes = readSize('--segment-size', text)
  if (bytes <= SEGMENT_BYTES_MAX) return bytes
  throw new UsageError(`--segment-size ${text}: more than 4 GiB, beyond which no chunk of a segment can be named`)
}

/** No command writes a WAL: its strategy stays as it is. */
function readStrategies(values: {
  readonly strategy?: string | undefined
  readonly chunks?: string | undefined
  readonly index?: string | undefined
}): Strategies {
  const of = (path: 'chunks' | 'index'): Strategy => {
    const text = values[path] ?? values.strategy
    if (text === undefined) return defaultSettings.strategies[path]
    const found = strategies.find((known) => known === text)
    if (found !== undefined) return found
    const option = values[path] === undefined ? 'strategy' : path
    throw new UsageError(`--${option} ${text}: not a strategy. Known strategies: ${strategies.join(', ')}`)
  }
  return { ...defaultSettings.strategies, chunks: of('chunks'), index: of('index') }
}
