/** The command line of the device benchmark, checked, with every default and its reason. */
import { parseOrExplain, readCount, readNames, readPath, readSize, UsageError } from '../arguments.ts'
import { formatBytes, GIB, MIB } from '../units.ts'

export interface DeviceOptions {
  readonly pairs: number
  /** Length of every file. */
  readonly bytes: number
  /** Folder to write in; `null` is a temporary folder beside the project. */
  readonly dir: string | null
  readonly only: readonly string[]
  readonly jsonFile: string | null
}

/** Seven pairs make a median that two disturbed ones do not move much. */
const PAIRS = 7
/** A limit against slips of the finger: a hundred pairs are most of a working day. */
const PAIRS_MAX = 100
/** A second or more for the fastest disk: below that the opening and the fsync are what is measured. */
const BYTES = 2 * GIB
/** As much as the warm-up writes: less would not be a run of its own. */
const BYTES_MIN = 64 * MIB

const optionTypes = {
  pairs: { type: 'string' },
  size: { type: 'string' },
  dir: { type: 'string' },
  only: { type: 'string', multiple: true },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/**
 * Reads the arguments after the script's name.
 *
 * @param known the names that `--only` takes, in the order of the tables
 * @returns `'help'` when that was asked for.
 * @throws {UsageError} for anything unknown or malformed.
 */
export function readDeviceOptions(args: readonly string[], known: readonly string[]): DeviceOptions | 'help' {
  const values = parseOrExplain(args, optionTypes)
  if (values.help) return 'help'
  return {
    pairs: values.pairs === undefined ? PAIRS : readCount('--pairs', values.pairs, PAIRS_MAX),
    bytes: values.size === undefined ? BYTES : readFileSize(values.size),
    dir: readPath('--dir', values.dir),
    only: readNames('--only', 'name', values.only, known),
    jsonFile: readPath('--json', values.json),
  }
}

function readFileSize(text: string): number {
  const bytes = readSize('--size', text)
  // fio writes whole blocks, so the others have no more to write.
  if (bytes < BYTES_MIN || bytes % MIB !== 0) {
    throw new UsageError(`--size ${text}: not a multiple of 1 MiB from ${formatBytes(BYTES_MIN)} on`)
  }
  return bytes
}
