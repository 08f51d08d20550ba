import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/**
 * Three times the file: the page cache does not get exactly the pages that were touched, and a hypervisor that is told
 * of free pages takes some of them back meanwhile. Measured with files of 1 GiB: with once their size half of the runs
 * met cold memory, with twice one in eight, with three times hardly any.
 */
const TOUCHED_PER_FILE_BYTE = 3

/**
 * The share of the available memory that may be touched. The rest is for everybody else: touching all of it would
 * push their pages out, or get this process killed in a container.
 */
const AVAILABLE_SHARE_MAX = 0.75

/** Memory that was touched and is still held. */
export interface WarmMemory {
  /** Resolves when the memory is free again, for the page cache to take. */
  release(): Promise<void>
}

/**
 * Touches more memory than the page cache is going to need, and holds it.
 *
 * In a virtual machine the first touch of a page makes the hypervisor find memory for it, which is slow: whoever writes
 * through the page cache would pay for that, as CPU time and as time. It is not enough to do it once, since with free
 * page reporting the hypervisor has free pages back after two seconds; so the memory is held until right before the
 * clock starts. A process of its own holds it: when that has ended, the memory is certainly free.
 */
export async function warmMemory(script: URL, fileBytes: number, signal: AbortSignal): Promise<WarmMemory> {
  if (fileBytes === 0) return { release: async () => {} }
  const availableBytes = Math.floor(process.availableMemory() * AVAILABLE_SHARE_MAX)
  const bytes = Math.min(fileBytes * TOUCHED_PER_FILE_BYTE, availableBytes)
  const child = fork(script, [String(bytes)], { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const exited = once(child, 'exit')
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  // Memory that could not be touched is no reason to stop: numbers get noisier, not wrong.
  await Promise.race([once(child, 'message'), exited])
  return {
    async release() {
      signal.removeEventListener('abort', kill)
      await endOf(child, exited)
    },
  }
}

async function endOf(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL')
  await exited
}
