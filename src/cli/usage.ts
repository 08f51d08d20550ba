import { readFileSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { codeOf } from '../errors.ts'

export const usage = `Usage: uncached-io COMMAND

  probe DIR... [--json]     try out what the folders' file systems can do
  write FILE [options]      write standard input to a file past the page cache
  footprint FILE... [--json]
                            how much of the files is in the page cache
  evict FILE...             make the files durable and drop them from the page cache

Options of write:
  --strategy STRATEGY       auto (default), direct, dontcache, evict or buffered
  --require                 refuse where the strategy is not possible, instead of taking the next best
  --verify                  check that the page cache was not used
  --sync                    return when content and name survive a power cut
  --atomic                  write beside the file and rename when complete
  --exclusive               refuse a file that is there
  --preallocate SIZE        allocate before writing, for example 10GiB

  -h, --help                this text
  -V, --version             the version

Exit codes: 0 done, 1 failed, 2 wrong usage. Sizes are in bytes, or KiB, MiB, GiB, TiB.
`

export const exitCodes = { done: 0, failed: 1, usage: 2 } as const

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export function complain(what: unknown): void {
  const message = what instanceof Error ? what.message : String(what)
  const hint = what instanceof UsageError ? "\nTry 'uncached-io --help'." : ''
  process.stderr.write(`uncached-io: ${message}${hint}\n`)
}

/** The value of `version` in the package's own description. */
export function version(): string {
  const description = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return description.version
}

type Options = NonNullable<ParseArgsConfig['options']>
type Parsed<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>
>

/**
 * Options and operands.
 *
 * @throws UsageError
 */
export function parse<T extends Options>(args: string[], options: T): Parsed<T> {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true })
  } catch (error) {
    if (codeOf(error)?.startsWith('ERR_PARSE_ARGS_') !== true) throw error
    throw new UsageError((error as Error).message)
  }
}

/**
 * Does something for each operand, the others also when one fails. Gives the exit code.
 *
 * @throws UsageError when there is none
 */
export async function forEach(operands: readonly string[], kind: string, work: (operand: string) => Promise<void>) {
  if (operands.length === 0) throw new UsageError(`which ${kind}?`)
  let code: number = exitCodes.done
  for (const operand of operands) {
    try {
      await work(operand)
    } catch (error) {
      complain(error)
      code = exitCodes.failed
    }
  }
  return code
}
