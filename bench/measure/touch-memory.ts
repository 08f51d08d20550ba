import { fork } from 'node:child_process'
import { once } from 'node:events'

/**
 * The share of the available memory that may be touched. The rest is for everybody else: touching all of it would
 * push their pages out, or get this process killed in a container.
 */
const AVAILABLE_SHARE_MAX = 0.75

/**
 * Touches and frees about as much memory as the page cache is going to need. In a virtual machine the first touch of a
 * page makes the hypervisor find memory for it, which is slow, and whoever writes through the page cache first would
 * pay for all who come later. A process of its own does it: what it touched is certainly free again when it has ended.
 */
export async function touchMemory(script: URL, wantedBytes: number, signal: AbortSignal): Promise<void> {
  const bytes = Math.min(wantedBytes, Math.floor(process.availableMemory() * AVAILABLE_SHARE_MAX))
  const child = fork(script, [String(bytes)], { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  // Memory that could not be touched is no reason to stop: numbers get noisier, not wrong.
  await once(child, 'exit')
  signal.removeEventListener('abort', kill)
}
