import type { DirectIOWriter } from 'uncached-io'
import type { SyncStretches } from './sync-stretches.ts'

/** A program that writes: hands over so many bytes, heeding backpressure, and leaves `end` to others. */
export interface Feed {
  write(writer: DirectIOWriter, bytes: number, stretches: SyncStretches): Promise<void>
}
