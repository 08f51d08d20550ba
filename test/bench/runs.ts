import type { MeasuredRun, NotRun } from '../../bench/run/result.ts'
import { MIB } from '../../bench/units.ts'

/** A run of 64 MiB in one second with half a second of CPU, which leaves nothing in the cache. */
export function measured(changes: Partial<MeasuredRun> = {}): MeasuredRun {
  return {
    state: 'measured',
    subject: 'buffered',
    workload: 'large',
    round: 1,
    bytes: 64 * MIB,
    seconds: 1,
    cpuUserSeconds: 0.2,
    cpuSystemSeconds: 0.3,
    footprintPeakBytes: 0,
    footprintResidualBytes: 0,
    eventLoopDelayMsMax: 1,
    cacheChargePeakBytes: null,
    cacheChargeMeanBytes: null,
    deviceReadBytes: null,
    deviceWrittenBytes: null,
    sampleCount: null,
    commits: null,
    ...changes,
  }
}

export function notRun(changes: Partial<NotRun> = {}): NotRun {
  return {
    state: 'unsupported',
    subject: 'dontcache',
    workload: 'large',
    round: 1,
    code: 'EOPNOTSUPP',
    message: 'RWF_DONTCACHE is not known here',
    ...changes,
  }
}
