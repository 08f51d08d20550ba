/** A profile fixes what the benchmark does: bench/profiles has those that are shipped. */
import { z } from 'zod'
import { parseBytes } from '../units.ts'
import { situations } from './run.ts'

/** `"512MiB"`, or a number of bytes. */
const size = z.union([z.string(), z.int().positive()]).transform((value, context) => {
  const bytes = typeof value === 'number' ? value : parseBytes(value)
  if (bytes !== null) return bytes
  context.addIssue({ code: 'custom', message: `not a size: ${JSON.stringify(value)}` })
  return z.NEVER
})

const names = z.array(z.string()).nonempty()

/** Of a workload: whatever is left out is as the workload has it. */
const workloadSchema = z.strictObject({
  bytes: size.optional(),
  /** `["alone"]` where it is left out. */
  situations: z.array(z.enum(situations)).nonempty().optional(),
  /** Of the profile's subjects, those that run it alone; all where it is left out. */
  subjects: names.optional(),
})

export const neighbourSettingsSchema = z.strictObject({
  hotBytes: size.optional(),
  limitBytes: size.optional(),
  readsPerSecond: z.int().positive().optional(),
  /** The rate that all writers are held to in `neighbour-throttled`. */
  writeBytesPerSecond: size.optional(),
  /** Who writes beside the neighbour; all of the workload's subjects where it is left out. */
  subjects: names.optional(),
})

export const profileSchema = z.strictObject({
  /** For whoever reads the file. */
  about: z.string().optional(),
  mode: z.enum(['bench', 'sweep', 'matrix']).optional(),
  dir: z.string().nonempty().optional(),
  rounds: z.int().positive().max(1000).optional(),
  /** No round is begun that would end later than this; `null`: all rounds are done, whatever they take. */
  timeBudgetSeconds: z.number().positive().nullable().optional(),
  subjects: names.optional(),
  workloads: z.record(z.string(), workloadSchema).optional(),
  neighbour: neighbourSettingsSchema.optional(),
  ceiling: z.boolean().optional(),
  json: z.string().nonempty().optional(),
  html: z.string().nonempty().optional(),
  textfile: z.string().nonempty().optional(),
  metricsPort: z.int().min(0).max(65_535).optional(),
})
export type Profile = z.infer<typeof profileSchema>
