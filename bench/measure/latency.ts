import type { RecordableHistogram } from 'node:perf_hooks'
import type { Latency } from '../schema/latency.ts'

/** The figures of a histogram of nanoseconds; all 0 when nothing was recorded. */
export function latencyOf(histogram: RecordableHistogram): Latency {
  if (histogram.count === 0) return { count: 0, p50Ns: 0, p90Ns: 0, p99Ns: 0, p999Ns: 0, maxNs: 0 }
  return {
    count: histogram.count,
    p50Ns: histogram.percentile(50),
    p90Ns: histogram.percentile(90),
    p99Ns: histogram.percentile(99),
    p999Ns: histogram.percentile(99.9),
    maxNs: histogram.max,
  }
}
