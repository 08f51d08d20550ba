import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isInstalled, run, whyNoFileSystems } from '../../bench/matrix/loop-file-systems.ts'

const startMsMax = 10_000

function whyNoServedDevices(): string | null {
  const why = whyNoFileSystems()
  if (why !== null) return why
  const missing = ['qemu-storage-daemon', 'setpriv'].filter((tool) => !isInstalled(tool))
  if (missing.length > 0) return `needs ${missing.join(', ')} (Debian: qemu-system-common, util-linux)`
  return existsSync('/dev/fuse') ? null : 'needs FUSE'
}

/** Why no block device can be served here; null when one can. */
export const whyNotServed: string | null = whyNoServedDevices()

/** The name of a group of tests, with the reason for which it does not run. */
export function namedServed(name: string): string {
  return whyNotServed === null ? name : `${name} (skipped: ${whyNotServed})`
}

/** With CI=true nothing may be skipped: a test that fails instead. */
export function demandServedDevicesInCI(): void {
  test('block devices can be served here, or nobody demands it', () => {
    if (process.env.CI === 'true') expect(whyNotServed).toBeNull()
  })
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
