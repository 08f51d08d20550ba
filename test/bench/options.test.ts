import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../bench/arguments.ts'
import { type Options, readOptions } from '../../bench/options.ts'
import { readProfile, shippedProfiles } from '../../bench/profile.ts'
import { subjects } from '../../bench/subjects/index.ts'
import { MIB } from '../../bench/units.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'

const known = {
  subjects: ['direct', 'dontcache', 'evict', 'buffered', 'fs-write-stream', 'fs-filehandle', 'sonic-boom'],
  workloads: ['large', 'small-records', 'wal', 'tsdb-compaction', 'many-files', 'mixed'],
}

function read(...args: string[]): Options {
  const options = readOptions(args, known)
  if (options === 'help') throw new Error('expected options, not the help')
  return options
}

/** A profile file with this content. */
function profileFile(content: unknown): string {
  const path = freshPath(temporaryFolder(), 'profile.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
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
  it('takes the default profile when nothing is asked for: less than eight minutes', () => {
    const options = read()
    expect(options).toMatchObject({ mode: 'bench', profile: 'default', dir: null, ceiling: false, jsonFile: null })
    expect(options.timeBudgetSeconds).toBeLessThan(480)
    expect(options.rounds, 'enough for verdicts').toBeGreaterThanOrEqual(5)
    expect(options.workloads.map(({ name }) => name)).toEqual(known.workloads)
  })

  it('takes less than 60 seconds with --quick', () => {
    expect(read('--quick').timeBudgetSeconds).toBeLessThan(60)
    expect(read('--quick')).toEqual(read('--profile', 'quick'))
  })

  it('keeps a number of rounds that was asked for, whatever it takes', () => {
    expect(read('--quick', '--rounds', '7')).toMatchObject({ rounds: 7, timeBudgetSeconds: null })
  })

  it('reads all options', () => {
    const words = ['--ceiling', '--dir', '/data', '--bytes=256MiB', '--rounds=2', '--subjects', 'direct', '--sweep']
    const outputs = ['--json', 'out.json', '--html', 'out.html', '--textfile', 'out.prom', '--metrics-port', '9099']
    const places = ['--workloads', 'large', '--situations', 'neighbour,alone']
    expect(read(...words, ...outputs, ...places)).toEqual({
      mode: 'sweep',
      profile: 'default',
      dir: '/data',
      bytesAsked: 256 * MIB,
      rounds: 2,
      timeBudgetSeconds: null,
      subjects: ['direct'],
      workloads: [{ name: 'large', bytes: 256 * MIB, situations: ['alone', 'neighbour'], subjects: null }],
      neighbour: {
        hotBytes: null,
        limitBytes: null,
        readsPerSecond: null,
        writeBytesPerSecond: null,
        subjects: ['direct', 'buffered'],
      },
      ceiling: true,
      jsonFile: 'out.json',
      htmlFile: 'out.html',
      textFile: 'out.prom',
      metricsPort: 9099,
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
      `unknown subject 'direkt'. Known subjects: ${known.subjects.join(', ')}`,
    )
    expect(mistake('--workloads', 'huge')).toBe(
      `unknown workload 'huge'. Known workloads: ${known.workloads.join(', ')}`,
    )
    expect(mistake('--workloads', ',')).toContain('Known workloads: large, small-records, wal')
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

  it.each(['-1', '65536', 'http', '1.5'])('refuses the port %j', (text) => {
    expect(mistake(`--metrics-port=${text}`)).toContain('not a port, 0 (any) to 65535')
  })

  it('refuses two things to do at once, and two profiles', () => {
    expect(mistake('--matrix', '--sweep')).toContain('one after the other')
    expect(mistake('--quick', '--profile', 'full')).toContain('not with --profile')
  })

  it('lists the situations when one is not known', () => {
    expect(mistake('--situations', 'crowd')).toBe(
      "unknown situation 'crowd'. Known situations: alone, neighbour, neighbour-throttled",
    )
  })
})

describe('profiles', () => {
  it('are shipped, and name only subjects that there are', () => {
    expect(shippedProfiles().toSorted()).toEqual(['default', 'full', 'quick'])
    for (const name of shippedProfiles()) {
      const names = subjects.map((subject) => subject.name)
      expect(() => readOptions(['--profile', name], { ...known, subjects: names })).not.toThrow()
      expect(readProfile(name).about).toEqual(expect.any(String))
    }
  })

  it('fix all options, and the command line counts more', () => {
    const profile = {
      mode: 'bench',
      dir: '/data',
      rounds: 3,
      timeBudgetSeconds: 10,
      subjects: ['buffered', 'direct'],
      workloads: { 'small-records': { bytes: '64MiB', situations: ['neighbour'], subjects: ['direct'] } },
      neighbour: { hotBytes: '16MiB', limitBytes: 268_435_456, readsPerSecond: 100, writeBytesPerSecond: '10MiB' },
      ceiling: true,
      json: 'a.json',
      html: 'a.html',
      textfile: 'a.prom',
      metricsPort: 0,
    }
    const path = profileFile(profile)
    expect(read('--profile', path)).toEqual({
      mode: 'bench',
      profile: path,
      dir: '/data',
      bytesAsked: null,
      rounds: 3,
      timeBudgetSeconds: 10,
      subjects: ['direct', 'buffered'],
      workloads: [{ name: 'small-records', bytes: 64 * MIB, situations: ['neighbour'], subjects: ['direct'] }],
      neighbour: {
        hotBytes: 16 * MIB,
        limitBytes: 256 * MIB,
        readsPerSecond: 100,
        writeBytesPerSecond: 10 * MIB,
        subjects: null,
      },
      ceiling: true,
      jsonFile: 'a.json',
      htmlFile: 'a.html',
      textFile: 'a.prom',
      metricsPort: 0,
    })
    const changed = read('--profile', path, '--subjects', 'evict', '--bytes', '1MiB', '--json', 'b.json')
    expect(changed).toMatchObject({ subjects: ['evict'], jsonFile: 'b.json', htmlFile: 'a.html' })
    expect(changed.workloads).toEqual([
      { name: 'small-records', bytes: MIB, situations: ['neighbour'], subjects: null },
    ])
  })

  it.each([
    ['{', 'not JSON'],
    [{ round: 3 }, 'Unrecognized key: "round"'],
    [{ rounds: 0 }, 'rounds'],
    [{ workloads: { large: { bytes: 'much' } } }, 'not a size: "much"'],
    [{ workloads: { huge: {} } }, "unknown workload 'huge'. Known workloads: large"],
    [{ workloads: { large: { subjects: ['floppy'] } } }, "unknown subject 'floppy'. Known subjects: direct"],
    [{ subjects: ['floppy'] }, "unknown subject 'floppy'. Known subjects: direct"],
    [{ neighbour: { subjects: ['floppy'] } }, "unknown subject 'floppy'. Known subjects: direct"],
    [{ workloads: { large: { situations: ['crowd'] } } }, 'workloads.large.situations'],
  ])('refuse %j', (content, message) => {
    expect(mistake('--profile', profileFile(content))).toContain(message)
  })

  it('that are not there are told with those that are shipped', () => {
    expect(mistake('--profile', '/no/such')).toBe(
      '--profile /no/such: it cannot be read (ENOENT). Shipped profiles: default, full, quick',
    )
  })
})
