#!/usr/bin/env node
import { evict } from './cli/evict.ts'
import { footprint } from './cli/footprint.ts'
import { probeFolders } from './cli/probe.ts'
import { complain, exitCodes, UsageError, usage, version } from './cli/usage.ts'
import { write } from './cli/write.ts'

/** A command gives its exit code. */
type Command = (args: string[]) => Promise<number>

const commands: Readonly<Record<string, Command>> = { probe: probeFolders, write, footprint, evict }

async function main([name, ...args]: string[]): Promise<number> {
  if (name === '--version' || name === '-V') {
    process.stdout.write(`${version()}\n`)
    return exitCodes.done
  }
  if (name === undefined || name === '--help' || name === '-h' || args.includes('--help') || args.includes('-h')) {
    const asked = name !== undefined
    ;(asked ? process.stdout : process.stderr).write(usage)
    return asked ? exitCodes.done : exitCodes.usage
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined)
    throw new UsageError(`unknown command '${name}'; known: ${Object.keys(commands).join(', ')}`)
  return await command(args)
}

// `uncached-io footprint * | head` is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done)
  throw error
})

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  complain(error)
  process.exitCode = error instanceof UsageError ? exitCodes.usage : exitCodes.failed
}
