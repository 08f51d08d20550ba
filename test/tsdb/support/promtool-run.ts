import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { pathOfTool } from './tools.ts'

/** Five minutes: the largest dumps of the tests take one. What takes longer hangs. */
const TIME_LIMIT_MS = 300_000

/**
 * Runs promtool to its end, and gives what it prints piece by piece: it may be more than a string can hold.
 *
 * @throws {Error} with what it said on stderr when it fails, and when it has to be stopped after five minutes; what
 *   `take` throws, and then promtool is stopped.
 */
export async function run(args: readonly string[], take: (text: string) => void): Promise<void> {
  const child = spawn(pathOfTool('promtool'), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIME_LIMIT_MS,
    killSignal: 'SIGKILL',
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  async function takeAll(): Promise<void> {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    for await (const bytes of child.stdout) take(decoder.decode(bytes as Buffer, { stream: true }))
    take(decoder.decode())
  }
  try {
    const [[code, signal]] = await Promise.all([once(child, 'close'), takeAll()])
    if (code !== 0) throw new Error(`promtool ${args.join(' ')}: ${stderr.trim()} (${signal ?? `exit code ${code}`})`)
  } finally {
    child.kill('SIGKILL')
  }
}

/** What promtool prints, for commands that print little. @throws {Error} as {@link run} does. */
export async function outputOf(args: readonly string[]): Promise<string> {
  let output = ''
  await run(args, (text) => (output += text))
  return output
}
