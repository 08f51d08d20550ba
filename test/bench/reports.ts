import type { Environment } from '../../bench/schema/environment.ts'
import type { Latency } from '../../bench/schema/latency.ts'
import type { Report } from '../../bench/schema/report.ts'
import type { NeighbourFigures, RunFigures, Situation } from '../../bench/schema/run.ts'
import { GIB, MIB } from '../../bench/units.ts'
import { measured, notRun } from './runs.ts'

export const environment: Environment = {
  kernel: 'Linux 6.18.0 x64',
  node: 'v20.20.0',
  packageVersion: '0.1.0',
  cpuModel: 'Some CPU',
  cpuCount: 2,
  memoryBytes: 24 * GIB,
  loadAverage: 0.3,
  fileSystemType: 'ext4',
  mountOptions: 'rw,relatime',
  superOptions: 'rw,errors=remount-ro',
  device: '/dev/vda',
  disk: {
    name: 'vda',
    model: null,
    rotational: true,
    scheduler: 'mq-deadline',
    writeCache: 'write back',
    logicalBlockBytes: 512,
    physicalBlockBytes: 512,
    sizeBytes: 270_582_939_648,
  },
  dirtyLimits: { dirty_ratio: 20, dirty_background_ratio: 10 },
  limits: { memoryBytes: null, cpus: null, openFiles: 1_048_576, lockedMemoryBytes: null },
  container: null,
  virtualMachine: true,
  footprintSource: 'cachestat',
  memoryCgroup: 1,
  countedDevice: 'vda',
  kernelThreads: true,
  forceDirectIo: null,
}

export function latency(p50Ns: number): Latency {
  return { count: 1000, p50Ns, p90Ns: 1.5 * p50Ns, p99Ns: 4 * p50Ns, p999Ns: 20 * p50Ns, maxNs: 50 * p50Ns }
}

/** How fast a subject is, how much CPU it takes, and what it leaves behind: like what was measured once. */
const characters = {
  direct: { bytesPerSecond: 1800 * MIB, cpuPerGib: 0.1, cachedShare: 0 },
  dontcache: { bytesPerSecond: 1700 * MIB, cpuPerGib: 0.35, cachedShare: 0.01 },
  evict: { bytesPerSecond: 900 * MIB, cpuPerGib: 0.6, cachedShare: 0.02 },
  buffered: { bytesPerSecond: 1000 * MIB, cpuPerGib: 0.5, cachedShare: 1 },
} as const

export type Character = keyof typeof characters
export const subjectNames = Object.keys(characters) as Character[]

/** A run of 256 MiB in which nothing is missing. The rounds differ by a few per cent, always the same. */
export function plausibleRun(subject: Character, round: number, changes: Partial<RunFigures> = {}): RunFigures {
  const { bytesPerSecond, cpuPerGib, cachedShare } = characters[subject]
  const bytes = 256 * MIB
  const wobble = 1 + (((round * 7 + subject.length * 3) % 5) - 2) * 0.02
  const seconds = (bytes / bytesPerSecond) * wobble
  const cpuSeconds = ((cpuPerGib * bytes) / GIB) * wobble
  const peakBytes = Math.round(bytes * cachedShare)
  const residualBytes = cachedShare === 1 ? bytes : 0
  const steps = [0, 0.25, 0.5, 0.75, 1]
  return measured({
    subject,
    round,
    bytes,
    seconds,
    startedAtMs: round * 10_000 + subjectNames.indexOf(subject) * 2000,
    warmUpBytes: 16 * MIB,
    cpuUserSeconds: 0.3 * cpuSeconds,
    cpuSystemSeconds: 0.7 * cpuSeconds,
    kernelCpu: { workersSeconds: 0.01 + 0.1 * cachedShare, reclaimSeconds: 0, journalSeconds: 0.001, otherSeconds: 0 },
    writeLatency: latency(500_000 * wobble),
    footprint: {
      peakBytes,
      residualBytes,
      dirtyPeakBytes: peakBytes,
      writebackPeakBytes: Math.round(peakBytes / 2),
      dirtyResidualBytes: 0,
    },
    footprintSeries: steps.map(
      (step) => [step * seconds * 1e3, cachedShare === 1 ? Math.round(step * bytes) : peakBytes] as const,
    ),
    memory: {
      cachePeakBytes: peakBytes,
      cacheMeanBytes: peakBytes / 2,
      usagePeakBytes: peakBytes + 60 * MIB,
      workingSetPeakBytes: 60 * MIB,
      dirtyPeakBytes: peakBytes,
      writebackPeakBytes: Math.round(peakBytes / 2),
      activeFilePeakBytes: 0,
      inactiveFilePeakBytes: peakBytes,
      refaultedPages: 0,
      sampleCount: 30,
    },
    device: { readBytes: 0, writtenBytes: Math.round(bytes * 1.01) },
    readBack: { asLeftSeconds: cachedShare === 1 ? 0.05 : 0.2, coldSeconds: 0.2, warmSeconds: 0.05 },
    ...changes,
  })
}

export function neighbourFigures(duringP50Ns: number, residentShare: number): NeighbourFigures {
  const calm = { latency: latency(1500), residentShare: 1 }
  return {
    hotBytes: 128 * MIB,
    limitBytes: 256 * MIB,
    before: calm,
    during: { latency: latency(duringP50Ns), residentShare },
    after: { latency: latency((1500 + duringP50Ns) / 2), residentShare },
    refaultedPages: Math.round((1 - residentShare) * 10_000),
  }
}

const beside = (subject: Character, round: number, situation: Situation) =>
  plausibleRun(subject, round, {
    situation,
    startedAtMs: 100_000 + round * 10_000,
    neighbour: neighbourFigures(subject === 'buffered' ? 9000 : 1600, subject === 'buffered' ? 0.4 : 1),
  })

function runsOf(round: number): RunFigures[] {
  return [
    ...subjectNames.map((subject) => plausibleRun(subject, round)),
    ...subjectNames.map((subject) => beside(subject, round, 'neighbour')),
    ...subjectNames.map((subject) => beside(subject, round, 'neighbour-throttled')),
    measured({
      subject: 'no-writer',
      situation: 'neighbour',
      round,
      bytes: 0,
      seconds: 3,
      neighbour: neighbourFigures(1500, 1),
    }),
  ]
}

/** Five rounds of four subjects, alone and beside a neighbour; one that could not run; nothing computed from them yet. */
export function plausibleReport(changes: Partial<Report> = {}): Report {
  const rounds = [1, 2, 3, 4, 5]
  const runs = rounds.flatMap(runsOf)
  return {
    schemaVersion: 2,
    startedAt: '2026-11-27T10:00:00.000Z',
    seconds: 300,
    environment,
    profile: 'default',
    roundsAsked: 5,
    roundsDone: 5,
    stoppedBy: null,
    baseline: 'buffered',
    workloads: [
      {
        name: 'large',
        summary: 'chunks of 1 MiB',
        bytes: 256 * MIB,
        situations: ['alone', 'neighbour', 'neighbour-throttled'],
        subjects: [...subjectNames, 'fs-filehandle', 'no-writer'],
      },
    ],
    runs,
    notRun: [
      notRun({
        subject: 'fs-filehandle',
        code: 'ENOSPC',
        state: 'failed',
        message: 'ENOSPC: no space left on device, write',
      }),
    ],
    brokenClaims: [],
    comparisons: [],
    drifts: [],
    summary: [],
    places: [],
    ...changes,
  }
}
