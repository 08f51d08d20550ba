import { describe, expect, it } from 'vitest'
import { UsageError } from '../../../bench/arguments.ts'
import { type DeviceOptions, readDeviceOptions } from '../../../bench/device/options.ts'
import { GIB, MIB } from '../../../bench/units.ts'

const known = ['fio', 'large', 'event-loop']

function read(...args: string[]): DeviceOptions {
  const options = readDeviceOptions(args, known)
  if (options === 'help') throw new Error('expected options, not the help')
  return options
}

describe('readDeviceOptions', () => {
  it('runs seven pairs of 2 GiB with everything when nothing is asked for', () => {
    expect(read()).toEqual({ pairs: 7, bytes: 2 * GIB, dir: null, only: known, jsonFile: null })
  })

  it('reads all options', () => {
    const args = ['--pairs=3', '--size', '64MiB', '--dir', '/data', '--only', 'event-loop,fio', '--json', 'x.json']
    expect(read(...args)).toEqual({
      pairs: 3,
      bytes: 64 * MIB,
      dir: '/data',
      only: ['fio', 'event-loop'],
      jsonFile: 'x.json',
    })
  })

  it('answers --help before anything else is looked at', () => {
    expect(readDeviceOptions(['--help', '--pairs', 'many'], known)).toBe('help')
  })

  it.each([
    [['--pairs', '0'], '--pairs 0: not a whole number from 1 to 100'],
    [['--pairs', 'x'], '--pairs x: not a whole number from 1 to 100'],
    [['--size', '63MiB'], '--size 63MiB: not a multiple of 1 MiB from 64 MiB on'],
    [['--size', '100MB'], '--size 100MB: not a multiple of 1 MiB from 64 MiB on'],
    [['--size', 'big'], '--size big: not a size'],
    [['--only', 'floppy'], "unknown name 'floppy'. Known names: fio, large, event-loop"],
    [['--only', ','], '--only needs a name. Known names: fio, large, event-loop'],
    [['--dir='], '--dir needs a path'],
    [['--json='], '--json needs a path'],
    [['--pair', '1'], "Unknown option '--pair'"],
    [['large'], "Unexpected argument 'large'"],
  ])('refuses %j', (args, message) => {
    expect(() => read(...args)).toThrow(UsageError)
    expect(() => read(...args)).toThrow(message)
  })
})
