/** The JSON report: what `--json` writes, and what everything else is made of. */
import { z } from 'zod'
import { environmentSchema } from './environment.ts'
import { measuredRunSchema, notRunSchema, situationSchema } from './run.ts'

/** Changes when a reader of the old form would misread the new one. */
export const SCHEMA_VERSION = 2

/** What a ratio of two subjects, or of two reports, allows to say. */
export const verdicts = ['better', 'worse', 'no-difference', 'too-few-rounds', 'too-noisy'] as const
export const verdictSchema = z.enum(verdicts)
export type Verdict = z.infer<typeof verdictSchema>

/** A median with its bootstrap confidence interval of 95 %. */
export const intervalSchema = z
  .strictObject({
    median: z.number(),
    low: z.number(),
    high: z.number(),
    /** How many values, or pairs, it comes from. */
    count: z.int().positive(),
  })
  .readonly()
export type Interval = z.infer<typeof intervalSchema>

/** A subject against the baseline, on one measure: ratios are taken round by round. */
export const comparisonSchema = z
  .strictObject({
    workload: z.string(),
    situation: situationSchema,
    subject: z.string(),
    baseline: z.string(),
    /** A name out of measures.ts. */
    measure: z.string(),
    ratio: intervalSchema,
    verdict: verdictSchema,
  })
  .readonly()
export type Comparison = z.infer<typeof comparisonSchema>

/** A measure that changed steadily while the benchmark ran. */
export const driftSchema = z
  .strictObject({
    workload: z.string(),
    situation: situationSchema,
    measure: z.string(),
    /** From the first round to the last: 0.1 is 10 % more. */
    change: z.number(),
    pValue: z.number().min(0).max(1),
  })
  .readonly()
export type Drift = z.infer<typeof driftSchema>

/** A subject that claims to be uncached and is not. */
export const brokenClaimSchema = z
  .strictObject({
    subject: z.string(),
    workload: z.string(),
    situation: situationSchema,
    what: z.string(),
  })
  .readonly()
export type BrokenClaim = z.infer<typeof brokenClaimSchema>

export const workloadSchema = z
  .strictObject({
    name: z.string(),
    /** A phrase: what is written. */
    summary: z.string(),
    bytes: z.int().positive(),
    situations: z.array(situationSchema).readonly(),
    /** In the order of the tables, those too that were not possible. */
    subjects: z.array(z.string()).readonly(),
  })
  .readonly()

/** One file system of `--matrix`. */
export const placeSchema = z
  .strictObject({
    /** For example `ext4, 4096-byte sectors`. */
    name: z.string(),
    fileSystemType: z.string(),
    sectorBytes: z.int().positive().nullable(),
    /** What `alignmentOf` says of a file there; `null` where it could not be asked. */
    alignment: z.strictObject({ memory: z.int(), offset: z.int(), source: z.string() }).readonly().nullable(),
    /** Why it could not be made; `null` when it could. Then there are no runs. */
    notMade: z.string().nullable(),
    runs: z.array(measuredRunSchema).readonly(),
    notRun: z.array(notRunSchema).readonly(),
    brokenClaims: z.array(brokenClaimSchema).readonly(),
  })
  .readonly()
export type Place = z.infer<typeof placeSchema>

export const reportSchema = z
  .strictObject({
    schemaVersion: z.literal(SCHEMA_VERSION),
    startedAt: z.iso.datetime(),
    /** Of the whole benchmark. */
    seconds: z.number().nonnegative(),
    environment: environmentSchema,
    /** `quick`, `default`, `full`, or the path of the profile that was used. */
    profile: z.string(),
    roundsAsked: z.int().positive(),
    roundsDone: z.int().nonnegative(),
    stoppedBy: z.enum(['time-budget', 'signal']).nullable(),
    /** All ratios refer to it. */
    baseline: z.string(),
    workloads: z.array(workloadSchema).readonly(),
    runs: z.array(measuredRunSchema).readonly(),
    notRun: z.array(notRunSchema).readonly(),
    brokenClaims: z.array(brokenClaimSchema).readonly(),
    comparisons: z.array(comparisonSchema).readonly(),
    drifts: z.array(driftSchema).readonly(),
    /** Sentences that a person would quote. */
    summary: z.array(z.string()).readonly(),
    /** Of `--matrix`; empty otherwise. */
    places: z.array(placeSchema).readonly(),
  })
  .readonly()
export type Report = z.infer<typeof reportSchema>
