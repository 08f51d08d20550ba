import { describe, expect, it } from 'vitest'
import { UsageError } from '../../bench/arguments.ts'
import { tsdbHelpText } from '../../bench/tsdb/help.ts'
import { readTsdbOptions, type TsdbOptions } from '../../bench/tsdb/options.ts'
import { defaultSettings } from '../../bench/tsdb/settings.ts'

function read(...args: string[]): TsdbOptions {
  const options = readTsdbOptions(args)
  if (options === 'help') throw new Error('help was not asked for')
  return options
}

function usageOf(...args: string[]): string {
  try {
    readTsdbOptions(args)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  throw new Error('nothing is wrong with them')
}

describe('a command', () => {
  it('has its operands', () => {
    expect(read('import', 'a.om', 'data')).toMatchObject({ command: 'import', file: 'a.om', dir: 'data', ulids: [] })
    for (const command of ['generate', 'list', 'replay'] as const) {
      expect(read(command, 'data')).toMatchObject({ command, file: '', dir: 'data', ulids: [] })
    }
    for (const command of ['compact', 'verify'] as const) {
      expect(read(command, 'data')).toMatchObject({ command, file: '', dir: 'data', ulids: [] })
      expect(read(command, 'data', 'A', 'B')).toMatchObject({ command, dir: 'data', ulids: ['A', 'B'] })
    }
  })

  it.each([
    [[], 'no command. Known commands: import, generate, compact, list, verify, replay'],
    [['copy'], "unknown command 'copy'. Known commands: import, generate, compact, list, verify, replay"],
    [['import'], 'import takes FILE DIR, not 0 arguments'],
    [['import', 'a'], 'import takes FILE DIR, not 1 argument'],
    [['import', 'a', 'b', 'c'], 'import takes FILE DIR, not 3 arguments'],
    [['generate'], 'generate takes DIR, not 0 arguments'],
    [['generate', 'a', 'b'], 'generate takes DIR, not 2 arguments'],
    [['compact'], 'compact takes DIR [ULID...], not 0 arguments'],
    [['list', 'a', 'b'], 'list takes DIR, not 2 arguments'],
    [['verify'], 'verify takes DIR [ULID...], not 0 arguments'],
    [['replay'], 'replay takes DIR, not 0 arguments'],
  ])('is refused: %j', (args, message) => {
    expect(usageOf(...args)).toBe(message)
  })
})

describe('settings', () => {
  it('are the defaults when nothing is said', () => {
    expect(read('list', 'data').settings).toEqual(defaultSettings)
  })

  it.each(['direct', 'dontcache', 'evict', 'buffered'] as const)('have one strategy for all files: %s', (strategy) => {
    const { strategies } = read('list', 'data', '--strategy', strategy).settings
    // No command writes a WAL.
    expect(strategies).toEqual({ chunks: strategy, index: strategy, wal: 'auto' })
  })

  it('have a strategy for each kind of file, which goes before the one for all', () => {
    const evict = read('list', 'data', '--index', 'evict').settings.strategies
    expect(evict).toEqual({ chunks: 'direct', index: 'evict', wal: 'auto' })
    const all = read('--strategy', 'buffered', '--chunks', 'direct', 'list', 'data').settings.strategies
    expect(all).toEqual({ chunks: 'direct', index: 'buffered', wal: 'auto' })
  })

  it.each(['strategy', 'chunks', 'index'])('are refused for an unknown strategy, naming --%s', (option) => {
    const known = 'Known strategies: direct, dontcache, evict, buffered'
    expect(usageOf('list', 'data', `--${option}`, 'floppy')).toBe(`--${option} floppy: not a strategy. ${known}`)
    expect(usageOf('list', 'data', `--${option}`, '')).toBe(`--${option} : not a strategy. ${known}`)
  })

  it('have the size of a segment', () => {
    expect(read('list', 'data', '--segment-size', '1MiB').settings).toEqual({
      ...defaultSettings,
      chunkSegmentBytes: 2 ** 20,
    })
  })

  it.each([
    ['much', 'not a size. Write a number above 0, plain or with B, KiB, MiB, GiB, TiB, KB, MB, GB, TB'],
    ['0', 'not a size. Write a number above 0, plain or with B, KiB, MiB, GiB, TiB, KB, MB, GB, TB'],
    ['5GiB', 'more than 4 GiB, beyond which no chunk of a segment can be named'],
  ])('are refused for a segment of %s', (size, message) => {
    expect(usageOf('list', 'data', '--segment-size', size)).toBe(`--segment-size ${size}: ${message}`)
  })

  it('take the largest segment in which every chunk can be named', () => {
    expect(read('list', 'data', '--segment-size', '4GiB').settings.chunkSegmentBytes).toBe(2 ** 32)
  })
})

describe('what is generated', () => {
  it('is a small server for a day when nothing is said', () => {
    expect(read('generate', 'data').generator).toEqual({
      seed: 1,
      seriesCount: 10_000,
      hours: 24,
      startMs: Date.UTC(2024, 0, 1),
      intervalMs: 15_000,
    })
  })

  it('is as it is told', () => {
    const args = ['--seed', '7', '--series', '20', '--hours', '3', '--start', '1700000000', '--interval', '60']
    expect(read('generate', 'data', ...args).generator).toEqual({
      seed: 7,
      seriesCount: 20,
      hours: 3,
      startMs: 1_700_000_000_000,
      intervalMs: 60_000,
    })
  })

  it.each([
    ['seed', 'x', 'not a whole number from 1 to 9007199254740991'],
    ['seed', '9007199254740992', 'not a whole number from 1 to 9007199254740991'],
    ['series', '0', 'not a whole number from 1 to 4000000'],
    ['series', '4000001', 'not a whole number from 1 to 4000000'],
    ['hours', '-1', 'not a whole number from 1 to 100000000'],
    ['hours', '1.5', 'not a whole number from 1 to 100000000'],
    ['start', '', 'not a whole number from 1 to 4000000000'],
    ['interval', '3601', 'not a whole number from 1 to 3600'],
  ])('is refused for --%s %s', (option, text, message) => {
    expect(usageOf('generate', 'data', `--${option}=${text}`)).toBe(`--${option} ${text}: ${message}`)
  })
})

describe('an option that is not known', () => {
  it('is told with those that are, in lines of 100 columns', () => {
    const message = usageOf('list', 'data', '--strategies', 'direct')
    expect(message).toContain("Unknown option '--strategies'")
    const known = message.slice(message.indexOf('Known options: ')).replaceAll('\n', ' ')
    const all = 'strategy chunks index segment-size seed series hours start interval help'.split(' ')
    expect(known).toBe(`Known options: ${all.map((name) => `--${name}`).join(', ')}`)
    // Behind the program's name.
    for (const line of `tsdb: ${message}`.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
  })

  it.each([['--strategy'], ['--help=yes'], ['--segment-size', '--help']])('nor is a missing value: %j', (...args) => {
    expect(usageOf('list', 'data', ...args)).toContain(args[0]?.split('=')[0])
  })
})

describe('the help', () => {
  it('is given whatever else is said', () => {
    expect(readTsdbOptions(['--help'])).toBe('help')
    expect(readTsdbOptions(['copy', 'a', 'b', '--help', '--strategy', 'floppy'])).toBe('help')
  })

  it('names every command and option, in lines of 100 columns', () => {
    for (const command of ['import FILE DIR', 'generate DIR', 'compact DIR [ULID...]', 'list DIR']) {
      expect(tsdbHelpText).toContain(`\n  ${command} `)
    }
    for (const command of ['verify DIR [ULID...]', 'replay DIR']) expect(tsdbHelpText).toContain(`\n  ${command} `)
    for (const option of 'strategy chunks index segment-size seed series hours start interval help'.split(' ')) {
      expect(tsdbHelpText).toContain(`--${option} `)
    }
    for (const line of tsdbHelpText.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
  })
})
