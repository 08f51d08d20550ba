import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { whyNoFileSystems } from '../../bench/matrix/loop-file-systems.ts'

const startMsMax = 10_000

/** Why no block device can be served here; null when one can. */
export function whyNoServedDevices(): string | null {
  const why = whyNoFileSystems()
  if (why !== null) return why
  const folders = `${process.env.PATH ?? ''}:/usr/bin:/usr/sbin`.split(':')
  const missing = ['qemu-storage-daemon', 'setpriv'].filter(
    (tool) => !folders.some((folder) => existsSync(join(folder, tool))),
  )
  if (missing.length > 0) return `needs ${missing.join(', ')} (Debian: qemu-system-common, util-linux)`
  return existsSync('/dev/fuse') ? null : 'needs FUSE'
}

/**
 * A block device behind which QEMU's storage daemon stands, which writes down what it is told, or fails where it is asked to: a
 * file that the daemon offers by FUSE, with a loop device on it. All else is done by this machine's kernel.
 */
export class ServedDevice {
  #daemon: ChildProcess | undefined
  #device: string | undefined

  /** @param nodes the daemon's block nodes, each as its option --blockdev has it; the last one, `served`, is the device */
  constructor(
    private readonly folder: string,
    private readonly nodes: readonly string[],
  ) {}

  /** @returns the path of the device */
  async start(): Promise<string> {
    const file = join(this.folder, 'served')
    writeFileSync(file, '')
    const options = this.nodes.flatMap((node) => ['--blockdev', node])
    const served = ['--export', `type=fuse,id=served,node-name=served,mountpoint=${file},writable=on`]
    // It must not outlive the tests, however these end.
    const command = ['--pdeathsig', 'KILL', 'qemu-storage-daemon', ...options, ...served]
    this.#daemon = spawn('setpriv', command, { stdio: 'inherit' })
    for (let waitedMs = 0; !readFileSync('/proc/self/mounts', 'utf8').includes(file); waitedMs += 20) {
      if (this.#daemon.exitCode !== null || waitedMs > startMsMax) throw new Error('the storage daemon does not start')
      await setTimeout(20)
    }
    this.#device = run('losetup', '--find', '--show', file).trim()
    return this.#device
  }

  /** Nothing may be mounted on it any more. */
  async stop(): Promise<void> {
    if (this.#device !== undefined) run('losetup', '--detach', this.#device)
    this.#device = undefined
    const daemon = this.#daemon
    this.#daemon = undefined
    if (daemon === undefined || daemon.exitCode !== null) return
    const gone = once(daemon, 'exit')
    daemon.kill('SIGTERM')
    await gone
  }
}

/** @returns what the command printed; throws when it fails, or takes a minute */
export function run(command: string, ...options: string[]): string {
  return execFileSync(command, options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
}
