import type { NotRun, RunFigures } from '../../bench/schema/run.ts'
import { MIB } from '../../bench/units.ts'

/** A run of 64 MiB in one second with half a second of CPU, which leaves nothing in the cache. */
export function measured(changes: Partial<RunFigures> = {}): RunFigures {
  return {
    subject: 'buffered',
    workload: 'large',
    situation: 'alone',
    round: 1,
    point: null,
    startedAtMs: 0,
    bytes: 64 * MIB,
    warmUpBytes: 0,
    seconds: 1,
    cpuUserSeconds: 0.2,
    cpuSystemSeconds: 0.3,
    kernelCpu: null,
    residentPeakBytes: 60 * MIB,
    eventLoopDelayMsMax: 1,
    writeLatency: null,
    commitLatency: null,
    sampleCount: null,
    footprint: {
      peakBytes: 0,
      residualBytes: 0,
      dirtyPeakBytes: 0,
      writebackPeakBytes: 0,
      dirtyResidualBytes: 0,
    },
    footprintSeries: [],
    memory: null,
    device: null,
    readBack: null,
    neighbour: null,
    ...changes,
  }
}

export function notRun(changes: Partial<NotRun> = {}): NotRun {
  return {
    state: 'unsupported',
    subject: 'dontcache',
    workload: 'large',
    situation: 'alone',
    round: 1,
    code: 'EOPNOTSUPP',
    message: 'RWF_DONTCACHE is not known here',
    ...changes,
  }
}
