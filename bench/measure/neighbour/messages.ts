/** What the neighbour and its parent say to each other. */
import type { Latency } from '../../schema/latency.ts'

export interface NeighbourSettings {
  readonly hotPath: string
  readonly hotBytes: number
  readonly readsPerSecond: number
}

/** `warm`: read the hot data. `take`: what was measured since the last time. */
export type ToNeighbour = 'warm' | 'take'

export type FromNeighbour =
  | { readonly is: 'started' }
  /** The hot data is in memory, and it reads. */
  | { readonly is: 'warm' }
  | { readonly is: 'taken'; readonly latency: Latency }
