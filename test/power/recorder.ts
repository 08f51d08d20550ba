import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeOn, type OnDisk, run } from '../../bench/matrix/loop-file-systems.ts'
import { ServedDevice } from '../support/served-device.ts'
import { entriesIn } from './write-log.ts'

/** 320 MiB: xfs makes nothing below 300. */
export const deviceBytes = 320 * 1024 * 1024
/** Sparse: far more than is ever written. */
const logBytes = 4 * 1024 * 1024 * 1024

/** A file system on a device that writes down all that it is told, in order. */
export class Recorder {
  readonly image: string
  readonly log: string
  readonly mount: string
  readonly #device: ServedDevice

  constructor(
    readonly folder: string,
    readonly kind: OnDisk,
  ) {
    this.image = join(folder, 'image')
    this.log = join(folder, 'log')
    this.mount = join(folder, 'mount')
    this.#device = new ServedDevice(folder, [
      `driver=file,node-name=data,filename=${this.image}`,
      `driver=file,node-name=log,filename=${this.log}`,
      'driver=blklogwrites,node-name=served,file=data,log=log,log-sector-size=512',
    ])
  }

  async start(): Promise<void> {
    for (const path of [this.image, this.log]) writeFileSync(path, '')
    truncateSync(this.image, deviceBytes)
    truncateSync(this.log, logBytes)
    mkdirSync(this.mount)
    const device = await this.#device.start()
    makeOn(this.kind, device)
    run('mount', device, this.mount)
  }

  /** How many entries there are of which all is written down. */
  get entries(): number {
    return entriesIn(this.log)
  }

  async stop(): Promise<void> {
    if (readFileSync('/proc/self/mounts', 'utf8').includes(this.mount)) run('umount', this.mount)
    await this.#device.stop()
  }
}

/** Mounts an image as it was left, lets the file system recover, and hands its folder to `look`. */
export async function mountedAfterwards(image: string, folder: string, look: () => Promise<unknown>): Promise<void> {
  mkdirSync(folder, { recursive: true })
  run('mount', '-o', 'loop', image, folder)
  try {
    await look()
  } finally {
    run('umount', folder)
  }
}
