import { z } from 'zod'

/** Times in nanoseconds, out of an HDR histogram (`perf_hooks.createHistogram`, three digits). */
export const latencySchema = z
  .strictObject({
    count: z.int().nonnegative(),
    p50Ns: z.number(),
    p90Ns: z.number(),
    p99Ns: z.number(),
    p999Ns: z.number(),
    maxNs: z.number(),
  })
  .readonly()
export type Latency = z.infer<typeof latencySchema>
