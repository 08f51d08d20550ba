/** What the command lines of this folder do alike: check before they begin, print, and end with a code. */
import { pageCacheOf } from 'uncached-io'
import { UsageError } from './arguments.ts'
import { messageOf } from './errors.ts'
import { packageFile } from './package.ts'
import { whyNotWritable } from './report/json.ts'
import { whyNotUsable, whyTooLittleSpace } from './run/work-folder.ts'

/** Something outside of the benchmark is in the way: told without a stack. */
export class CannotGoOn extends Error {}

export const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** Runs a program's `main` with its arguments; it gives the exit code. What it throws is told behind `name`. */
export async function runCommand(name: string, main: (args: readonly string[]) => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    const expected = error instanceof UsageError || error instanceof CannotGoOn
    const text = error instanceof Error && !expected ? error.stack : messageOf(error)
    process.stderr.write(`${name}: ${text}\n`)
    process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED
  }
}

/**
 * Finds out before anything is written what would be in the way later.
 *
 * @param dir the folder in question; `asked` are the options as they were given
 * @throws {UsageError} {CannotGoOn}
 */
export async function checkBeforehand(
  asked: { readonly dir: string | null },
  dir: string,
  largestFileBytes: number,
): Promise<void> {
  if (process.platform !== 'linux') throw new CannotGoOn('the page cache can only be measured on Linux')
  const notUsable = await whyNotUsable(dir)
  if (notUsable !== null) throw new UsageError(asked.dir === null ? notUsable : `--dir: ${notUsable}`)
  const tooLittleSpace = await whyTooLittleSpace(dir, largestFileBytes)
  if (tooLittleSpace !== null) throw new CannotGoOn(tooLittleSpace)
}

/** @throws {UsageError} when a file could not be written in the end, as far as that can be told before */
export async function checkWritable(option: string, path: string | null): Promise<void> {
  const why = path === null ? null : await whyNotWritable(path)
  if (why !== null) throw new UsageError(`${option}: ${why}`)
}

/** Asked of any file: without footprints there is nothing to show, and a missing addon is found out here as well. */
export async function footprintSource(): Promise<string> {
  try {
    return (await pageCacheOf(packageFile)).source
  } catch (error) {
    throw new CannotGoOn(`the page cache cannot be measured: ${messageOf(error)}`, { cause: error })
  }
}

export function useColour(): boolean {
  return process.stdout.isTTY && !process.env.NO_COLOR
}

export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}
