import { CacheChargeSampler } from '../measure/cache-charge-sampler.ts'
import { type BlockDevice, type DeviceBytes, readDeviceBytes } from '../measure/device-io.ts'
import type { MemoryCgroup } from '../measure/memory-cgroup.ts'
import type { Surroundings } from './result.ts'

/** Watches what a run does to everyone else: the page cache that is charged to it, and what the device has to do. */
export class SurroundingsWatch {
  private cgroup: MemoryCgroup | null = null
  private sampler: CacheChargeSampler | null = null
  private before: DeviceBytes | null = null

  constructor(private readonly device: BlockDevice | null) {}

  /** Moves the process that is going to write into a cgroup of its own, where one can be had. */
  async putIntoCgroup(pid: number, makeCgroup: () => Promise<MemoryCgroup | null>): Promise<void> {
    this.cgroup = await makeCgroup()
    await this.cgroup?.add(pid)
  }

  async begin(): Promise<void> {
    if (this.cgroup !== null) this.sampler = new CacheChargeSampler(this.cgroup)
    if (this.device !== null) this.before = await readDeviceBytes(this.device)
  }

  async end(): Promise<Surroundings> {
    const after = this.device === null ? null : await readDeviceBytes(this.device)
    const charge = (await this.stopSampling()) ?? null
    const { before } = this
    return {
      cacheChargePeakBytes: charge?.peakBytes ?? null,
      cacheChargeMeanBytes: charge?.meanBytes ?? null,
      deviceReadBytes: after === null || before === null ? null : after.readBytes - before.readBytes,
      deviceWrittenBytes: after === null || before === null ? null : after.writtenBytes - before.writtenBytes,
    }
  }

  /** To be called when the process has ended, whatever came of it. */
  async remove(): Promise<void> {
    await this.stopSampling().catch(() => {})
    await this.cgroup?.remove()
    this.cgroup = null
  }

  private async stopSampling() {
    const { sampler } = this
    this.sampler = null
    return await sampler?.stop()
  }
}
