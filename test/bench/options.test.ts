import { describe, expect, it } from 'vitest'
import { UsageError } from '../../bench/arguments.ts'
import { type Options, readOptions } from '../../bench/options.ts'
import { MIB } from '../../bench/units.ts'

const known = { subjects: ['direct', 'buffered', 'sonic-boom'], workloads: ['large', 'small-records'] }

function read(...args: string[]): Options {
  const options = readOptions(args, known)
  if (options === 'help') throw new Error('expected options, not the help')
  return options
}

function mistake(...args: string[]): string {
  try {
    readOptions(args, known)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  throw new Error('expected a mistake to be reported')
}

describe('readOptions', () => {
  it('runs everything for less than six minutes when nothing is asked for', () => {
    const options = read()
    expect(options).toMatchObject({
      dir: null,
      bytes: null,
      rounds: 5,
      quick: false,
      ceiling: false,
      jsonFile: null,
      ...known,
    })
    expect(options.timeBudgetSeconds).toBeLessThan(360)
  })

  it('takes less than 60 seconds with --quick', () => {
    expect(read('--quick').timeBudgetSeconds).toBeLessThan(60)
  })

  it('keeps a number of rounds that was asked for, whatever it takes', () => {
    expect(read('--quick', '--rounds', '7')).toMatchObject({ rounds: 7, timeBudgetSeconds: null })
  })

  it('reads all options', () => {
    const args = [
      '--ceiling',
      '--dir',
      '/data',
      '--bytes=256MiB',
      '--rounds=2',
      '--subjects',
      'direct',
      '--json',
      'out.json',
    ]
    expect(read(...args, '--workloads', 'large')).toEqual({
      dir: '/data',
      bytes: 256 * MIB,
      rounds: 2,
      timeBudgetSeconds: null,
      quick: false,
      subjects: ['direct'],
      workloads: ['large'],
      ceiling: true,
      jsonFile: 'out.json',
    })
  })

  it('takes names in any order, with commas or one by one, and keeps the order of the tables', () => {
    expect(read('--subjects', 'sonic-boom, direct').subjects).toEqual(['direct', 'sonic-boom'])
    expect(read('--subjects', 'sonic-boom', '--subjects', 'buffered').subjects).toEqual(['buffered', 'sonic-boom'])
    expect(read('--subjects', 'direct,direct').subjects).toEqual(['direct'])
  })

  it('answers --help before anything else is looked at', () => {
    expect(readOptions(['--help', '--rounds', 'many'], known)).toBe('help')
  })

  it('lists what is known when a name is not', () => {
    expect(mistake('--subjects', 'direkt')).toBe(
      "unknown subject 'direkt'. Known subjects: direct, buffered, sonic-boom",
    )
    expect(mistake('--workloads', 'huge')).toBe("unknown workload 'huge'. Known workloads: large, small-records")
    expect(mistake('--workloads', ',')).toContain('Known workloads: large, small-records')
  })

  it('lists the options when one is not known', () => {
    const message = mistake('--round', '3')
    expect(message).toContain("Unknown option '--round'")
    expect(message).toContain('--rounds')
    expect(message).toContain('--workloads')
  })

  it('refuses words that belong to no option', () => {
    expect(mistake('quick')).toContain("Unexpected argument 'quick'")
  })

  it.each(['0', '-1', '1.5', 'x', '', '1001', '1e2'])('refuses %j rounds', (text) => {
    expect(mistake(`--rounds=${text}`)).toContain('not a whole number from 1 to 1000')
  })

  it.each(['0', '1 parsec', '', '-5MiB'])('refuses %j bytes', (text) => {
    expect(mistake(`--bytes=${text}`)).toContain('not a size')
  })

  it('refuses empty paths', () => {
    expect(mistake('--dir=')).toBe('--dir needs a path')
    expect(mistake('--json=')).toBe('--json needs a path')
  })
})
