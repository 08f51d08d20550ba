/** What the command lines of this folder have in common: reading arguments, and saying what is wrong with them. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { messageOf } from './errors.ts'
import { byteUnits, parseBytes } from './units.ts'

/** A mistake on the command line: the message says what is known, the process ends with code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

type OptionTypes = NonNullable<ParseArgsConfig['options']>

/**
 * `parseArgs`, strictly and without positional arguments.
 *
 * @throws {UsageError} that lists the known options
 */
export function parseOrExplain<T extends OptionTypes>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    const knownOptions = Object.keys(options).map((name) => `--${name}`)
    // Node's first sentence names the culprit; the ones after it are about positional arguments.
    const [reason] = messageOf(error).split('. ')
    throw new UsageError(`${reason}\nKnown options: ${knownOptions.join(', ')}`, { cause: error })
  }
}

/** A path, or `null` where the option was not given. */
export function readPath(option: string, text: string | undefined): string | null {
  if (text === '') throw new UsageError(`${option} needs a path`)
  return text ?? null
}

/** A size such as `1GiB`, in bytes. */
export function readSize(option: string, text: string): number {
  const bytes = parseBytes(text)
  if (bytes === null) {
    throw new UsageError(`${option} ${text}: not a size. Write a number above 0, plain or with ${byteUnits}`)
  }
  return bytes
}

/** A whole number from 1 to `max`. */
export function readCount(option: string, text: string, max: number): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0
  if (count < 1 || count > max) throw new UsageError(`${option} ${text}: not a whole number from 1 to ${max}`)
  return count
}

/**
 * Names out of those known. Takes `a,b` as well as the option given twice; keeps the known order, so that tables always
 * look alike.
 *
 * @param option as it is written, such as `--subjects`; `kind` is what it names, such as `subject`
 */
export function readNames(
  option: string,
  kind: string,
  lists: readonly string[] | undefined,
  known: readonly string[],
): readonly string[] {
  if (lists === undefined) return known
  const asked = new Set(lists.flatMap((list) => list.split(',')).map((name) => name.trim()))
  asked.delete('')
  if (asked.size === 0) throw new UsageError(`${option} needs a name. Known ${kind}s: ${known.join(', ')}`)
  for (const name of asked) {
    if (!known.includes(name)) {
      throw new UsageError(`unknown ${kind} '${name}'. Known ${kind}s: ${known.join(', ')}`)
    }
  }
  return known.filter((name) => asked.has(name))
}
