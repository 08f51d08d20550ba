/** The command line: what is asked for, checked, with every default and its reason. */
import { parseOrExplain, readCount, readNames, readPath, readSize } from './arguments.ts'

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
  /** Whether fio runs beside the subjects, as the ceiling. */
  readonly ceiling: boolean
  readonly jsonFile: string | null
}

export interface Known {
  readonly subjects: readonly string[]
  readonly workloads: readonly string[]
}

/** Five values make a median that one disturbed round does not move. */
const DEFAULT_ROUNDS = 5
const QUICK_ROUNDS = 3
/** The promises are 6 minutes and 60 s; the rest is for the last round being slower than those before. */
const DEFAULT_BUDGET_SECONDS = 340
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
  ceiling: { type: 'boolean', default: false },
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
  const values = parseOrExplain(args, optionTypes)
  if (values.help) return 'help'
  const rounds = values.rounds === undefined ? null : readCount('--rounds', values.rounds, ROUNDS_MAX)
  const budgetSeconds = values.quick ? QUICK_BUDGET_SECONDS : DEFAULT_BUDGET_SECONDS
  return {
    dir: readPath('--dir', values.dir),
    bytes: values.bytes === undefined ? null : readSize('--bytes', values.bytes),
    rounds: rounds ?? (values.quick ? QUICK_ROUNDS : DEFAULT_ROUNDS),
    timeBudgetSeconds: rounds === null ? budgetSeconds : null,
    quick: values.quick,
    subjects: readNames('--subjects', 'subject', values.subjects, known.subjects),
    workloads: readNames('--workloads', 'workload', values.workloads, known.workloads),
    ceiling: values.ceiling,
    jsonFile: readPath('--json', values.json),
  }
}
