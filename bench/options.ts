/** The command line: what is asked for, checked, with every default and its reason. */
import { parseArgs } from 'node:util'
import { messageOf } from './errors.ts'
import { byteUnits, parseBytes } from './units.ts'

export interface Options {
  /** Folder to write in; `null` is a temporary folder beside the project. */
  readonly dir: string | null
  /** The same file length for every workload; `null` is each workload's own. */
  readonly bytes: number | null
  readonly rounds: number
  /** Stop after the round that would pass this many seconds; `null` when the rounds were asked for. */
  readonly timeBudgetSeconds: number | null
  readonly quick: boolean
  readonly subjects: readonly string[]
  readonly workloads: readonly string[]
  readonly jsonFile: string | null
}

export interface Known {
  readonly subjects: readonly string[]
  readonly workloads: readonly string[]
}

/** A mistake on the command line: the message says what is known, the process ends with code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Five values make a median that one disturbed round does not move. */
const DEFAULT_ROUNDS = 5
const QUICK_ROUNDS = 3
/** The promises are 4 minutes and 60 s; the rest is for the last round being slower than those before. */
const DEFAULT_BUDGET_SECONDS = 220
const QUICK_BUDGET_SECONDS = 50
/** A limit against slips of the finger: a thousand rounds are most of a day. */
const ROUNDS_MAX = 1000

const optionTypes = {
  quick: { type: 'boolean', default: false },
  dir: { type: 'string' },
  bytes: { type: 'string' },
  rounds: { type: 'string' },
  subjects: { type: 'string', multiple: true },
  workloads: { type: 'string', multiple: true },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/**
 * Reads the arguments after the script's name.
 *
 * @returns `'help'` when that was asked for.
 * @throws {UsageError} for anything unknown or malformed.
 */
export function readOptions(args: readonly string[], known: Known): Options | 'help' {
  const values = parseOrExplain(args)
  if (values.help) return 'help'
  const rounds = values.rounds === undefined ? null : readRounds(values.rounds)
  const budgetSeconds = values.quick ? QUICK_BUDGET_SECONDS : DEFAULT_BUDGET_SECONDS
  return {
    dir: readText('--dir', values.dir),
    bytes: values.bytes === undefined ? null : readBytes(values.bytes),
    rounds: rounds ?? (values.quick ? QUICK_ROUNDS : DEFAULT_ROUNDS),
    timeBudgetSeconds: rounds === null ? budgetSeconds : null,
    quick: values.quick,
    subjects: readNames('subject', values.subjects, known.subjects),
    workloads: readNames('workload', values.workloads, known.workloads),
    jsonFile: readText('--json', values.json),
  }
}

function parseOrExplain(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: optionTypes, strict: true, allowPositionals: false }).values
  } catch (error) {
    const knownOptions = Object.keys(optionTypes).map((name) => `--${name}`)
    // Node's first sentence names the culprit; the ones after it are about positional arguments.
    const [reason] = messageOf(error).split('. ')
    throw new UsageError(`${reason}\nKnown options: ${knownOptions.join(', ')}`, { cause: error })
  }
}

function readText(option: string, text: string | undefined): string | null {
  if (text === '') throw new UsageError(`${option} needs a path`)
  return text ?? null
}

function readBytes(text: string): number {
  const bytes = parseBytes(text)
  if (bytes === null) {
    throw new UsageError(`--bytes ${text}: not a size. Write a number above 0, plain or with ${byteUnits}`)
  }
  return bytes
}

function readRounds(text: string): number {
  const rounds = /^\d+$/.test(text) ? Number(text) : 0
  if (rounds < 1 || rounds > ROUNDS_MAX) {
    throw new UsageError(`--rounds ${text}: not a whole number from 1 to ${ROUNDS_MAX}`)
  }
  return rounds
}

/** Takes `a,b` as well as the option given twice; keeps the known order, so that tables always look alike. */
function readNames(kind: string, lists: readonly string[] | undefined, known: readonly string[]): readonly string[] {
  if (lists === undefined) return known
  const asked = new Set(lists.flatMap((list) => list.split(',')).map((name) => name.trim()))
  asked.delete('')
  if (asked.size === 0) throw new UsageError(`--${kind}s needs a name. Known ${kind}s: ${known.join(', ')}`)
  for (const name of asked) {
    if (!known.includes(name)) {
      throw new UsageError(`unknown ${kind} '${name}'. Known ${kind}s: ${known.join(', ')}`)
    }
  }
  return known.filter((name) => asked.has(name))
}
