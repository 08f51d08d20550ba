import { MIB } from '../../units.ts'

/** What the neighbour is like where a profile does not say otherwise. */
export const neighbourDefaults = {
  /** As much as an index of some hundred thousand series: read all the time, and far more than processors cache. */
  hotBytes: 128 * MIB,
  /** As much again for what both processes take (some 10 MiB beyond what Node had before) and for the writer's page cache. */
  limitBytes: 256 * MIB,
  /** Each hot page about every four seconds, with a few per cent of a processor. */
  readsPerSecond: 8000,
  /** A compaction that is throttled so as not to disturb. */
  writeBytesPerSecond: 128 * MIB,
  /** How long it is measured before and after the writer: some thousands of reads, for a percentile of 99.9. */
  calmMs: 1000,
} as const
