import { subscribe } from 'node:diagnostics_channel'
import { channels, type DowngradeEvent, type OpenEvent } from '../diagnostics.ts'
import type { OpenWriterOptions } from '../options.ts'
import { writeFile } from '../write-file.ts'
import { Progress } from './progress.ts'
import { parseSize } from './size.ts'
import { standardInput } from './standard-input.ts'
import { complain, exitCodes, parse, UsageError } from './usage.ts'

const options = {
  strategy: { type: 'string' },
  require: { type: 'boolean', default: false },
  verify: { type: 'boolean', default: false },
  sync: { type: 'boolean', default: false },
  atomic: { type: 'boolean', default: false },
  exclusive: { type: 'boolean', default: false },
  preallocate: { type: 'string' },
} as const

/** 16 MiB of buffers: the pipe goes on while the disk takes its time, which a full pipe of 1 MiB would not. */
const queueDepth = 8

/** Writes standard input to a file. */
export async function write(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, options)
  const [path] = positionals
  if (path === undefined || positionals.length > 1) throw new UsageError('write takes one file')
  const { strategy, preallocate, sync: durable, atomic } = values
  const writerOptions = {
    flags: values.exclusive ? 'wx' : 'w',
    policy: values.require ? 'require' : 'prefer',
    verify: values.verify,
    queueDepth,
    ...(strategy === undefined ? {} : { strategy: strategy as NonNullable<OpenWriterOptions['strategy']> }),
    ...(preallocate === undefined ? {} : { preallocate: parseSize('--preallocate', preallocate) }),
  } as const
  const progress = new Progress()
  tellOf(progress)
  const interruption = new Interruption()
  try {
    // What was read is of no use to an atomic file; any other one is to hold all of it.
    const signal = atomic ? interruption.aborted : undefined
    await writeFile(path, standardInput(interruption.aborted), { ...writerOptions, durable, atomic, signal })
  } catch (error) {
    if (error !== interruption.aborted.reason) throw usageOr(error)
  } finally {
    progress.stop()
  }
  interruption.pass()
  return exitCodes.done
}

/** How it is written goes to the terminal; what is not as asked for is said in any case. */
function tellOf(progress: Progress): void {
  subscribe(channels.open.name, (event) => {
    progress.writer = (event as OpenEvent).writer
  })
  subscribe(channels.downgrade.name, (event) => {
    const { asked, to, why } = event as DowngradeEvent
    const better = asked === 'auto' ? 'direct' : asked
    progress.aside(() => complain(`written as ${to}${to === better ? '' : `, not ${better}`}: ${why}`))
  })
}

/** Options that openWriter refuses are wrong usage here. */
function usageOr(error: unknown): unknown {
  const wrong = error instanceof TypeError || error instanceof RangeError
  return wrong && 'code' in error ? new UsageError(error.message) : error
}

/** The first SIGINT, SIGTERM or SIGHUP ends the reading; the next one ends the process at once. */
class Interruption {
  signal: NodeJS.Signals | undefined
  readonly #abort = new AbortController()
  readonly #listeners = new Map<NodeJS.Signals, () => void>()

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      const listen = (): void => {
        this.signal = signal
        this.#forget()
        this.#abort.abort()
      }
      this.#listeners.set(signal, listen)
      process.once(signal, listen)
    }
  }

  get aborted(): AbortSignal {
    return this.#abort.signal
  }

  /** Ends the process as the signal would have, now that everything is in order: shells look at how it ended. */
  pass(): void {
    this.#forget()
    if (this.signal !== undefined) process.kill(process.pid, this.signal)
  }

  #forget(): void {
    for (const [signal, listen] of this.#listeners) process.off(signal, listen)
  }
}
