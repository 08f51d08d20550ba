import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { whyNoFileSystems } from '../../bench/matrix/loop-file-systems.ts'
import { entriesIn } from './write-log.ts'

export type Kind = 'ext4' | 'xfs' | 'btrfs'

/** 320 MiB: xfs makes nothing below 300. */
const deviceBytes = 320 * 1024 * 1024
/** Sparse: far more than is ever written. */
const logBytes = 4 * 1024 * 1024 * 1024
const startMsMax = 10_000

const makers: Record<Kind, readonly string[]> = {
  ext4: ['mkfs.ext4', '-q', '-F'],
  xfs: ['mkfs.xfs', '-q', '-f'],
  btrfs: ['mkfs.btrfs', '-q', '-f'],
}

/** Why the power can't be cut here; null when it can. */
export function whyNoPowerCuts(): string | null {
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
 * A file system on a device that writes down all that it is told, in order: a file that QEMU's storage daemon offers by FUSE, with
 * a loop device on it. Everything is done by this machine's kernel.
 */
export class Recorder {
  readonly image: string
  readonly log: string
  readonly mount: string
  #daemon: ChildProcess | undefined
  #device: string | undefined

  constructor(
    private readonly folder: string,
    private readonly kind: Kind,
  ) {
    this.image = join(folder, 'image')
    this.log = join(folder, 'log')
    this.mount = join(folder, 'mount')
  }

  async start(): Promise<void> {
    const exported = join(this.folder, 'exported')
    for (const path of [this.image, this.log, exported]) writeFileSync(path, '')
    truncateSync(this.image, deviceBytes)
    truncateSync(this.log, logBytes)
    mkdirSync(this.mount)
    // It must not outlive the tests, however these end.
    const asked = {
      pdeathsig: ['KILL', 'qemu-storage-daemon'],
      data: ['--blockdev', `driver=file,node-name=data,filename=${this.image}`],
      log: ['--blockdev', `driver=file,node-name=log,filename=${this.log}`],
      recorder: ['--blockdev', 'driver=blklogwrites,node-name=recorder,file=data,log=log,log-sector-size=512'],
      exported: ['--export', `type=fuse,id=exported,node-name=recorder,mountpoint=${exported},writable=on`],
    }
    this.#daemon = spawn('setpriv', ['--pdeathsig', ...Object.values(asked).flat()], { stdio: 'inherit' })
    for (let waitedMs = 0; !readFileSync('/proc/self/mounts', 'utf8').includes(exported); waitedMs += 20) {
      if (this.#daemon.exitCode !== null || waitedMs > startMsMax) throw new Error('the recorder does not start')
      await setTimeout(20)
    }
    this.#device = run('losetup', '--find', '--show', exported).trim()
    const [maker = '', ...options] = makers[this.kind]
    run(maker, ...options, this.#device)
    run('mount', this.#device, this.mount)
  }

  /** How many entries there are of which all is written down. */
  get entries(): number {
    return entriesIn(this.log)
  }

  async stop(): Promise<void> {
    if (this.#device !== undefined) {
      if (readFileSync('/proc/self/mounts', 'utf8').includes(this.mount)) run('umount', this.mount)
      run('losetup', '--detach', this.#device)
      this.#device = undefined
    }
    const daemon = this.#daemon
    this.#daemon = undefined
    if (daemon === undefined || daemon.exitCode !== null) return
    const gone = once(daemon, 'exit')
    daemon.kill('SIGTERM')
    await gone
  }
}

/** Mounts an image as it was left, lets the file system recover, and hands its folder to `look`. */
export function mountedAfterwards<T>(image: string, folder: string, look: () => T): T {
  mkdirSync(folder, { recursive: true })
  run('mount', '-o', 'loop', image, folder)
  try {
    return look()
  } finally {
    run('umount', folder)
  }
}

function run(command: string, ...options: string[]): string {
  return execFileSync(command, options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
}
