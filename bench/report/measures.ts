/** What is compared between subjects, between reports, and shown as metrics: one list for all outputs. */
import type { RunFigures } from '../schema/run.ts'
import { GIB } from '../units.ts'

export interface Measure {
  /** With its unit last, in the way of the JSON report. */
  readonly name: string
  /** A few words, for tables and charts. */
  readonly label: string
  readonly better: 'higher' | 'lower'
  readonly unit: 'bytes' | 'bytes/s' | 's' | 's/GiB' | 'ns' | 'ms' | 'ratio' | 'samples/s'
  /** `null` where a run has no such number. */
  readonly valueOf: (run: RunFigures) => number | null
}

export const measures: readonly Measure[] = [
  measure('throughputBytesPerSecond', 'throughput', 'higher', 'bytes/s', (run) =>
    // The baseline without a writer has no rate.
    run.bytes === 0 ? null : per(run.bytes, run.seconds),
  ),
  measure('cpuSecondsPerGib', 'CPU per GiB', 'lower', 's/GiB', (run) => per(cpuSeconds(run) * GIB, run.bytes)),
  measure('kernelCpuSecondsPerGib', 'kernel threads CPU per GiB', 'lower', 's/GiB', (run) =>
    run.kernelCpu === null ? null : per(kernelCpuSeconds(run.kernelCpu) * GIB, run.bytes),
  ),
  measure('residentPeakBytes', 'resident memory', 'lower', 'bytes', (run) => run.residentPeakBytes),
  measure('eventLoopDelayMsMax', 'worst event-loop delay', 'lower', 'ms', (run) => run.eventLoopDelayMsMax),
  measure('writeLatencyP50Ns', 'write p50', 'lower', 'ns', (run) => run.writeLatency?.p50Ns ?? null),
  measure('writeLatencyP99Ns', 'write p99', 'lower', 'ns', (run) => run.writeLatency?.p99Ns ?? null),
  measure('commitLatencyP50Ns', 'commit p50', 'lower', 'ns', (run) => run.commitLatency?.p50Ns ?? null),
  measure('commitLatencyP99Ns', 'commit p99', 'lower', 'ns', (run) => run.commitLatency?.p99Ns ?? null),
  measure('samplesPerCpuSecond', 'samples per core second', 'higher', 'samples/s', (run) =>
    run.sampleCount === null ? null : per(run.sampleCount, cpuSeconds(run)),
  ),
  measure('footprintPeakBytes', 'page cache at most', 'lower', 'bytes', (run) => run.footprint.peakBytes),
  measure('footprintResidualBytes', 'page cache left', 'lower', 'bytes', (run) => run.footprint.residualBytes),
  measure(
    'cachePeakBytes',
    'charged page cache at most',
    'lower',
    'bytes',
    (run) => run.memory?.cachePeakBytes ?? null,
  ),
  measure('cacheMeanBytes', 'charged page cache, mean', 'lower', 'bytes', (run) => run.memory?.cacheMeanBytes ?? null),
  measure('workingSetPeakBytes', 'working set', 'lower', 'bytes', (run) => run.memory?.workingSetPeakBytes ?? null),
  measure('usagePeakBytes', 'memory usage', 'lower', 'bytes', (run) => run.memory?.usagePeakBytes ?? null),
  measure('writeAmplification', 'device bytes per byte', 'lower', 'ratio', (run) =>
    run.device === null ? null : per(run.device.writtenBytes, run.bytes),
  ),
  measure('readBackAsLeftSeconds', 'read back as left', 'lower', 's', (run) => run.readBack?.asLeftSeconds ?? null),
  measure('neighbourP50Ns', "neighbour's p50", 'lower', 'ns', (run) => run.neighbour?.during.latency.p50Ns ?? null),
  measure('neighbourP99Ns', "neighbour's p99", 'lower', 'ns', (run) => run.neighbour?.during.latency.p99Ns ?? null),
  measure('neighbourP999Ns', "neighbour's p99.9", 'lower', 'ns', (run) => run.neighbour?.during.latency.p999Ns ?? null),
  measure('neighbourResidentShare', "neighbour's hot data in memory", 'higher', 'ratio', (run) =>
    run.neighbour === null ? null : run.neighbour.during.residentShare,
  ),
]

/** @throws when there is no measure of this name. */
export function measureNamed(name: string): Measure {
  const found = measures.find((each) => each.name === name)
  if (found === undefined) throw new Error(`no measure is named ${name}`)
  return found
}

function measure(
  name: string,
  label: string,
  better: Measure['better'],
  unit: Measure['unit'],
  valueOf: Measure['valueOf'],
): Measure {
  return { name, label, better, unit, valueOf }
}

function per(value: number, base: number): number | null {
  return base === 0 ? null : value / base
}

export function cpuSeconds({ cpuUserSeconds, cpuSystemSeconds }: RunFigures): number {
  return cpuUserSeconds + cpuSystemSeconds
}

function kernelCpuSeconds(cpu: NonNullable<RunFigures['kernelCpu']>): number {
  return cpu.workersSeconds + cpu.reclaimSeconds + cpu.journalSeconds + cpu.otherSeconds
}
