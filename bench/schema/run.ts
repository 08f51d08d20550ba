/** A single run, as it is measured, kept and read again. The types of the code come from here. */
import { z } from 'zod'
import { latencySchema } from './latency.ts'

const bytes = z.int().nonnegative()
const seconds = z.number().nonnegative()

/**
 * Who else is there: nobody; a neighbour that reads hot data under a memory limit that it shares with the writer; or that, with
 * the writer held to one rate, the same for all subjects.
 */
export const situations = ['alone', 'neighbour', 'neighbour-throttled'] as const
export const situationSchema = z.enum(situations)
export type Situation = z.infer<typeof situationSchema>

/** The writer's own file or files in the page cache, as cachestat(2) or mincore(2) tell: sampled, so peaks are lower bounds. */
export const footprintSchema = z
  .strictObject({
    peakBytes: bytes,
    /** Once all was closed. */
    residualBytes: bytes,
    /** `null` where mincore is all there is. */
    dirtyPeakBytes: bytes.nullable(),
    writebackPeakBytes: bytes.nullable(),
    dirtyResidualBytes: bytes.nullable(),
  })
  .readonly()
export type Footprint = z.infer<typeof footprintSchema>

/**
 * What the memory cgroup of the run was charged with (measure/memory-stat.ts says from which files), sampled. In cAdvisor's
 * words: `cache` is container_memory_cache, `usage` container_memory_usage_bytes, `workingSet`
 * container_memory_working_set_bytes.
 */
export const memorySchema = z
  .strictObject({
    cachePeakBytes: bytes,
    /** Over time. */
    cacheMeanBytes: z.number().nonnegative(),
    usagePeakBytes: bytes,
    workingSetPeakBytes: bytes,
    dirtyPeakBytes: bytes.nullable(),
    writebackPeakBytes: bytes.nullable(),
    activeFilePeakBytes: bytes,
    inactiveFilePeakBytes: bytes,
    /** Pages that were brought in again soon after they had been pushed out. `null` where the kernel does not tell. */
    refaultedPages: z.int().nonnegative().nullable(),
    sampleCount: z.int().nonnegative(),
  })
  .readonly()
export type MemoryFigures = z.infer<typeof memorySchema>

/** CPU time of kernel threads of the whole machine while the run was timed: whoever they worked for. */
export const kernelCpuSchema = z
  .strictObject({
    /** Workers: writeback, and the completion of reads and writes. */
    workersSeconds: seconds,
    /** kswapd and kcompactd. */
    reclaimSeconds: seconds,
    /** The file system's journal: jbd2, xfsaild, btrfs-*. */
    journalSeconds: seconds,
    otherSeconds: seconds,
  })
  .readonly()
export type KernelCpu = z.infer<typeof kernelCpuSchema>

/** Reading what was written once, from its beginning to its end. */
export const readBackSchema = z
  .strictObject({
    /** As the writer has left it. */
    asLeftSeconds: seconds,
    /** After its pages were dropped. */
    coldSeconds: seconds,
    /** Once more, out of the page cache. */
    warmSeconds: seconds,
  })
  .readonly()
export type ReadBack = z.infer<typeof readBackSchema>

export const neighbourPhaseSchema = z
  .strictObject({
    latency: latencySchema,
    /** Of its hot data, in the page cache when the phase ended: 0 to 1. */
    residentShare: z.number().min(0).max(1),
  })
  .readonly()
export type NeighbourPhase = z.infer<typeof neighbourPhaseSchema>

/** What a process felt that reads hot data at random: before the writer, beside it, and after it. */
export const neighbourSchema = z
  .strictObject({
    hotBytes: bytes,
    /** That both share; `null` where no memory cgroup could be had. */
    limitBytes: bytes.nullable(),
    before: neighbourPhaseSchema,
    during: neighbourPhaseSchema,
    after: neighbourPhaseSchema,
    /** Of its cgroup, all phases; `null` where there is none, or the kernel does not tell. */
    refaultedPages: z.int().nonnegative().nullable(),
  })
  .readonly()
export type NeighbourFigures = z.infer<typeof neighbourSchema>

export const measuredRunSchema = z
  .strictObject({
    subject: z.string(),
    workload: z.string(),
    situation: situationSchema,
    /** Counted from 1. */
    round: z.int().positive(),
    /** Of a sweep only: what was varied. */
    point: z.strictObject({ blockBytes: bytes, queueDepth: z.int().positive() }).readonly().nullable(),
    /** Since the first run began: the order of the runs, to find drift. */
    startedAtMs: z.number().nonnegative(),
    /** Written, exactly. 0 for the baseline without a writer. */
    bytes,
    /** Written to another file before the clock started, and not in any figure but the resident memory. */
    warmUpBytes: bytes,
    /** From before the file is opened until it is durable and closed. */
    seconds,
    /** CPU of the writing process with all its threads. Kernel threads (writeback) are not in it. */
    cpuUserSeconds: seconds,
    cpuSystemSeconds: seconds,
    /** `null` where they cannot be seen. */
    kernelCpu: kernelCpuSchema.nullable(),
    /** Most memory that was resident of the writing process; `null` for fio. */
    residentPeakBytes: bytes.nullable(),
    /** How late, at worst, the writing process's event loop came round; `null` for fio, which has none. */
    eventLoopDelayMsMax: z.number().nonnegative().nullable(),
    /** How long the caller is held up by each MiB that it hands over; `null` where that is not asked. */
    writeLatency: latencySchema.nullable(),
    /** From the last byte of a batch until it is in the file, and durable; `null` where the work is not commits. */
    commitLatency: latencySchema.nullable(),
    /** Samples of a TSDB that were written; `null` where the work is not about samples. */
    sampleCount: z.int().nonnegative().nullable(),
    footprint: footprintSchema,
    /** The footprint over time, `[ms since the start, bytes]`, thinned out. */
    footprintSeries: z.array(z.tuple([z.number(), bytes]).readonly()).readonly(),
    /** `null` where no memory cgroup could be had; the environment says why. */
    memory: memorySchema.nullable(),
    /** What the block device did meanwhile, for everybody; `null` where it cannot be told. */
    device: z.strictObject({ readBytes: bytes, writtenBytes: bytes }).readonly().nullable(),
    /** `null` where it was not asked for. */
    readBack: readBackSchema.nullable(),
    /** `null` without a neighbour. */
    neighbour: neighbourSchema.nullable(),
  })
  .readonly()
/** A run that wrote the right bytes. */
export type RunFigures = z.infer<typeof measuredRunSchema>

/** A run without numbers: not possible on this kernel or file system, or gone wrong. */
export const notRunSchema = z
  .strictObject({
    state: z.enum(['unsupported', 'failed']),
    subject: z.string(),
    workload: z.string(),
    situation: situationSchema,
    round: z.int().positive(),
    /** An errno or `ERR_` name. */
    code: z.string(),
    message: z.string(),
  })
  .readonly()
export type NotRun = z.infer<typeof notRunSchema>
