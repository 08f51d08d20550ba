import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dropPages } from '../measure/drop-pages.ts'

/** Longer than a signal to a process group takes to reach all of it. */
const SIGNAL_PATIENCE_MS = 100

/**
 * Makes what a workload's runs start from, in a process of its own: what it leaves behind in memory is nobody's.
 *
 * @param script the module to run
 * @returns `null`, or why it was not possible
 * @throws the signal's reason when it is aborted
 */
export async function setUpWorkload(
  script: URL,
  { name, bytes }: { readonly name: string; readonly bytes: number },
  folder: string,
  signal: AbortSignal,
): Promise<string | null> {
  signal.throwIfAborted()
  const child = fork(script, [name, folder, String(bytes)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  let wrong: string | null = 'its process ended before it was done'
  child.once('message', (message: { readonly wrong: string | null }) => {
    wrong = message.wrong
  })
  try {
    await once(child, 'close')
    // Ctrl-C reaches the whole process group, and may have reached the child first.
    if (child.signalCode !== null && !signal.aborted) await sleep(SIGNAL_PATIENCE_MS)
  } finally {
    signal.removeEventListener('abort', kill)
  }
  signal.throwIfAborted()
  return wrong
}

/** Of files that are read by a run, the pages are dropped before it: no run finds what another one has read. */
export async function forgetPages(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) await dropPages(join(entry.parentPath, entry.name))
  }
}
