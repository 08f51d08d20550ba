/** Ctrl-C and its relatives. */

/** The signals that ask a program to end, with their numbers: the exit code is 128 and the number, as shells have it. */
const endingSignals = [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const

export interface Interruption {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal
  /** `null` while there was no signal. */
  exitCode(): number | null
  /** Gives the signals back to Node. */
  stop(): void
}

/** The first signal ends the benchmark in good order; a second one ends the process at once. */
export function watchForInterruption(): Interruption {
  const controller = new AbortController()
  let exitCode: number | null = null
  const listeners = endingSignals.map(([name, number]) => {
    const interrupt = () => {
      // Handlers of 'exit' still run, so the work folder is removed this way as well.
      if (exitCode !== null) process.exit(128 + number)
      exitCode = 128 + number
      controller.abort(new Error(`ended by ${name}`))
    }
    process.on(name, interrupt)
    return [name, interrupt] as const
  })
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    stop() {
      for (const [name, interrupt] of listeners) process.off(name, interrupt)
    },
  }
}
