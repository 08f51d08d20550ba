import type { BlockDevice, DeviceBytes } from '../measure/device-io.ts'
import { readDeviceBytes } from '../measure/device-io.ts'
import { type FootprintNow, footprintOf } from '../measure/footprint.ts'
import { FootprintSampler, maxKnown } from '../measure/footprint-sampler.ts'
import { type KernelCpuReading, kernelCpuBetween, readKernelCpu } from '../measure/kernel-threads.ts'
import type { MemoryCgroup } from '../measure/memory-cgroup.ts'
import { MemorySampler } from '../measure/memory-sampler.ts'
import type { RunFigures } from '../schema/run.ts'

/** What is measured from outside, around the process that writes. */
export type Surroundings = Pick<RunFigures, 'footprint' | 'footprintSeries' | 'memory' | 'device' | 'kernelCpu'>

export interface WhatToWatch {
  /** The file or the folder whose pages in the cache are the writer's. It need not be there yet. */
  readonly path: string
  /** The cgroup that the writing process is in; `null` where none can be had. */
  readonly cgroup: Pick<MemoryCgroup, 'sample'> | null
  /** `null` where it cannot be told. */
  readonly device: BlockDevice | null
  /** Whether kernel threads can be seen. */
  readonly kernelThreads: boolean
}

const nothing: FootprintNow = { residentBytes: 0, dirtyBytes: 0, writebackBytes: 0 }

/** Watches what a run does to everyone else, from its construction on. */
export class RunWatch {
  private readonly footprint: FootprintSampler
  private readonly memory: MemorySampler | null

  private constructor(
    private readonly what: WhatToWatch,
    private readonly deviceBefore: DeviceBytes | null,
    private readonly kernelBefore: KernelCpuReading | null,
  ) {
    this.footprint = new FootprintSampler(what.path)
    this.memory = what.cgroup === null ? null : new MemorySampler(what.cgroup)
  }

  static async begin(what: WhatToWatch): Promise<RunWatch> {
    const device = what.device === null ? null : await readDeviceBytes(what.device)
    return new RunWatch(what, device, what.kernelThreads ? readKernelCpu() : null)
  }

  /**
   * To be called as soon as the writing is done, while the writing process is still there.
   *
   * @param hasWritten whether there is a file: its footprint is what is left of it in the cache
   */
  async end(hasWritten: boolean): Promise<Surroundings> {
    const { what, deviceBefore, kernelBefore } = this
    const kernelAfter = kernelBefore === null ? null : readKernelCpu()
    const deviceAfter = what.device === null ? null : await readDeviceBytes(what.device)
    const memory = (await this.memory?.stop()) ?? null
    const left = hasWritten ? await footprintOf(what.path) : nothing
    const { series, ...peaks } = await this.footprint.stop()
    return {
      footprint: {
        // What is left was there before the end too, whether or not a sample fell into that moment.
        peakBytes: Math.max(peaks.peakBytes, left.residentBytes),
        dirtyPeakBytes: maxKnown(peaks.dirtyPeakBytes, left.dirtyBytes),
        writebackPeakBytes: maxKnown(peaks.writebackPeakBytes, left.writebackBytes),
        residualBytes: left.residentBytes,
        dirtyResidualBytes: left.dirtyBytes,
      },
      footprintSeries: series,
      memory,
      device:
        deviceAfter === null || deviceBefore === null
          ? null
          : {
              readBytes: deviceAfter.readBytes - deviceBefore.readBytes,
              writtenBytes: deviceAfter.writtenBytes - deviceBefore.writtenBytes,
            },
      kernelCpu: kernelAfter === null || kernelBefore === null ? null : kernelCpuBetween(kernelBefore, kernelAfter),
    }
  }

  /** Ends it without a result. May be called after {@link end} as well. */
  async stop(): Promise<void> {
    await this.footprint.stop().catch(() => {})
    await this.memory?.stop().catch(() => {})
  }
}
